#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/bench/imaging_problem.h"
#include "tests/bench/timing.h"
#include "workers/compute/isa.h"

// Seconds of the imaging operators on a problem of the Data Challenge's size. Prints JSON.
//   imaging_bench [--times 2240] [--pointings 4] [--threads 1] [--repeats 20]
//                 [--storages fp64,fp32,fp16,integer] [--replicates 16] [--dense 0] [--dump DIR]
// --dense N also times the dense response of the first N time bins (96: 1.6 GB in fp32), as fp32.
// --dump writes what a peer needs to build the same dense response (see imaging_compare.py).
namespace {

using namespace unfold;         // NOLINT(google-build-using-namespace): a program's own file
using namespace unfold::bench;  // NOLINT(google-build-using-namespace)

struct Arguments {
  Index times = 2240, pointings = 4, repeats = 20, replicates = 16, dense = 0;
  int threads = 1;
  std::string storages = "fp64,fp32,fp16,integer", dump;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--times") a.times = std::stoi(value);
    if (name == "--pointings") a.pointings = std::stoi(value);
    if (name == "--repeats") a.repeats = std::stoi(value);
    if (name == "--replicates") a.replicates = std::stoi(value);
    if (name == "--dense") a.dense = std::stoi(value);
    if (name == "--threads") a.threads = std::stoi(value);
    if (name == "--storages") a.storages = value;
    if (name == "--dump") a.dump = value;
  }
  return a;
}

nlohmann::json summary(const std::vector<double>& seconds) {
  return {{"minimum", *std::min_element(seconds.begin(), seconds.end())},
          {"median", median(seconds)}};
}

/// Wall and CPU seconds of f, after one call that warms caches and pages.
template <class F>
nlohmann::json seconds_of(Index repeats, const F& f) {
  std::vector<double> wall, cpu;
  for (Index r = 0; r <= repeats; ++r) {
    const Stopwatch watch;
    f();
    if (r > 0) wall.push_back(watch.wall());
    if (r > 0) cpu.push_back(watch.cpu());
  }
  return {{"wall", summary(wall)}, {"cpu", summary(cpu)}};
}

imaging::Storage storage_of(const std::string& name) {
  if (name == "fp64") return imaging::Storage::kFp64;
  if (name == "fp32") return imaging::Storage::kFp32;
  return name == "fp16" ? imaging::Storage::kFp16 : imaging::Storage::kInteger;
}

/// As Monte-Carlo counts for integer storage: the largest of a row is 200 counts.
std::shared_ptr<const imaging::FactoredResponse> factored_of(const ImagingProblem& p,
                                                             imaging::Storage storage) {
  imaging::FactoredResponseBuilder builder(p.directions, p.bins, storage);
  for (Index k = 0; k < p.directions; ++k) {
    std::vector<double> row(p.instrument.begin() + k * p.bins,
                            p.instrument.begin() + (k + 1) * p.bins);
    if (storage != imaging::Storage::kInteger) {
      builder.append(row);
      continue;
    }
    const double unit = *std::max_element(row.begin(), row.end()) / 200;
    for (double& x : row) x = unit > 0 ? std::round(x / unit) : 0;
    builder.append(row, std::vector<double>{unit});
  }
  return builder.finish();
}

struct Data {
  imaging::Events events;
  imaging::Background background;
  std::vector<double> counts;
};

Data make_data(const ImagingProblem& p, const imaging::Operator& truth) {
  Data data;
  const Index times = p.attitude.times;
  std::vector<double> expected(static_cast<std::size_t>(times * p.bins));
  truth.forward(p.truth, expected);
  const double sum = std::accumulate(expected.begin(), expected.end(), 0.0);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] *= 25.0 * static_cast<double>(times) / sum;
    expected[i] += p.background[i % p.background.size()];
  }
  data.events = draw_events(expected, p.bins, &data.counts);
  data.background.components = 1;
  data.background.group.assign(static_cast<std::size_t>(times), 0);
  for (const std::int32_t d : data.events.bin) {
    data.background.at_events.push_back(p.background[static_cast<std::size_t>(d)]);
  }
  return data;
}

nlohmann::json time_passes(const imaging::Operator& op, const Data& data, const Arguments& a) {
  const auto pixels = static_cast<std::size_t>(op.shape().pixels);
  const auto many = static_cast<std::size_t>(a.replicates);
  std::vector<double> counts, image(pixels * many, 0.01), amplitude(many, 1.0);
  for (std::size_t r = 0; r < many; ++r) {
    counts.insert(counts.end(), data.counts.begin(), data.counts.end());
  }
  nlohmann::json out;
  out["pass"] = seconds_of(a.repeats, [&] {
    op.pass(data.events, data.background,
            {.counts = data.counts,
             .image = std::span(image).first(pixels),
             .amplitude = std::span(amplitude).first(1)});
  });
  if (many > 1) {
    out["batched_pass"] = seconds_of(std::max<Index>(a.repeats / 4, 3), [&] {
      op.pass(
          data.events, data.background,
          {.replicates = a.replicates, .counts = counts, .image = image, .amplitude = amplitude});
    });
  }
  std::vector<double> back(pixels);
  out["sensitivity"] = seconds_of(5, [&] { op.sensitivity({}, back); });
  return out;
}

nlohmann::json time_dense_products(const imaging::Operator& op, Index repeats) {
  const imaging::Shape s = op.shape();
  std::vector<double> image(static_cast<std::size_t>(s.pixels), 0.01);
  std::vector<double> data(static_cast<std::size_t>(s.times * s.bins), 1.0);
  nlohmann::json out;
  out["forward"] = seconds_of(repeats, [&] { op.forward(image, data); });
  out["back"] = seconds_of(repeats, [&] { op.back(data, image); });
  return out;
}

/// The same bins, all of them with counts: nothing can be skipped.
Data everywhere(const ImagingProblem& p, Index times) {
  Data data;
  std::vector<double> ones(static_cast<std::size_t>(times * p.bins), 40.0);
  data.events = draw_events(ones, p.bins, &data.counts);
  data.background.components = 1;
  data.background.group.assign(static_cast<std::size_t>(times), 0);
  data.background.at_events.assign(data.counts.size(), 1.0);
  return data;
}

std::shared_ptr<const imaging::DenseResponse> dense_of(const ImagingProblem& p, Index times) {
  imaging::DenseResponseBuilder builder({times, p.sky.pixels(), p.bins}, imaging::Storage::kFp32);
  const Index per_bin = p.attitude.pointings / p.attitude.times;
  std::vector<double> row(static_cast<std::size_t>(p.bins));
  for (Index t = 0; t < times; ++t) {
    for (Index pixel = 0; pixel < p.sky.pixels(); ++pixel) {
      std::fill(row.begin(), row.end(), 0.0);
      for (Index v = t * per_bin; v < (t + 1) * per_bin; ++v) {
        const auto k = p.attitude.lookup[static_cast<std::size_t>(v * p.sky.pixels() + pixel)];
        if (k == imaging::kOutside) continue;
        const double live = p.attitude.live_time[static_cast<std::size_t>(v)] *
                            p.sky.solid_angle[static_cast<std::size_t>(pixel)];
        const double* from = p.instrument.data() + k * p.bins;
        for (std::size_t d = 0; d < row.size(); ++d) row[d] += live * from[d];
      }
      builder.append(row);
    }
  }
  return builder.finish();
}

template <class T>
void dump(const std::string& dir, const std::string& name, const std::vector<T>& data) {
  std::ofstream file(dir + "/" + name, std::ios::binary);
  file.write(reinterpret_cast<const char*>(data.data()),
             static_cast<std::streamsize>(data.size() * sizeof(T)));
}

ImagingProblem first_bins(const ImagingProblem& p, Index times) {
  ImagingProblem out = p;
  imaging::AttitudeTable& a = out.attitude;
  a.pointings = p.attitude.pointings / p.attitude.times * times;
  a.times = times;
  const auto v = static_cast<std::size_t>(a.pointings);
  a.lookup.resize(v * static_cast<std::size_t>(a.pixels));
  a.live_time.resize(v);
  a.time_bin.resize(v);
  return out;
}

nlohmann::json time_slice(const ImagingProblem& whole, const Arguments& a, compute::Cpu& cpu) {
  const ImagingProblem p = first_bins(whole, a.dense);
  if (!a.dump.empty()) {
    dump(a.dump, "instrument.f8", p.instrument);
    dump(a.dump, "lookup.u2", p.attitude.lookup);
    dump(a.dump, "live_time.f8", p.attitude.live_time);
    dump(a.dump, "solid_angle.f8", p.sky.solid_angle);
  }
  const auto factored =
      make_factored_operator(factored_of(p, imaging::Storage::kFp32),
                             make_attitude(p.attitude, p.directions), p.sky.solid_angle, cpu);
  const Data data = make_data(p, *factored), full = everywhere(p, a.dense);
  Arguments one = a;
  one.replicates = 1;
  nlohmann::json out{
      {"times", a.dense}, {"events", data.events.size()}, {"all_bins", full.events.size()}};
  out["factored"] = time_passes(*factored, data, one);
  out["factored"]["products"] = time_dense_products(*factored, a.repeats);
  const auto response = dense_of(p, a.dense);
  const auto dense = make_dense_operator(response, cpu);
  out["dense"] = time_passes(*dense, data, one);
  out["dense"]["bytes"] = bytes_of(*response);
  out["dense"]["products"] = time_dense_products(*dense, a.repeats);
  out["dense"]["all_bins"] = time_passes(*dense, full, one);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  compute::Cpu cpu(a.threads);
  const ImagingProblem p = make_problem(a.times, a.pointings);
  const auto attitude = make_attitude(p.attitude, p.directions);
  nlohmann::json report{{"times", a.times},
                        {"pointings", p.attitude.pointings},
                        {"pixels", p.sky.pixels()},
                        {"bins", p.bins},
                        {"threads", a.threads},
                        {"replicates", a.replicates},
                        {"isa", compute::to_string(compute::choose_isa())},
                        {"attitude_bytes", bytes_of(*attitude)}};
  report["attitude_load"] = seconds_of(3, [&] { make_attitude(p.attitude, p.directions); });
  const auto operator_of = [&](const std::shared_ptr<const imaging::FactoredResponse>& response) {
    return make_factored_operator(response, attitude, p.sky.solid_angle, cpu);
  };
  const Data data = make_data(p, *operator_of(factored_of(p, imaging::Storage::kFp32)));
  report["events"] = data.events.size();
  std::istringstream names(a.storages);
  for (std::string name; std::getline(names, name, ',');) {
    const auto response = factored_of(p, storage_of(name));
    nlohmann::json run = time_passes(*operator_of(response), data, a);
    run["storage"] = name;
    run["response_bytes"] = bytes_of(*response);
    run["load"] = seconds_of(3, [&] { factored_of(p, storage_of(name)); });
    report["factored"].push_back(run);
  }
  if (a.dense > 0) report["slice"] = time_slice(p, a, cpu);
  report["peak_megabytes"] = peak_megabytes();
  std::cout << report.dump(2) << "\n";
}
