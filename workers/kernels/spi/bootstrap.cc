#include "workers/kernels/spi/bootstrap.h"

#include <algorithm>
#include <utility>

#include "workers/compute/random.h"
#include "workers/kernels/spi/job.h"

namespace unfold::spi {
namespace {

constexpr Index kBlock = 512;  // frames whose slices are held at once
constexpr std::uint64_t kDrawStream = 0x64726177;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Frames' photons one after another, as PatternSet::sparse takes them.
struct Lists {
  std::vector<Index> first{0};
  std::vector<std::uint32_t> pixel;
  std::vector<float> count;
};

/// Pixels that count, and what lies under them.
struct Seen {
  std::vector<std::uint32_t> pixel;
  std::vector<double> dark;        ///< photons a frame
  std::vector<std::uint8_t> good;  ///< of the pixels listed
};

Seen seen_by(const Detector& detector, const std::vector<float>& background) {
  Seen out;
  for (Index p = 0; p < detector.pixels(); ++p) {
    if (detector.mask[at(p)] == PixelClass::kBad) continue;
    out.pixel.push_back(static_cast<std::uint32_t>(p));
    out.dark.push_back(background.empty() ? 0.0 : double{background[at(p)]});
    out.good.push_back(detector.mask[at(p)] == PixelClass::kGood);
  }
  return out;
}

/// Draws over `slice` [P']; afterwards it holds the photons.
void draw(const Seen& seen, const float* frame, compute::Random random, float* slice) {
  double photons = 0, dark = 0, model = 0;
  for (std::size_t p = 0; p < seen.pixel.size(); ++p) {
    slice[p] = std::max(slice[p], 0.0f);
    if (seen.good[p] == 0) continue;
    photons += double{frame[seen.pixel[p]]};
    dark += seen.dark[p];
    model += double{slice[p]};
  }
  const double phi = model > 0 ? std::max(photons - dark, 0.0) / model : 0;
  for (std::size_t p = 0; p < seen.pixel.size(); ++p) {
    slice[p] = static_cast<float>(random.poisson(phi * double{slice[p]} + seen.dark[p]));
  }
}

void append(const Seen& seen, const float* drawn, Lists& lists) {
  for (std::size_t p = 0; p < seen.pixel.size(); ++p) {
    if (drawn[p] <= 0) continue;
    lists.pixel.push_back(seen.pixel[p]);
    lists.count.push_back(drawn[p]);
  }
  lists.first.push_back(static_cast<Index>(lists.pixel.size()));
}

std::vector<Index> hits_of(const Estimate& estimate, std::int32_t conformation) {
  std::vector<Index> out;
  for (std::size_t i = 0; i < estimate.non_hit.size(); ++i) {
    if (estimate.non_hit[i] != 0 || estimate.conformation[i] != conformation) continue;
    out.push_back(static_cast<Index>(i));
  }
  return out;
}

}  // namespace

Redrawn redrawn_frames(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
                       Index grid, const Estimate& estimate, std::uint64_t seed) {
  const Seen seen = seen_by(detector, estimate.background);
  const auto pixels = static_cast<Index>(seen.pixel.size());
  Redrawn out{PatternSet::dense(0, detector.pixels(), std::vector<float>{}), {}, {}, {}};
  Lists lists;
  std::vector<float> slices(at(kBlock * pixels)), rows(at(kBlock * frames.pixels()));
  Slicer slicer(cpu, grid, detector);
  for (std::size_t c = 0; c < estimate.density.size(); ++c) {
    const std::vector<double> model = model_of(grid, estimate, c);
    slicer.set(View<const double, 3>(model.data(), grid, grid, grid));
    const std::vector<Index> mine = hits_of(estimate, static_cast<std::int32_t>(c));
    for (Index first = 0; first < static_cast<Index>(mine.size()); first += kBlock) {
      const Index count = std::min(kBlock, static_cast<Index>(mine.size()) - first);
      const std::span<const Index> block(&mine[at(first)], at(count));
      const std::size_t known = out.orientation.size();
      for (const Index i : block) {
        out.orientation.push_back(estimate.orientation[at(i)]);
        out.conformation.push_back(static_cast<std::int32_t>(c));
        out.fluence.push_back(estimate.fluence[at(i)]);
      }
      slicer.slices(std::span(out.orientation).subspan(known), seen.pixel,
                    View<float, 2>(slices.data(), count, pixels));
      frames.rows(block, View<float, 2>(rows.data(), count, frames.pixels()));
      cpu.parallel_for(count, [&](Index i) {
        const compute::Random random(seed, kDrawStream, static_cast<std::uint64_t>(block[at(i)]));
        draw(seen, &rows[at(i * frames.pixels())], random, &slices[at(i * pixels)]);
      });
      for (Index i = 0; i < count; ++i) append(seen, &slices[at(i * pixels)], lists);
    }
  }
  out.frames = PatternSet::sparse(detector.pixels(), std::move(lists.first), std::move(lists.pixel),
                                  std::move(lists.count));
  return out;
}

std::vector<std::vector<double>> recovered_correlation(compute::Cpu& cpu, const PatternSet& frames,
                                                       const Detector& detector,
                                                       const Estimate& estimate,
                                                       const Bootstrap& how,
                                                       compute::Communicator& communicator,
                                                       const std::function<bool()>& cancelled) {
  const Index grid = how.run.grid;
  const Redrawn drawn = redrawn_frames(cpu, frames, detector, grid, estimate, how.run.seed);
  RunOptions options = how.run;
  options.fit_background = false;
  options.background = estimate.background;
  Run run(cpu, drawn.frames, detector, options, communicator);
  run.start_from(drawn.orientation, drawn.conformation, drawn.fluence,
                 std::vector<std::uint8_t>(drawn.orientation.size(), 0));
  while (!run.finished()) run.step(cancelled);
  std::vector<std::vector<double>> out;
  for (std::size_t c = 0; c < estimate.density.size(); ++c) {
    const std::vector<double>& truth = estimate.density[c];
    if (run.estimate().autocorrelation[c].empty()) {  // no frame showed it
      out.emplace_back(at(grid / 2 + 1), 0.0);
      continue;
    }
    const Map map = phased_map(cpu, run.estimate().autocorrelation[c], how.map, cancelled);
    const Alignment onto = align_densities(cpu, grid, truth, map.density);
    out.push_back(shell_correlation(cpu, grid, truth, apply(cpu, grid, map.density, onto)));
  }
  return out;
}

}  // namespace unfold::spi
