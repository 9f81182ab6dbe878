#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>

#include "tests/bench/imaging_problem.h"
#include "tests/bench/timing.h"
#include "workers/compute/communicator.h"
#include "workers/cuda/imaging_operator.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/imaging/reconstruction.h"

// Seconds of imaging on a GPU, on a problem of the Data Challenge's size: loads, one fused pass,
// replicates, 150 EM steps, and dense rows at the memory's rate. Prints JSON; times are medians of
// the calls a worker makes, copies and waits included.
//   imaging_device_bench [--times 2240] [--repeats 50] [--replicates 16] [--iterations 150]
//                        [--dense 384]
// --dense: time bins of the dense response (16.7 MB each in fp32, in host memory first; 0: none).
// UNFOLD_CUDA_MODULE names another module than the one beside the program.
namespace {

using namespace unfold;         // NOLINT(google-build-using-namespace): a program's own file
using namespace unfold::bench;  // NOLINT(google-build-using-namespace)

struct Arguments {
  Index times = 2240, repeats = 50, replicates = 16, iterations = 150, dense = 384;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const Index value = std::atoi(argv[i + 1]);
    if (name == "--times") a.times = value;
    if (name == "--repeats") a.repeats = value;
    if (name == "--replicates") a.replicates = value;
    if (name == "--iterations") a.iterations = value;
    if (name == "--dense") a.dense = value;
  }
  return a;
}

/// Median seconds of f, after one call that warms it.
double seconds_of(Index repeats, const std::function<void()>& f) {
  std::vector<double> seconds;
  for (Index r = 0; r <= repeats; ++r) {
    const Stopwatch watch;
    f();
    if (r > 0) seconds.push_back(watch.wall());
  }
  return median(seconds);
}

std::vector<double> row_of(const ImagingProblem& p, Index k) {
  const auto first = p.instrument.begin() + k * p.bins;
  return {first, first + p.bins};
}

std::shared_ptr<const imaging::FactoredResponse> factored_of(const ImagingProblem& p,
                                                             imaging::Storage storage) {
  imaging::FactoredResponseBuilder builder(p.directions, p.bins, storage);
  builder.append(p.instrument);
  return builder.finish();
}

/// What a fit needs of the data.
struct Data {
  imaging::Events events;
  imaging::Background background;
  std::vector<double> counts;
};

Data data_of(const ImagingProblem& p, std::vector<double> expected, Index times) {
  Data data;
  data.events = draw_events(expected, p.bins, &data.counts);
  data.background.components = 1;
  data.background.group.assign(static_cast<std::size_t>(times), 0);
  data.background.sum.assign(static_cast<std::size_t>(times), 45.0);
  for (const std::int32_t d : data.events.bin) {
    data.background.at_events.push_back(p.background[static_cast<std::size_t>(d)]);
  }
  return data;
}

/// Some 70 counts a time bin, of which 25 are the sky's.
Data drawn(const ImagingProblem& p, const imaging::Operator& response) {
  const Index times = p.attitude.times;
  std::vector<double> expected(static_cast<std::size_t>(times * p.bins));
  response.forward(p.truth, expected);
  const double sum = std::accumulate(expected.begin(), expected.end(), 0.0);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] = expected[i] * 25.0 * static_cast<double>(times) / sum +
                  p.background[i % p.background.size()];
  }
  return data_of(p, std::move(expected), times);
}

double pass_seconds(const imaging::Operator& response, const Data& data, Index replicates,
                    Index repeats) {
  const auto many = static_cast<std::size_t>(replicates);
  std::vector<double> counts, image(many * static_cast<std::size_t>(response.shape().pixels), 0.01),
      amplitude(many, 1.0);
  for (std::size_t r = 0; r < many; ++r) {
    counts.insert(counts.end(), data.counts.begin(), data.counts.end());
  }
  const auto list = response.at(data.events, data.background);
  return seconds_of(repeats, [&] {
    list->pass({.replicates = replicates,
                .counts = counts,
                .image = image,
                .amplitude = amplitude,
                .counts_version = 1});
  });
}

/// em from the first image to the last, as a job steps it.
double em_seconds(const ImagingProblem& p, const imaging::Operator& response, const Data& data,
                  Index iterations) {
  std::vector<double> exposure(static_cast<std::size_t>(response.shape().pixels));
  response.sensitivity({}, exposure);
  imaging::SkyGeometry sky;
  sky.solid_angle = p.sky.solid_angle;
  compute::SoloCommunicator alone;
  const imaging::Problem problem{.response = response,
                                 .events = data.events,
                                 .background = data.background,
                                 .counts = data.counts,
                                 .exposure = exposure,
                                 .sky = sky,
                                 .communicator = alone};
  const Stopwatch watch;
  const auto em = imaging::make_reconstruction(problem, {.algorithm = imaging::Algorithm::kEm});
  for (Index i = 0; i < iterations; ++i) em->step();
  return watch.wall();
}

void time_factored(const Arguments& a, const ImagingProblem& p, const cuda::Gpu& gpu) {
  const auto host_attitude = imaging::make_attitude(p.attitude, p.directions);
  Stopwatch watch;
  const auto attitude = cuda::load_attitude(gpu, *host_attitude);
  std::printf("\"attitude\": {\"load_seconds\": %.4g, \"bytes\": %lld}", watch.wall(),
              static_cast<long long>(attitude->bytes()));
  const imaging::Shape shape{a.times, p.sky.pixels(), p.bins};
  const struct {
    const char* name;
    imaging::Storage storage;
  } kStorages[] = {{"fp64", imaging::Storage::kFp64},
                   {"fp32", imaging::Storage::kFp32},
                   {"fp16", imaging::Storage::kFp16}};
  for (const auto& [name, storage] : kStorages) {
    const auto host = factored_of(p, storage);
    watch = {};
    const auto response = cuda::load_response(gpu, *host);
    const double load = watch.wall();
    const auto linear = cuda::make_factored_operator(response, attitude, shape, p.sky.solid_angle);
    const Data data = drawn(p, *linear);
    std::printf(
        ",\n\"factored_%s\": {\"bytes\": %lld, \"load_seconds\": %.4g, \"events\": %td, "
        "\"pass_seconds\": %.4g, \"replicates\": %td, \"batched_pass_seconds\": %.4g, "
        "\"em_iterations\": %td, \"em_seconds\": %.4g}",
        name, static_cast<long long>(response->bytes()), load, data.events.size(),
        pass_seconds(*linear, data, 1, a.repeats), a.replicates,
        pass_seconds(*linear, data, a.replicates, std::max<Index>(a.repeats / 5, 3)), a.iterations,
        em_seconds(p, *linear, data, a.iterations));
  }
}

/// Rows that differ from bin to bin; every bin has counts, so that nothing can be skipped.
void time_dense(const Arguments& a, const ImagingProblem& p, const cuda::Gpu& gpu) {
  const imaging::Shape shape{a.dense, p.sky.pixels(), p.bins};
  const Data data =
      data_of(p, std::vector<double>(static_cast<std::size_t>(a.dense * p.bins), 40.0), a.dense);
  const struct {
    const char* name;
    imaging::Storage storage;
  } kStorages[] = {{"fp32", imaging::Storage::kFp32},
                   {"fp16", imaging::Storage::kFp16},
                   {"u8", imaging::Storage::kInteger}};
  for (const auto& [name, storage] : kStorages) {
    imaging::DenseResponseBuilder builder(shape, storage);
    const bool counts = storage == imaging::Storage::kInteger;
    for (Index t = 0; t < a.dense; ++t) {
      for (Index pixel = 0; pixel < shape.pixels; ++pixel) {
        std::vector<double> row = row_of(p, (pixel + t) % 900);
        for (double& x : row) x = counts ? std::floor(1e4 * x) : x;
        builder.append(row, std::vector<double>(counts ? 1 : 0, 1e-4));
      }
    }
    const auto response = cuda::load_response(gpu, *builder.finish());
    const auto linear = cuda::make_dense_operator(response, shape);
    const double seconds = pass_seconds(*linear, data, 1, std::max<Index>(a.repeats / 5, 3));
    std::printf(
        ",\n\"dense_%s\": {\"bytes\": %lld, \"events\": %td, \"pass_seconds\": %.4g, "
        "\"bytes_per_second\": %.4g}",
        name, static_cast<long long>(response->bytes()), data.events.size(), seconds,
        static_cast<double>(response->bytes()) / seconds);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  const cuda::Gpu gpu{&cuda::load_module(), 0};
  cuda::DeviceInfo info{};
  cuda::require(gpu.module->describe(gpu.ordinal, &info));
  double copied = 0;
  cuda::require(gpu.module->imaging.copy_rate(gpu.ordinal, info.free_bytes / 8, &copied));
  std::printf("{\"device\": \"%s\", \"copy_bytes_per_second\": %.4g,\n", info.name, copied);
  const ImagingProblem p = make_problem(a.times, 4);
  time_factored(a, p, gpu);
  if (a.dense > 0) time_dense(a, p, gpu);
  std::printf("\n}\n");
}
