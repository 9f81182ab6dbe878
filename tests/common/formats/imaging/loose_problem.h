#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/formats/hdf5/writer.h"
#include "common/sky/grid.h"

namespace unfold::test {

/// A dataset to be written as it is told, sense or not.
struct LooseDataset {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
  char type = 'd';  ///< d double, i int32, l int64, s uint16
  std::string unit;
};

/// An imaging problem as named datasets of `in`, to be spoilt: 3 time bins, 6 pointings, 72 sky
/// pixels of 30 degrees, 72 directions, 5 data bins.
struct LooseProblem {
  std::map<std::string, LooseDataset> datasets;
  std::map<std::string, hdf5::Attribute> attributes;
  std::string group = "in";

  LooseDataset& operator[](const std::string& name) { return datasets[name]; }

  absl::Status write(const std::string& path) const {
    hdf5::Writer writer = *hdf5::Writer::create(path);
    const std::string prefix = group.empty() ? "" : group + "/";
    absl::Status status = group.empty() ? absl::OkStatus() : writer.group(group);
    for (const auto& [name, dataset] : datasets) {
      status.Update(put(writer, prefix + name, dataset));
      if (dataset.unit.empty()) continue;
      status.Update(writer.attribute(prefix + name, "unit", dataset.unit));
    }
    for (const auto& [name, value] : attributes) {
      status.Update(writer.attribute(group.empty() ? "/" : group, name, value));
    }
    status.Update(writer.finish());
    return status;
  }

 private:
  template <class T>
  static absl::Status put_as(hdf5::Writer& writer, const std::string& path,
                             const LooseDataset& dataset) {
    std::vector<T> values;
    for (const double value : dataset.values) values.push_back(static_cast<T>(value));
    return writer.dataset(path, dataset.shape, std::span<const T>(values));
  }
  static absl::Status put(hdf5::Writer& writer, const std::string& path,
                          const LooseDataset& dataset) {
    switch (dataset.type) {
      case 'i':
        return put_as<std::int32_t>(writer, path, dataset);
      case 'l':
        return put_as<std::int64_t>(writer, path, dataset);
      case 's':
        return put_as<std::uint16_t>(writer, path, dataset);
      default:
        return put_as<double>(writer, path, dataset);
    }
  }
};

inline LooseProblem loose_problem() {
  constexpr std::int64_t kTimes = 3;
  constexpr std::int64_t kPointings = 6;
  constexpr std::int64_t kDirections = 72;
  constexpr std::int64_t kBins = 5;
  const sky::Grid sky = sky::regular_grid(30);
  const std::int64_t pixels = sky.pixels();
  const auto filled = [](std::int64_t count, auto value_at) {
    std::vector<double> out;
    for (std::int64_t i = 0; i < count; ++i)
      out.push_back(static_cast<double>(value_at(static_cast<int>(i))));
    return out;
  };
  LooseProblem out;
  out.attributes = {{"nl", std::int64_t{12}}, {"nb", std::int64_t{6}}, {"pix_deg", 30.0}};
  out["l_deg"] = {{pixels}, sky.l_deg, 'd', "deg"};
  out["b_deg"] = {{pixels}, sky.b_deg, 'd', "deg"};
  out["dOmega"] = {{pixels}, sky.solid_angle, 'd', "sr"};
  out["dt"] = {{kPointings}, filled(kPointings, [](auto) { return 450.0; }), 'd', "s"};
  out["time_bin"] = {{kPointings}, filled(kPointings, [](auto v) { return v / 2; }), 'i', ""};
  out["lookup_k"] = {
      {kPointings, pixels},
      filled(kPointings * pixels, [](auto i) { return i % 4 == 0 ? 65535 : (i * 7) % 72; }),
      's',
      ""};
  out["instrument_response_cm2"] = {{kDirections, kBins},
                                    filled(kDirections * kBins, [](auto i) { return 0.01 * i; }),
                                    'd',
                                    "cm2"};
  out["counts"] = {
      {kTimes, kBins}, filled(kTimes * kBins, [](auto i) { return i % 3; }), 'i', "counts"};
  out["background_live"] = {
      {kTimes, kBins}, filled(kTimes * kBins, [](auto i) { return 0.5 + i; }), 'd', ""};
  out["background_dc1"] = {
      {kTimes, kBins}, filled(kTimes * kBins, [](auto i) { return 1.0 + i; }), 'd', ""};
  out["group"] = {{kTimes}, {0, 1, 1}, 'i', ""};
  out["truth"] = {{pixels}, filled(pixels, [](auto p) { return p; }), 'd', "cm-2 s-1 sr-1"};
  return out;
}

/// The same counts as an event list.
inline LooseProblem as_events(LooseProblem problem) {
  problem.datasets.erase("counts");
  problem["events_begin"] = {{4}, {0, 3, 6, 10}, 'l', ""};
  problem["events_bin"] = {{10}, {1, 2, 4, 0, 2, 3, 0, 1, 3, 4}, 'i', ""};
  problem["events_count"] = {{10}, {1, 2, 1, 2, 1, 2, 1, 2, 1, 2}, 'd', ""};
  return problem;
}

}  // namespace unfold::test
