#include "common/simulate/raw_events.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/simulate/compton_response.h"
#include "common/simulate/random.h"
#include "common/sky/instrument.h"

namespace unfold::simulate {
namespace {

constexpr double kDegree = 180 / std::numbers::pi;
constexpr double kStart = 1463443200;        // 17 May 2016, s since 1970
constexpr double kElectronRest = 510.99895;  // keV
constexpr double kLineWidth = 1.5;           // keV
constexpr std::uint64_t kEventStream = std::uint64_t{2} << 32;

struct Aspect {
  double longitude = 0;
  double latitude = 0;
};

Aspect aspect_of(const sky::Axes& axes, std::size_t axis) {
  const double* v = &axes[3 * axis];
  const double longitude = std::atan2(v[1], v[0]) * kDegree;
  return {longitude < 0 ? longitude + 360 : longitude,
          std::asin(std::clamp(v[2], -1., 1.)) * kDegree};
}

absl::Status cannot_write(const std::string& path) {
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "WRITE_FAILED",
                .field = "output",
                .what = absl::StrCat("cannot write ", path),
                .remedy = "check the folder and the space on its disk"});
}

/// Makes events in the CDS bins they were counted in.
class EventMaker {
 public:
  EventMaker(double energy, const imaging_data::ProblemParts& parts)
      : energy_(energy),
        space_(data_space(parts.pix_deg)),
        fisbel_(sky::fisbel(space_.fisbel_bins)),
        parts_(parts) {}

  /// Appends one event, its time aside.
  void append(const DrawnEvent& event, Random& random, std::string& text) const {
    const std::int32_t cell = parts_.cds_index[static_cast<std::size_t>(event.bin)];
    // A little off the edges: what is printed and read again must stay in its bin.
    const auto inside = [&random] { return random.uniform(0.001, 0.999); };
    const double phi = (cell / space_.fisbel_bins + inside()) * space_.phi_step_deg / kDegree;
    const auto collar = static_cast<std::size_t>(
        std::upper_bound(fisbel_.first.begin(), fisbel_.first.end(), cell % space_.fisbel_bins) -
        fisbel_.first.begin() - 1);
    const double north = std::cos(fisbel_.edge[collar]);
    const double south = std::cos(fisbel_.edge[collar + 1]);
    const double height = north + (south - north) * inside();
    const double turn = 2 * std::numbers::pi / fisbel_.longitudes[collar];
    const double along = static_cast<double>(cell % space_.fisbel_bins - fisbel_.first[collar]);
    const double azimuth = (along + inside()) * turn;
    const double total = energy_ + std::clamp(kLineWidth * random.normal(), -8., 8.);
    const double scattered = total / (1 + total / kElectronRest * (1 - std::cos(phi)));
    append_interactions(scattered, total - scattered, height, azimuth, random, text);
  }

 private:
  /// The scattered photon comes from the direction (height, azimuth): the second interaction lies
  /// on the other side of the first.
  static void append_interactions(double scattered, double electron, double height, double azimuth,
                                  Random& random, std::string& text) {
    const double flat = std::sqrt(1 - height * height);
    const double lever = random.uniform(0.5, 6);
    const std::array<double, 3> first = {random.uniform(-4, 4), random.uniform(-4, 4),
                                         random.uniform(-3, 3)};
    const std::array<double, 3> second = {first[0] - lever * flat * std::cos(azimuth),
                                          first[1] - lever * flat * std::sin(azimuth),
                                          first[2] - lever * height};
    absl::StrAppendFormat(&text, "CE %.10g 0.8   %.10g 0.8\n", scattered, electron);
    absl::StrAppendFormat(&text, "CD %.9f %.9f %.9f   0.06 0.06 0.03   %.9f %.9f %.9f   ", first[0],
                          first[1], first[2], second[0], second[1], second[2]);
    absl::StrAppendFormat(&text, "0.06 0.06 0.03   0 0 0   0 0 0\nLA %.6f\n", lever);
  }

  double energy_;
  DataSpace space_;
  sky::Fisbel fisbel_;
  const imaging_data::ProblemParts& parts_;
};

class GzipFile {
 public:
  explicit GzipFile(const std::string& path) : file_(gzopen(path.c_str(), "wb3")) {}
  ~GzipFile() { close(); }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  void write(const std::string& text) {
    if (text.empty() || !good_ || file_ == nullptr) return;
    good_ = gzwrite(file_, text.data(), static_cast<unsigned>(text.size())) > 0;
  }
  bool close() {
    if (file_ == nullptr) return false;
    const bool closed = gzclose(file_) == Z_OK;
    file_ = nullptr;
    return closed && good_;
  }

 private:
  gzFile file_;
  bool good_ = true;
};

/// The part of an event that all of a pointing share.
std::string aspect_lines(const sky::Axes& axes) {
  const Aspect x = aspect_of(axes, 0);
  const Aspect z = aspect_of(axes, 2);
  return absl::StrFormat("GX %.7f %.7f\nGZ %.7f %.7f\nSQ 2\nCT 0 1\nTL 1\n", x.longitude,
                         x.latitude, z.longitude, z.latitude);
}

}  // namespace

absl::Status write_events(const std::string& path, const ImagingScene& scene,
                          const imaging_data::ProblemParts& parts,
                          const std::vector<DrawnEvent>& events) {
  const Flight& flight = scene.flight();
  const EventMaker maker(scene.options().energy, parts);
  GzipFile file(path);
  std::int64_t id = 0;
  auto next = events.begin();
  for (std::size_t v = 0; v < flight.start.size(); ++v) {
    const auto last = std::find_if(next, events.end(), [v](const DrawnEvent& event) {
      return event.pointing != static_cast<std::int32_t>(v);
    });
    Random random(scene.options().seed, kEventStream + v);
    std::vector<double> times;
    for (auto i = next; i != last; ++i)
      times.push_back(kStart + flight.start[v] + flight.pointing_time * random.uniform());
    std::sort(times.begin(), times.end());
    const std::string aspect = aspect_lines(parts.attitude.axes[v]);
    std::string text;
    for (const double time : times) {
      absl::StrAppendFormat(&text, "SE\nET CO\nID %d\nTI %.9f\n%s", ++id, time, aspect);
      maker.append(*next++, random, text);
    }
    file.write(text);
  }
  file.write("EN\n");
  return file.close() ? absl::OkStatus() : cannot_write(path);
}

absl::Status write_orientations(const std::string& path, const Flight& flight,
                                const imaging_data::Attitude& attitude) {
  std::string text = "\nType OrientationsGalactic\n\n";
  // One line more than pointings: it tells when the last one ends.
  for (std::size_t i = 0; i <= flight.start.size(); ++i) {
    const bool end = i == flight.start.size();
    const std::size_t v = end ? i - 1 : i;
    const Aspect x = aspect_of(attitude.axes[v], 0);
    const Aspect z = aspect_of(attitude.axes[v], 2);
    const double time = kStart + flight.start[v] + (end ? flight.pointing_time : 0);
    absl::StrAppendFormat(&text, "OG %.9f %.6f %.6f %.6f %.6f", time, x.latitude, x.longitude,
                          z.latitude, z.longitude);
    if (!flight.altitude_km.empty()) {
      const double l = flight.l_zenith[v] < 0 ? flight.l_zenith[v] + 360 : flight.l_zenith[v];
      absl::StrAppendFormat(&text, " %.3f %.6f %.6f %.6f", flight.altitude_km[v],
                            flight.b_zenith[v], l, end ? 0 : attitude.live_time[v]);
    }
    text += '\n';
  }
  text += "EN\n";
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file.good() ? absl::OkStatus() : cannot_write(path);
}

}  // namespace unfold::simulate
