#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/spi_problem.h"
#include "workers/kernels/spi/device/match.h"
#include "workers/kernels/spi/device_tasks.h"

// Matching on a device at the size of the marks: frames are drawn there, then found again among
// references. Prints JSON.
//   [--frames 500000] [--references 10000] [--side 128] [--grid 81] [--photons 1000] [--top 3]
//   [--repeats 3] [--tile 2048]
// product: the tiles' products alone, in the order in which matching makes them; square: one of
// 8192^3, the device's rate. of_product and of_square: the rate of 2 N J P operations over a whole
// match(), slices, selection and exact scores included, over those.
namespace unfold::spi::bench {

struct MatchingArguments {
  Index frames = 500000, references = 10000, side = 128, grid = 81, top = 3, repeats = 3,
        tile = 2048, square = 8192;
  double photons = 1000;
};

inline MatchingArguments parse_matching(int argc, char** argv) {
  MatchingArguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const Index value = std::atol(argv[i + 1]);
    if (name == "--frames") a.frames = value;
    if (name == "--references") a.references = value;
    if (name == "--side") a.side = value;
    if (name == "--grid") a.grid = value;
    if (name == "--top") a.top = value;
    if (name == "--repeats") a.repeats = value;
    if (name == "--tile") a.tile = value;
    if (name == "--square") a.square = value;
    if (name == "--photons") a.photons = static_cast<double>(value);
  }
  return a;
}

/// Poisson counts of slices in turn, by a number hashed of frame and pixel.
struct DrawFrames {
  SliceTable slices;  ///< of `truths` rotations, not terms
  Index truths, size, pixels;
  const std::uint32_t* pixel;
  double photons;
  std::uint16_t* counts;

  UNFOLD_HD void operator()(Index i) const {
    const Index frame = i / size, p = i % size, j = frame % truths;
    std::uint64_t h = static_cast<std::uint64_t>(i) + 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    const double u = static_cast<double>((h ^ (h >> 31)) >> 11) * 0x1p-53;
    const float m = slices.value[j * size + p];
    const double mean = photons * static_cast<double>(m > 0 ? m : 0) / slices.total[j];
    double term = ::exp(-mean), sum = term;
    int count = 0;
    for (; u > sum && count < 1000; sum += term) term *= mean / ++count;
    counts[frame * pixels + static_cast<Index>(pixel[p])] = static_cast<std::uint16_t>(count);
  }
};

/// The shortest of some runs of work(), seconds on the device.
template <class D, class Work>
double shortest(D& device, Index repeats, const Work& work) {
  double best = 1e30;
  for (Index r = 0; r < repeats; ++r) {
    const auto begin = device.mark();
    work();
    const auto end = device.mark();
    device.synchronize();
    best = std::min(best, device.seconds(begin, end));
  }
  return best;
}

/// The products of `frames` x `references` in tiles, alone.
template <class D>
double time_products(D& device, const MatchingArguments& a, Index frames, Index references,
                     Index tile, Index depth) {
  const Index rows = std::min(tile, frames), columns = std::min(tile, references);
  compute::Buffer<std::uint16_t, D> left(device, rows * depth), right(device, references * depth);
  compute::Buffer<float, D> out(device, rows * columns);
  device.clear(left.view(left.size()).data, left.bytes());
  device.clear(right.view(right.size()).data, right.bytes());
  HalfProduct<D> product(device);
  return shortest(device, a.repeats, [&] {
    for (Index i = 0; i < frames; i += rows) {
      for (Index j = 0; j < references; j += columns) {
        product(
            {left.view(left.size()).data, std::min(rows, frames - i), depth},
            {right.view(right.size()).data + j * depth, std::min(columns, references - j), depth},
            out.view(out.size()).data, columns);
      }
    }
  });
}

/// Frames of the references' own slices, in turn: frame i is of reference i % truths.
template <class D>
void draw(D& device, const MatchingArguments& a, const MatchTask& task, Index truths,
          FrameSet<D>& frames) {
  device.clear(frames.counts(), static_cast<std::size_t>(a.frames * a.side * a.side) * 2);
  compute::Buffer<float, D> cells(device, task.grid.size);
  cells.upload({task.grid.cells, static_cast<std::size_t>(task.grid.size)});
  ScoreTask raw = task.score;
  raw.kind = TermKind::kBackground;  // slices as they are
  const std::vector<float> none(static_cast<std::size_t>(raw.size), 0.0f);
  const std::vector<double> one(1, 1.0);
  raw.background = none.data();
  raw.fluence = one.data();
  const FrameSet<D> no_frames(device, 0, frames.view().pixels);
  ScoredPixels<D> pixels(device, no_frames, raw);
  DeviceSlices<D> slices(device, truths, raw.size);
  slices.cut(device, task.grid, cells.view(cells.size()).data, pixels, task.rotation, truths);
  parallel_for(device, a.frames * raw.size,
               DrawFrames{slices.table(), truths, raw.size, frames.view().pixels,
                          pixels.choice().pixel, a.photons, frames.counts()});
  device.synchronize();
}

template <class D>
int time_matching(const std::string& name, const MatchingArguments& a) {
  compute::Cpu cpu(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  const Detector detector = flat_detector(a.side);
  Slicer slicer(cpu, a.grid, detector);
  const std::vector<double> model = points_autocorrelation(a.grid);
  slicer.set(View<const double, 3>(model.data(), a.grid, a.grid, a.grid));
  const PatternSet none = PatternSet::dense(0, detector.pixels(), std::vector<std::uint16_t>{});
  const std::vector<Quaternion> references = reference_rotations(a.references, {1, 0, 0, 0});
  MatchInput input(cpu, none, slicer, references, {.top = a.top});
  MatchTask task = input.task();
  std::vector<std::int32_t> found(static_cast<std::size_t>(a.frames * a.top));
  std::vector<float> score(found.size());
  task.reference = found.data();
  task.best = score.data();
  task.tile_frames = task.tile_references = a.tile;

  D device(0);
  FrameSet<D> frames(device, a.frames, detector.pixels());
  const Index truths = std::min<Index>(a.references, 1000);
  draw(device, a, task, truths, frames);
  const double matched =
      shortest(device, a.repeats, [&] { Matching<D>(device, frames, task).run(); });
  Index right = 0;
  for (Index i = 0; i < a.frames; ++i) {
    right += found[static_cast<std::size_t>(i * a.top)] == i % truths ? 1 : 0;
  }
  const Index depth = (task.score.size + 63) / 64 * 64;
  const double product = time_products(device, a, a.frames, a.references, a.tile, depth);
  const double square = time_products(device, a, a.square, a.square, a.square, a.square);
  const double work = 2.0 * static_cast<double>(a.frames) * static_cast<double>(a.references) *
                      static_cast<double>(task.score.size);
  const double rate = 2 * std::pow(static_cast<double>(a.square), 3) / square;
  std::printf(
      "{\"device\": \"%s\", \"frames\": %td, \"references\": %td, \"pixels\": %td,\n"
      " \"window\": %d, \"match_seconds\": %.6g, \"product_seconds\": %.6g,\n"
      " \"square_tflops\": %.4g, \"match_tflops\": %.4g, \"of_product\": %.4f, \"of_square\": "
      "%.4f,\n"
      " \"right_share\": %.4f}\n",
      name.c_str(), a.frames, a.references, task.score.size, task.grid.width, matched, product,
      rate / 1e12, work / matched / 1e12, product / matched, work / matched / rate,
      static_cast<double>(right) / static_cast<double>(a.frames));
  return right > 0 ? 0 : 1;
}

}  // namespace unfold::spi::bench
