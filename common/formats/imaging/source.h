#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/sky/grid.h"
#include "common/sky/instrument.h"

/// What an imaging job is made of, whatever files it came from. The fields match
/// workers/kernels/imaging (which knows no files) one to one; vectors move across.
namespace unfold::imaging_data {

/// Binned counts in list mode: the non-zero bins of [T, D].
struct Counts {
  std::vector<std::ptrdiff_t> begin;  ///< [T+1]
  std::vector<std::int32_t> bin;      ///< [N] increasing within a time bin
  std::vector<double> value;          ///< [N] > 0, whole numbers
};

/// One background component [T, D]: as given, or spectrum x scale where it factorises.
struct BackgroundTemplate {
  std::string name;
  std::vector<double> full{};      ///< [T, D], or empty
  std::vector<double> spectrum{};  ///< [D], with `scale`
  std::vector<double> scale{};     ///< [T]
  std::int64_t bins = 0;           ///< D, with `full`
  std::int64_t bytes() const;
  double at(std::int64_t time, std::int32_t bin) const;
  std::vector<double> sums() const;  ///< [T] over bins
};

struct Background {
  std::vector<BackgroundTemplate> components;
  std::int64_t groups = 1;
  std::vector<std::int32_t> group;  ///< [T]
};

struct Attitude {
  std::vector<double> live_time;       ///< [V] s
  std::vector<std::int32_t> time_bin;  ///< [V]
  sky::Lookup lookup;
  std::vector<sky::Axes> axes;  ///< [V], or empty where the file has none
};

enum class ResponseKind {
  kFactored,  ///< rows I[k, :], k = 0 .. K-1, cm2
  kDense,     ///< rows R[t, p, :] in (t, p) order
};

/// Everything that headers tell: enough to validate and to cost a job.
struct Header {
  std::string format;  ///< "unfold", "dc1", "histpy"
  sky::Grid sky;
  std::int64_t energies = 1;         ///< E; model index below
  bool energy_fastest = false;       ///< index = pixel * E + e (histpy), else e * pixels + pixel
  std::vector<double> energy_edges;  ///< [E+1] keV, or empty
  std::int64_t times = 0;
  std::int64_t bins = 0;
  std::int64_t pointings = 0;   ///< 0: dense
  std::int64_t neighbours = 1;  ///< of the lookup
  ResponseKind response = ResponseKind::kFactored;
  std::int64_t response_rows = 0;
  bool integer_counts = false;                 ///< the response is counts x a scale a row
  std::vector<std::string> backgrounds;        ///< the names that may be asked for
  std::string default_background;              ///< of em and all that is not dc1; empty: none
  std::string dc1_background;                  ///< of the dc1 loops
  std::vector<std::int64_t> background_bytes;  ///< that each of `backgrounds` takes in memory
  std::int64_t stored_counts = 0;              ///< counts' bins or events to read, for the cost
  std::map<std::string, std::string> facts;    ///< for people
  std::vector<std::string> warnings;
  std::string response_digest;  ///< content of a small response (<= 64 MiB), else empty
};

/// What backgrounds of these names take in memory.
std::int64_t bytes_of_backgrounds(const Header& header, const std::vector<std::string>& names);

/// Gives a response's rows in order, in pieces that the caller sizes.
class ResponseRows {
 public:
  virtual ~ResponseRows() = default;
  /// The next rows.size() / D rows. With integer_counts the values are counts and `scale` [n] is
  /// filled with what one is worth; otherwise `scale` may be empty.
  virtual absl::Status next(std::span<double> rows, std::span<double> scale) = 0;
  /// The most rows to ask for at once, so that no call takes longer than a good part of a second.
  virtual std::int64_t rows_at_once() const { return std::numeric_limits<std::int64_t>::max(); }
};

/// The parts of an imaging job, read when asked. Thread safe as far as HDF5 is. Errors name the
/// file and the object in it.
class Source {
 public:
  virtual ~Source() = default;
  virtual const Header& header() const = 0;
  virtual absl::StatusOr<Counts> counts() const = 0;
  /// FailedPrecondition for dense responses, which have no attitude.
  virtual absl::StatusOr<Attitude> attitude() const = 0;
  /// Of header().backgrounds; none for no names.
  virtual absl::StatusOr<Background> background(const std::vector<std::string>& names) const = 0;
  virtual absl::StatusOr<std::unique_ptr<ResponseRows>> response() const = 0;
  /// [P * E], where the simulator stored it; NotFound otherwise.
  virtual absl::StatusOr<std::vector<double>> truth() const = 0;
};

/// A file that an open descriptor holds: the path to read and the name to show.
struct NamedFile {
  std::string path;   ///< /proc/self/fd/N or plain; empty: none
  std::string shown;  ///< "root:relative"
};
struct SourceFiles {
  NamedFile data;        ///< HDF5 of ours or of histpy, or .tra.gz events
  NamedFile response{};  ///< HDF5 or ResponseGrid .npz; none: in `data`
  NamedFile background{};
  NamedFile attitude{};  ///< .ori; only with events
};
/// How raw events are binned (DC1's rules, engines/imaging.md a); without effect on binned data.
struct Binning {
  double energy_min = 501;  ///< keV
  double energy_max = 521;
  double time_step = 1800;       ///< s
  double pointing_step_deg = 5;  ///< a new pointing when an axis has moved so far
  double zenith_cut_deg = 90;
  double pixel_deg = 6;
  bool bilinear = false;
  bool livetime = true;  ///< use the attitude's live time where it has one
  bool earth = true;     ///< leave out what the Earth hides, where the attitude has it
  std::vector<std::int64_t> group_starts{};  ///< time bins that begin a background group
};

/// Looks at the files' contents (never at their names alone) and returns the source that reads
/// them. Validates every shape, size and unit; reads headers only, but for small responses and raw
/// events.
absl::StatusOr<std::unique_ptr<Source>> open_source(const SourceFiles& files,
                                                    const Binning& binning);

}  // namespace unfold::imaging_data
