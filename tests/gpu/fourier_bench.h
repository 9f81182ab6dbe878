#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numbers>
#include <vector>

#include "workers/compute/random.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/spi/device/device_phasing.h"
#include "workers/kernels/spi/device/merge_solve.h"
#include "workers/nufft/device/device_nufft.h"

/// Rates of the Fourier half of single-particle imaging on a device, by its own clock: points a
/// second of both NUFFT types, and what spreading and gathering take of them; iterations a second
/// of phasing and of merging's conjugate gradients. Prints JSON; medians.
namespace unfold::bench {

using compute::Index;

struct FourierSizes {
  Index modes = 128, points = 10'000'000, grid = 81, starts = 8;
  int repeats = 7, iterations = 50;
};

/// Median seconds of `repeats` calls, after one that is not counted.
template <class D, class Call>
double median_seconds(D& device, int repeats, const Call& call) {
  call();
  std::vector<double> all;
  for (int i = 0; i < repeats; ++i) {
    const auto from = device.mark();
    call();
    const auto to = device.mark();
    device.synchronize();
    all.push_back(device.seconds(from, to));
  }
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

/// [P, 3]: uniform in the cube, or in planes through its centre as slices are.
inline std::vector<float> bench_points(Index count, bool slices) {
  compute::Random random(5, 0, 0);
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(3 * count));
  double axis[2][3] = {};
  for (Index p = 0; p < count; ++p) {
    double u[3];
    for (double& x : u) x = std::numbers::pi * (2 * random.uniform() - 1);
    if (slices) {
      if (p % 16384 == 0) {
        for (auto& one : axis) {
          double square = 0;
          for (double& x : one) {
            x = random.normal();
            square += x * x;
          }
          for (double& x : one) x /= std::sqrt(square);
        }
      }
      const double a = u[0] / 2, b = u[1] / 2;
      for (int d = 0; d < 3; ++d) u[d] = a * axis[0][d] + b * axis[1][d];
    }
    for (const double x : u) out.push_back(static_cast<float>(x));
  }
  return out;
}

template <class D>
void time_nufft(D& device, const FourierSizes& sizes, bool slices) {
  const Index m = sizes.modes, size = m * m * m;
  nufft::DeviceNufft<D, float, 2> nufft(device, {m, m, m}, {.tolerance = 1e-5});
  compute::Buffer<float, D> x(device, 3 * sizes.points);
  x.upload(bench_points(sizes.points, slices));
  const auto place = [&] { nufft.set_points(x.view(sizes.points, Index{3})); };
  const double placing = median_seconds(device, 3, place);
  using Value = nufft::Cell<float, 2>;
  compute::Buffer<Value, D> c(device, sizes.points), f(device, size);
  c.upload(std::vector<Value>(static_cast<std::size_t>(sizes.points), Value{{1, 0.5f}}));
  f.upload(std::vector<Value>(static_cast<std::size_t>(size), Value{{1, -0.5f}}));
  Value* values = c.view(sizes.points).data;
  Value* modes = f.view(size).data;
  const auto rate = [&](const auto& call) {
    return static_cast<double>(sizes.points) / median_seconds(device, sizes.repeats, call);
  };
  std::printf(
      ",\n\"nufft_%s\": {\"modes\": %td, \"points\": %td, \"width\": %d, \"set_points_seconds\": "
      "%.4g, \"type1_points_per_second\": %.4g, \"type2_points_per_second\": %.4g, "
      "\"spread_points_per_second\": %.4g, \"gather_points_per_second\": %.4g}",
      slices ? "slices" : "uniform", m, sizes.points, nufft.width(), placing,
      rate([&] { nufft.type1(values, modes); }), rate([&] { nufft.type2(modes, values); }),
      rate([&] { nufft.spread(values); }), rate([&] { nufft.gather(values); }));
}

template <class D>
void time_phasing(D& device, const FourierSizes& sizes) {
  const Index box = 4 * ((78 * sizes.grid / 100 + 4) / 4), voxels = box * box * box;
  compute::Random random(3, 0, 0);
  const auto starts = static_cast<std::size_t>(sizes.starts);
  std::vector<float> density(starts * static_cast<std::size_t>(voxels));
  for (float& d : density) d = static_cast<float>(random.uniform());
  std::vector<std::uint8_t> support(density.size(), 1);
  const std::vector<float> amplitude(static_cast<std::size_t>(box * box * (box / 2 + 1)), 1.0f);
  const std::vector<float> taps{0.4f, 0.24f, 0.06f};
  std::vector<double> error(starts);
  spi::DeviceIteration<D> iteration(
      device, {sizes.grid, box, amplitude, taps, density, support, error}, spi::PhaseSchedule{});
  const double er =
      median_seconds(device, sizes.repeats, [&] { iteration.error_reduction(sizes.iterations); });
  const double raar =
      median_seconds(device, sizes.repeats, [&] { iteration.escape(sizes.iterations, 0.9); });
  const double wrap = median_seconds(device, sizes.repeats, [&] { iteration.shrinkwrap(); });
  const double count = sizes.iterations * static_cast<double>(sizes.starts);
  std::printf(
      ",\n\"phasing\": {\"box\": %td, \"starts\": %td, \"er_iterations_per_second\": %.4g, "
      "\"raar_iterations_per_second\": %.4g, \"shrinkwrap_seconds\": %.4g}",
      box, sizes.starts, count / er, count / raar, wrap);
}

template <class D>
void time_solving(D& device, const FourierSizes& sizes) {
  const Index width = 2 * sizes.grid - 1;
  const auto cube = [](Index n) { return static_cast<std::size_t>(n * n * n); };
  std::vector<double> lags(cube(width), 0.0), right(cube(sizes.grid)), x(right.size());
  compute::Random random(4, 0, 0);
  for (std::size_t n = 0; 2 * n < lags.size(); ++n) {
    lags[n] = lags[lags.size() - 1 - n] = 1e-6 * random.normal();
  }
  lags[lags.size() / 2] = 1;
  for (double& r : right) r = random.normal();
  spi::DeviceSolve<D> solve(device, sizes.grid);
  spi::SolveEnd end;
  const auto run = [&](int iterations) {
    return median_seconds(device, sizes.repeats, [&] {
      end = solve.run(lags, right, {}, {}, {1e-3, 0, iterations}, x);
    });
  };
  const double none = run(0), all = run(sizes.iterations);
  std::printf(
      ",\n\"solving\": {\"grid\": %td, \"iterations\": %d, \"set_up_seconds\": %.4g, "
      "\"iterations_per_second\": %.4g}",
      sizes.grid, end.iterations, none, end.iterations / std::max(all - none, 1e-9));
}

/// main() of a program with --tiny, for a device of type D.
template <class D>
int fourier_bench(int argc, char** argv) {
  FourierSizes sizes;
  if (argc > 1 && std::strcmp(argv[1], "--tiny") == 0) {
    sizes = {.modes = 8, .points = 3000, .grid = 9, .starts = 2, .repeats = 3, .iterations = 4};
  } else if (argc > 1) {
    std::fprintf(stderr, "unknown argument %s (only --tiny is one)\n", argv[1]);
    return 2;
  }
  int count = 0;
  const cuda::Outcome outcome = D::count(&count);
  if (count == 0) {
    std::fprintf(stderr, "no GPU (%s)\n", outcome.message);
    return 1;
  }
  D::use(0);
  cuda::DeviceInfo info{};
  D::describe(0, &info);
  std::printf("{\"device\": \"%s\"", info.name);
  D device(0);
  time_nufft(device, sizes, false);
  time_nufft(device, sizes, true);
  time_phasing(device, sizes);
  time_solving(device, sizes);
  std::printf("\n}\n");
  return 0;
}

}  // namespace unfold::bench
