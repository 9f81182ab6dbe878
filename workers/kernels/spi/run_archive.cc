#include <stdexcept>

#include "workers/kernels/spi/run_state.h"

namespace unfold::spi {
namespace {

constexpr double kMark = 7370692;  // "spi" in letters' places, and a version
constexpr double kVersion = 2;

template <class T>
void put_lists(compute::ArchiveWriter& out, const std::vector<std::vector<T>>& lists) {
  out.put(static_cast<Index>(lists.size()));
  for (const auto& list : lists) out.put(list);
}

template <class T>
std::vector<std::vector<T>> lists_of(compute::ArchiveReader& in) {
  std::vector<std::vector<T>> out(static_cast<std::size_t>(in.index()));
  for (auto& list : out) list = in.list<T>();
  return out;
}

void put_rotations(compute::ArchiveWriter& out, const std::vector<Quaternion>& rotations) {
  std::vector<double> flat;
  for (const Quaternion& q : rotations) flat.insert(flat.end(), q.begin(), q.end());
  out.put(flat);
}

std::vector<Quaternion> rotations_of(compute::ArchiveReader& in) {
  const std::vector<double> flat = in.list();
  std::vector<Quaternion> out(flat.size() / 4);
  for (std::size_t i = 0; i < flat.size() / 4 * 4; ++i) out[i / 4][i % 4] = flat[i];
  return out;
}

void put_generation(compute::ArchiveWriter& out, const Generation& g) {
  const double stage = g.stage == "coarse"   ? 0
                       : g.stage == "global" ? 1
                       : g.stage == "local"  ? 2
                                             : 3;
  for (const double x : {double(g.number), stage, double(g.references), g.beta, g.resolution,
                         g.log_likelihood, g.gain, g.median_change_degrees, g.entropy,
                         g.fourier_error, g.seconds_match, g.seconds_merge, g.seconds_phase}) {
    out.put(x);
  }
}

Generation generation_of(compute::ArchiveReader& in) {
  Generation g;
  g.number = static_cast<int>(in.index());
  g.stage = to_string(static_cast<Stage>(in.index()));
  g.references = in.index();
  for (double* x :
       {&g.beta, &g.resolution, &g.log_likelihood, &g.gain, &g.median_change_degrees, &g.entropy,
        &g.fourier_error, &g.seconds_match, &g.seconds_merge, &g.seconds_phase}) {
    *x = in.number();
  }
  return g;
}

}  // namespace

void Run::State::save(compute::ArchiveWriter& out) const {
  for (const double x :
       {kMark, kVersion, double(frames.frames()), double(detector.pixels()), double(options.grid),
        double(options.conformations), double(options.seed % (1u << 31))}) {
    out.put(x);
  }
  for (const Index x : {place.rung, place.since, place.refreshes, Index{place.refresh},
                        Index{place.done}, Index{place.converged}, Index{given}}) {
    out.put(x);
  }
  out.put(moved);
  out.put(mean_qlimit);
  out.put(structureless);
  put_lists(out, model);
  for (const Penalties& p : penalties) {
    out.put(p.ridge);
    out.put(p.anti_support);
  }
  put_lists(out, estimate.autocorrelation);
  put_lists(out, estimate.density);
  put_lists(out, estimate.support);
  put_rotations(out, estimate.orientation);
  out.put(estimate.conformation);
  out.put(estimate.fluence);
  out.put(estimate.score);
  out.put(estimate.score_of_mean);
  out.put(estimate.non_hit);
  out.put(estimate.background);
  out.put(static_cast<Index>(history.size()));
  for (const Generation& g : history) put_generation(out, g);
}

void Run::State::restore(compute::ArchiveReader& in) {
  for (const double x :
       {kMark, kVersion, double(frames.frames()), double(detector.pixels()), double(options.grid),
        double(options.conformations), double(options.seed % (1u << 31))}) {
    if (in.number() != x) {
      throw std::invalid_argument(
          "the checkpoint is of another job (its frames, detector, grid or seed differ)");
    }
  }
  place.rung = in.index();
  place.since = in.index();
  place.refreshes = in.index();
  place.refresh = in.index() != 0;
  place.done = in.index() != 0;
  place.converged = in.index() != 0;
  given = in.index() != 0;
  moved = in.number();
  mean_qlimit = in.number();
  structureless = in.list();
  model = lists_of<double>(in);
  for (Penalties& p : penalties) p = {in.number(), in.number()};
  estimate.autocorrelation = lists_of<double>(in);
  estimate.density = lists_of<double>(in);
  estimate.support = lists_of<std::uint8_t>(in);
  estimate.orientation = rotations_of(in);
  estimate.conformation = in.list<std::int32_t>();
  estimate.fluence = in.list();
  estimate.score = in.list();
  estimate.score_of_mean = in.list();
  estimate.non_hit = in.list<std::uint8_t>();
  estimate.background = in.list<float>();
  history.resize(static_cast<std::size_t>(in.index()));
  for (Generation& g : history) g = generation_of(in);
}

}  // namespace unfold::spi
