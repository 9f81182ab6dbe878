#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/imaging/problem_file.h"

namespace unfold::simulate {

struct SkySource {
  double l_deg = 0;
  double b_deg = 0;
  double flux = 0;  ///< cm-2 s-1
};

/// A balloon looks at its zenith and drifts north while it turns; an orbit at 530 km looks at its
/// zenith too, but rocks north and south, loses live time over the South Atlantic, and the Earth
/// hides what is below its limb.
enum class Platform { kBalloon, kOrbit };

/// A Compton telescope's observation. The defaults are those of the preset `tiny`.
struct ImagingOptions {
  double pixel_deg = 18;  ///< of the sky, of the instrument's directions and of the scatter angle
  int time_bins = 48;
  int pointings = 4;        ///< in each time bin
  double time_step = 1800;  ///< s
  Platform platform = Platform::kBalloon;
  double rocking_deg = 22;  ///< orbit only
  double zenith_cut_deg = 90;
  std::vector<int> dead_bins{};  ///< time bins without live time

  double bulge = 0.1;      ///< flux of a Gaussian around the Galactic centre
  double bulge_fwhm = 10;  ///< degrees
  double disk = 0;         ///< flux along the Galactic plane
  std::vector<SkySource> sources = {{60, 20, 0.03}};

  double effective_area = 4;  ///< cm2 on axis, over all scatter angles
  double arm_fwhm = 7;        ///< degrees
  double energy = 511;        ///< keV of the line
  double background_counts = 60000;
  std::vector<double> group_scale = {1};  ///< true background of each of so many equal parts

  /// The truth on a three times finer sky, with a response that knows directions three times finer;
  /// the response given away is a Monte-Carlo draw of it (`response_counts` a direction), and the
  /// template's shape is wrong by 10 %.
  bool mismatch = false;
  double response_counts = 50000;
  std::uint64_t seed = 1;
};

/// "tiny", "medium" (6 degrees, 96 time bins) or "dc1" (2240 time bins, 8960 pointings, 1800
/// pixels, 2366 CDS bins, about 1.5e5 counts). InvalidArgument for any other.
absl::StatusOr<ImagingOptions> imaging_preset(const std::string& name);

/// One count: which pointing saw it in which kept CDS bin.
struct DrawnEvent {
  std::int32_t pointing = 0;
  std::int32_t bin = 0;
};

/// How the simulated instrument was carried, beyond what a problem's file has.
struct Flight {
  std::vector<double> start;               ///< [V] s since the first
  double pointing_time = 0;                ///< s, of each
  std::vector<double> altitude_km;         ///< [V], or empty: balloon
  std::vector<double> l_zenith, b_zenith;  ///< [V], or empty
};

/// An observation before its noise; immutable and thread safe. Draws take milliseconds, so a study
/// over many noise seeds makes one of these.
class ImagingScene {
 public:
  struct State;

  /// InvalidArgument with the option's name as field.
  static absl::StatusOr<ImagingScene> make(const ImagingOptions& options);
  ~ImagingScene();
  ImagingScene(ImagingScene&&) noexcept;

  /// A Poisson draw of all counts, in the order of pointings. Exact: the number of counts of each
  /// pointing is drawn first, then where each falls. The same for any number of threads.
  std::vector<DrawnEvent> draw(std::uint64_t seed) const;
  imaging_data::Counts counts(const std::vector<DrawnEvent>& events) const;
  /// Everything but counts and backgrounds' normalisation is the same for every seed.
  imaging_data::ProblemParts problem(std::uint64_t seed) const;
  imaging_data::ProblemParts problem(const std::vector<DrawnEvent>& events) const;

  /// Amplitude of each group that makes `problem.background_live` the true background.
  std::vector<double> true_amplitudes(const imaging_data::ProblemParts& problem) const;
  double expected_source_counts() const;
  double expected_background_counts() const;
  const Flight& flight() const;
  const ImagingOptions& options() const;

 private:
  explicit ImagingScene(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// ImagingScene's problem of `options.seed`.
absl::StatusOr<imaging_data::ProblemParts> make_imaging_problem(const ImagingOptions& options);

}  // namespace unfold::simulate
