#include "workers/kernels/imaging/reconstruct.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "workers/kernels/imaging/bootstrap.h"
#include "workers/kernels/imaging/data_term.h"
#include "workers/kernels/imaging/fit.h"
#include "workers/kernels/imaging/redraw.h"
#include "workers/kernels/imaging/refits.h"
#include "workers/kernels/imaging/thinning.h"

namespace unfold::imaging {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// Random streams: the data's own, then one a replicate (refits.h).
constexpr std::uint64_t kDataStream = 0;

void require(bool holds, const char* otherwise) {
  if (!holds) throw std::invalid_argument(otherwise);
}

void check(const Problem& problem, const Settings& settings) {
  const StopRule& rule = settings.stop;
  require(rule.iterations >= 1, "iterations must be at least 1");
  require(rule.patience >= 1, "patience must be at least 1");
  require(rule.splits >= 1, "thinning needs at least one split");
  require(rule.fraction > 0 && rule.fraction < 1, "the thinning fraction must be between 0 and 1");
  require(rule.threshold > 0, "the likelihood threshold must be above 0");
  require(settings.bootstrap.replicates >= 0 && settings.bootstrap.replicates != 1,
          "a bootstrap needs at least 2 replicates");
  require(problem.share == 1, "a whole job needs all counts");
  if (rule.stop == Stop::kThinning) require_whole_counts(problem.counts);
  const bool impossible_save =
      std::any_of(settings.save_iterations.begin(), settings.save_iterations.end(),
                  [&](Index n) { return n < 1 || n > rule.iterations; });
  require(!impossible_save, "save_iterations must be from 1 to iterations");
}

/// What must agree between the run that wrote a checkpoint and the one that resumes it.
std::vector<double> identity(const Problem& problem, const Settings& settings) {
  const StopRule& rule = settings.stop;
  const AlgorithmOptions& algorithm = settings.algorithm;
  const Shape shape = problem.response.shape();
  std::vector<double> out;
  for (const auto value :
       {shape.times, shape.pixels, shape.bins, problem.events.size(), rule.iterations, rule.splits,
        rule.patience, algorithm.subsets, settings.bootstrap.replicates,
        static_cast<Index>(algorithm.algorithm), static_cast<Index>(rule.stop),
        static_cast<Index>(settings.bootstrap.stop), static_cast<Index>(algorithm.prior.kind),
        static_cast<Index>(settings.regions.size()),
        static_cast<Index>(settings.save_iterations.size())}) {
    out.push_back(static_cast<double>(value));
  }
  for (const double value :
       {rule.fraction, rule.threshold, static_cast<double>(rule.seed),
        static_cast<double>(settings.bootstrap.seed), algorithm.prior.weight,
        algorithm.initial_flux, algorithm.background_prior, algorithm.dc1_scale,
        algorithm.smooth_fwhm_deg, algorithm.max_step, algorithm.weight_power}) {
    out.push_back(value);
  }
  return out;
}

/// One job. Its parts run in order, each skipped where a checkpoint says that it is done.
class Run {
 public:
  Run(const Problem& problem, const Settings& settings, const Hooks& hooks)
      : problem_(problem),
        settings_(settings),
        hooks_(hooks),
        regions_(find_regions(settings.regions, problem.sky)),
        fit_(problem, settings.algorithm, settings.stop, settings.save_iterations),
        tally_(problem.exposure, problem.background.amplitudes(),
               static_cast<Index>(regions_.size())) {}

  void resume(const Checkpoint& checkpoint);
  Result run();

 private:
  Checkpoint checkpoint() const;
  void keep() const {
    if (hooks_.checkpoint) hooks_.checkpoint(checkpoint());
  }
  void poll() const {
    if (hooks_.cancelled && hooks_.cancelled()) throw Cancelled();
  }
  void report(const Report& report) const {
    if (hooks_.report) hooks_.report(report);
  }

  void find_updates();
  void iterate();
  void bootstrap();
  void add(const Refit& refit);
  Result result() const;
  void warn(Result& result) const;

  const Problem& problem_;
  const Settings& settings_;
  const Hooks& hooks_;
  std::vector<RegionPixels> regions_;
  Fit fit_;
  BootstrapTally tally_;
  ThinningResult thinning_;
};

void Run::resume(const Checkpoint& checkpoint) {
  ArchiveReader in(checkpoint);
  if (in.list() != identity(problem_, settings_)) {
    throw std::invalid_argument("the checkpoint is of another job");
  }
  thinning_.updates = in.index();
  thinning_.found_maximum = in.number() != 0;
  thinning_.validation = in.list();
  fit_.restore(in);
  tally_.restore(in);
}

Checkpoint Run::checkpoint() const {
  ArchiveWriter out;
  out.put(identity(problem_, settings_));
  out.put(thinning_.updates);
  out.put(thinning_.found_maximum ? 1.0 : 0.0);
  out.put(thinning_.validation);
  fit_.save(out);
  tally_.save(out);
  return std::move(out).take();
}

void Run::find_updates() {
  if (settings_.stop.stop != Stop::kThinning || thinning_.updates > 0) return;
  const auto most =
      static_cast<Index>(static_cast<double>(settings_.stop.iterations) * settings_.stop.fraction);
  poll();
  thinning_ = find_stop(problem_, settings_.algorithm, settings_.stop, kDataStream,
                        [&](Index n, double validation, const Estimate& estimate) {
                          report({"thinning", n, most, kNone, validation, &estimate});
                          poll();
                        });
  keep();
}

void Run::iterate() {
  const Index most =
      settings_.stop.stop == Stop::kThinning ? thinning_.updates : settings_.stop.iterations;
  while (!fit_.finished(most)) {
    poll();
    fit_.step();
    report(
        {"iterations", fit_.updates(), most, fit_.known_log_likelihood(), kNone, &fit_.estimate()});
    keep();
  }
}

void Run::bootstrap() {
  const Index wanted = settings_.bootstrap.replicates;
  if (tally_.replicates() >= wanted) return;
  poll();
  const CountModel model(problem_, fit_.estimate());
  const Refits refits(problem_, settings_, model, fit_.updates(), [this] { poll(); });
  const auto tell = [&](Index done) {
    report({"bootstrap", done, wanted, kNone, kNone, &fit_.estimate()});
  };
  while (tally_.replicates() < wanted) {
    const Index done = tally_.replicates(), group = refits.next_group(done);
    if (group == 1) {
      add(refits.one(done));
      tell(done + 1);
    } else {
      // A resumed run repeats the group: the checkpoint waits for all of it.
      for (const Refit& refit :
           refits.several(done, group, [&](Index finished) { tell(done + finished); })) {
        add(refit);
      }
    }
    keep();
  }
}

void Run::add(const Refit& refit) {
  std::vector<double> fluxes;
  for (const RegionPixels& region : regions_) {
    fluxes.push_back(flux_of(region, refit.estimate.image));
  }
  tally_.add(refit.estimate, fluxes, refit.updates);
}

Result Run::result() const {
  Result out;
  fit_.fill(out);
  out.validation = thinning_.validation;
  for (const RegionPixels& region : regions_) {
    out.regions.push_back(
        {region.name, region.pixels, flux_of(region, out.estimate.image), kNone, kNone});
  }
  if (settings_.bootstrap.replicates > 0) tally_.finish(out);
  const bool thinned = settings_.stop.stop == Stop::kThinning && thinning_.found_maximum;
  if (thinned) out.stopped_by = "thinning";
  out.impossible_events = DataTerm(problem_)
                              .pass({.counts = problem_.counts,
                                     .image = out.estimate.image,
                                     .amplitude = out.estimate.amplitude})
                              .impossible;
  warn(out);
  return out;
}

void Run::warn(Result& result) const {
  const bool thinning = settings_.stop.stop == Stop::kThinning;
  if (thinning && settings_.algorithm.algorithm == Algorithm::kEm &&
      settings_.algorithm.prior.kind == PriorKind::kNone) {
    result.warnings.push_back(
        "em without a prior: the validation likelihood does not see pixels of little exposure, and "
        "stops late for them");
  }
  if (thinning && !thinning_.found_maximum) {
    result.warnings.push_back(
        "the validation likelihood still rose at the last iteration allowed: allow more");
  }
  if (result.impossible_events > 0) {
    result.warnings.push_back(std::to_string(result.impossible_events) +
                              " events can come neither from the sky nor from the background");
  }
}

Result Run::run() {
  find_updates();
  iterate();
  bootstrap();
  return result();
}

}  // namespace

Result reconstruct(const Problem& problem, const Settings& settings, const Hooks& hooks,
                   const Checkpoint* resume) {
  check(problem, settings);
  Run run(problem, settings, hooks);
  if (resume != nullptr) run.resume(*resume);
  return run.run();
}

}  // namespace unfold::imaging
