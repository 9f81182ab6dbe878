#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/hdf5_numbers.h"
#include "tests/support/shared_data.h"
#include "workers/kernels/spi/matching.h"

/// data/spi/c3_match.h5: 400 frames against 8,000 references of the true intensity, as a NumPy
/// reference matched them.
namespace unfold::spi {
inline std::vector<Quaternion> quaternions(const test::Hdf5Numbers& file, const std::string& name) {
  const std::vector<double> q = file.doubles(name);
  std::vector<Quaternion> out;
  for (std::size_t i = 0; i < q.size(); i += 4) out.push_back({q[i], q[i + 1], q[i + 2], q[i + 3]});
  return out;
}

/// Matched on the host, or on device_.
class StoredMatch : public testing::Test {
 protected:
  static constexpr Index kGrid = 37;

  void SetUp() override {
    const std::string path = test::shared_file("data/spi/c3_match.h5");
    if (path.empty()) GTEST_SKIP() << "no shared data";
    file_ = std::make_unique<test::Hdf5Numbers>(path);
    references_ = quaternions(*file_, "ref_quat");
    truth_ = quaternions(*file_, "true_quat");
  }

  /// The detector of a data set, photons where it has them.
  void read(const std::string& set) {
    detector_.q = file_->doubles("q_invA");
    const std::size_t pixels = detector_.q.size() / 3;
    detector_.correction.assign(pixels, 1.0f);
    detector_.mask.assign(pixels, PixelClass::kGood);
    detector_.qmax = file_->number("qmax_invA");
    const bool photons = file_->has(set + "/counts");
    if (photons) {
      const std::vector<double> valid = file_->doubles(set + "/valid");
      for (std::size_t p = 0; p < pixels; ++p)
        if (valid[p] == 0) detector_.mask[p] = PixelClass::kBad;
    }
    const std::vector<double> values = file_->doubles(photons ? set + "/counts" : "images");
    std::vector<float> rounded(values.size());
    std::transform(values.begin(), values.end(), rounded.begin(),
                   [](double x) { return static_cast<float>(x); });
    frames_ = PatternSet::dense(static_cast<Index>(truth_.size()), static_cast<Index>(pixels),
                                std::move(rounded));
    slicer_ = std::make_unique<Slicer>(cpu_, kGrid, detector_, 1e-6);
    const std::vector<double> a = file_->doubles("ac");
    slicer_->set(View<const double, 3>(a.data(), kGrid, kGrid, kGrid));
  }

  /// The best reference of each frame.
  std::vector<std::int32_t> best(Metric metric) {
    if (metric != Metric::kEuclid) {
      return match(cpu_, frames_, *slicer_, references_,
                   {.metric = metric, .top = 1, .device = device_})
          .reference;
    }
    // The NumPy reference scales each thousand references by their own deviation.
    std::vector<std::int32_t> best(truth_.size(), -1);
    std::vector<float> score(truth_.size(), -std::numeric_limits<float>::infinity());
    for (std::size_t first = 0; first < references_.size(); first += 1000) {
      const std::span some = std::span(references_).subspan(first, 1000);
      const Matches found =
          match(cpu_, frames_, *slicer_, some,
                {.metric = metric, .top = 1, .euclid_scale = scale_of(some), .device = device_});
      for (std::size_t i = 0; i < best.size(); ++i) {
        if (found.score[i] <= score[i]) continue;
        score[i] = found.score[i];
        best[i] = found.reference[i] + static_cast<std::int32_t>(first);
      }
    }
    return best;
  }

  double scale_of(std::span<const Quaternion> references) const {
    const std::vector<std::uint32_t> pixels = matching_pixels(detector_);
    const auto count = static_cast<Index>(references.size());
    const auto width = static_cast<Index>(pixels.size());
    std::vector<float> slices(references.size() * pixels.size());
    slicer_->slices(references, pixels, View<float, 2>(slices.data(), count, width));
    std::vector<float> row(static_cast<std::size_t>(detector_.pixels())), data;
    for (Index i = 0; i < frames_.frames(); ++i) {
      frames_.rows(i, 1, View<float, 2>(row.data(), 1, detector_.pixels()));
      for (const std::uint32_t p : pixels) data.push_back(row[p]);
    }
    return deviation(data) / deviation(slices);
  }
  static double deviation(const std::vector<float>& values) {
    double sum = 0, square = 0;
    for (const double x : values) sum += x, square += x * x;
    const auto n = static_cast<double>(values.size());
    return std::sqrt(square / n - sum * sum / n / n);
  }

  /// Median angle to the truth in degrees, and the fraction below 10.
  std::pair<double, double> errors(const std::vector<std::int32_t>& best) const {
    std::vector<double> degrees;
    for (std::size_t i = 0; i < best.size(); ++i) {
      const Quaternion& found = references_[static_cast<std::size_t>(best[i])];
      const double plain = angle_between(found, truth_[i]);
      const double turned = angle_between(multiply({0, 0, 0, 1}, found), truth_[i]);
      degrees.push_back(std::min(plain, turned) * 180 / std::numbers::pi);
    }
    std::sort(degrees.begin(), degrees.end());
    const auto below = std::lower_bound(degrees.begin(), degrees.end(), 10) - degrees.begin();
    const std::size_t middle = degrees.size() / 2;
    return {(degrees[middle - 1] + degrees[middle]) / 2,
            static_cast<double>(below) / static_cast<double>(degrees.size())};
  }

  void expect_stored(const std::string& set) {
    read(set);
    for (const auto& [metric, name] : {std::pair{Metric::kPoisson, "poisson"},
                                       {Metric::kSqrt, "sqrt"},
                                       {Metric::kEuclid, "euclid"}}) {
      SCOPED_TRACE(set + " " + name);
      const std::vector<std::int32_t> found = best(metric);
      const auto stored = file_->integers<std::int32_t>(set + "/best_" + name);
      std::ptrdiff_t differ = 0;
      for (std::size_t i = 0; i < found.size(); ++i) differ += found[i] != stored[i];
      EXPECT_LE(differ, 1);  // room for one tie
      const auto [median, fraction] = errors(found);
      const std::string stored_name = set + "/best_" + name;
      EXPECT_NEAR(median, file_->attribute(stored_name, "median_err_deg"), 1e-3);
      EXPECT_NEAR(fraction, file_->attribute(stored_name, "frac_lt_10deg"), 1.0 / 400);
    }
  }

  compute::Cpu cpu_;
  MatchDevice* device_ = nullptr;
  std::unique_ptr<test::Hdf5Numbers> file_;
  std::vector<Quaternion> references_, truth_;
  Detector detector_;
  PatternSet frames_ = PatternSet::dense(0, 0, std::vector<float>{});
  std::unique_ptr<Slicer> slicer_;
};

}  // namespace unfold::spi
