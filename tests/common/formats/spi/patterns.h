#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "common/formats/hdf5/writer.h"
#include "common/formats/spi/pattern_file.h"

namespace unfold::test {

/// A flat detector of `rows` x `columns` pixels at wavelength 2 Angstrom, corner at about 9 A.
inline spi_data::Detector small_detector(std::int64_t rows, std::int64_t columns) {
  spi_data::Detector out;
  out.shape = {1, rows, columns};
  out.wavelength = 2;
  out.distance = 0.5;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const double step = 0.15 / static_cast<double>(std::max(rows, columns));
      const double x = step * (static_cast<double>(r) - 0.5 * static_cast<double>(rows - 1));
      const double y = step * (static_cast<double>(c) - 0.5 * static_cast<double>(columns - 1));
      const double norm = std::sqrt(1 + 4 * (x * x + y * y));
      out.q.insert(out.q.end(), {x / norm, y / norm, (1 / norm - 1) / 2});
      out.correction.push_back(static_cast<float>(1 / (norm * norm * norm)));
      out.mask.push_back(spi_data::kGood);
      out.picture.insert(out.picture.end(),
                         {static_cast<std::int32_t>(r), static_cast<std::int32_t>(c)});
    }
  }
  const float largest = *std::max_element(out.correction.begin(), out.correction.end());
  for (float& value : out.correction) value /= largest;
  return out;
}

/// `frames` frames whose pixel p holds (frame + p) % 5 photons where that is even, else none.
inline spi_data::PatternParts small_patterns(std::int64_t frames, std::int64_t rows = 4,
                                             std::int64_t columns = 6) {
  spi_data::PatternParts out;
  out.detector = small_detector(rows, columns);
  out.frames = frames;
  for (std::int64_t f = 0; f < frames; ++f) {
    for (std::int64_t p = 0; p < rows * columns; ++p) {
      const auto photons = static_cast<std::uint16_t>((f + p) % 5);
      out.counts.push_back(photons % 2 == 0 ? photons : 0);
    }
    const double half = 0.1 * static_cast<double>(f);
    out.truth.orientations.push_back({std::cos(half), 0, std::sin(half), 0});
    out.truth.fluences.push_back(1 + 0.1 * static_cast<double>(f));
    out.truth.conformations.push_back(static_cast<std::int32_t>(f % 2));
    out.truth.non_hits.push_back(f == 1 ? 1 : 0);
  }
  return out;
}

/// A file of datasets as they are told, sense or not.
class LooseFile {
 public:
  explicit LooseFile(const std::string& path) : writer_(*hdf5::Writer::create(path)) {}
  template <class T>
  LooseFile& add(const std::string& name, const std::vector<std::int64_t>& shape,
                 const std::vector<T>& values) {
    status_.Update(writer_.dataset(name, shape, std::span<const T>(values)));
    return *this;
  }
  LooseFile& mark(const std::string& object, const std::string& name,
                  const hdf5::Attribute& value) {
    status_.Update(writer_.attribute(object, name, value));
    return *this;
  }
  absl::Status finish() {
    status_.Update(writer_.finish());
    return status_;
  }

 private:
  hdf5::Writer writer_;
  absl::Status status_;
};

}  // namespace unfold::test
