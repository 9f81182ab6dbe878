#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

/// Diffraction patterns of single particles, whatever files they came from. The structs match
/// workers/kernels/spi (which knows no files) one to one; vectors move across.
namespace unfold::spi_data {

/// A file that an open descriptor holds: the path to read and the name to show.
struct NamedFile {
  std::string path{};   ///< /proc/self/fd/N or plain; empty: none
  std::string shown{};  ///< "root:relative"
};

/// Classes of pixels, Dragonfly's numbers.
inline constexpr std::uint8_t kGood = 0;
inline constexpr std::uint8_t kMergeOnly = 1;  ///< merged, but finds no orientations
inline constexpr std::uint8_t kBad = 2;

/// Rows and columns of pictures are below this.
inline constexpr std::int32_t kLargestPicture = 16384;

/// Where the pixels of a frame lie. q = (s - s0) / wavelength without 2 pi, laboratory frame, beam
/// along +z.
struct Detector {
  std::vector<double> q{};              ///< [P, 3] 1/Angstrom
  std::vector<float> correction{};      ///< [P] solid angle x polarization, largest 1, > 0
  std::vector<std::uint8_t> mask{};     ///< [P]
  std::vector<std::int32_t> picture{};  ///< [P, 2] (row, column) >= 0 of a picture; may be empty
  std::array<std::int64_t, 3> shape{};  ///< panels, rows, columns; product P
  double wavelength = 0;                ///< Angstrom; 0: not told
  double distance = 0;                  ///< m to the sample; 0: not told

  std::int64_t pixels() const { return static_cast<std::int64_t>(mask.size()); }
  /// Largest and smallest |q| of the pixels that are not bad, 1/Angstrom; 0 where all are.
  double qmax() const;
  double qmin() const;
};

/// How patterns are cut down before anything else: the central 1/2^clip of each panel's rows and
/// columns, then 2^bin x 2^bin pixels summed. q is averaged. A sum with a bad pixel in it is bad.
struct Reduction {
  int clip = 0;
  int bin = 0;
};

enum class Format { kCspi, kEmc, kEmcHdf5, kCxi };
std::string to_string(Format format);  ///< "cspi", "emc", "emc-hdf5", "cxi"

/// Everything that headers tell: enough to validate and to cost a job. Before any reduction.
struct Header {
  Format format = Format::kCspi;
  std::int64_t frames = 0;
  std::array<std::int64_t, 3> shape{};  ///< panels, rows, columns
  bool photons = false;                 ///< whole numbers by their type; else intensities
  bool sparse = false;                  ///< stored as lists of photons
  std::int64_t entries = 0;             ///< of those lists, where sparse
  std::int64_t stored_bytes = 0;        ///< of the files
  std::int64_t chunk_frames = 1;        ///< that are cheapest read together
  bool has_mask = false;
  bool has_correction = false;
  bool has_fluences = false;
  bool has_truth = false;                      ///< orientations
  std::map<std::string, std::string> facts{};  ///< for people
  std::vector<std::string> warnings{};

  std::int64_t pixels() const { return shape[0] * shape[1] * shape[2]; }
};

/// Frames as they are stored: dense, or lists of pixels with their counts.
struct Block {
  std::vector<float> dense{};          ///< [n, P], or empty
  std::vector<std::int64_t> first{};   ///< [n + 1], with the next two, or empty
  std::vector<std::uint32_t> pixel{};  ///< < P
  std::vector<float> count{};

  bool is_sparse() const { return !first.empty(); }
};

/// What the simulator stored beside the frames, or the experiment's own records; never used by a
/// reconstruction. Each is empty where the files have none.
struct Truth {
  std::vector<std::array<double, 4>> orientations{};  ///< [N] (w, x, y, z)
  std::vector<double> fluences{};                     ///< [N]
  std::vector<std::int32_t> conformations{};          ///< [N]
  std::vector<std::uint8_t> non_hits{};               ///< [N] 1: nothing was hit
};

/// Frames and their detector, read when asked. Several files of a kind are one source. Thread safe
/// as far as HDF5 is. Errors name the file and the object, frame and pixel in it.
class PatternSource {
 public:
  virtual ~PatternSource() = default;
  virtual const Header& header() const = 0;
  /// Before any reduction. NO_GOOD_PIXEL where the mask leaves none.
  virtual absl::StatusOr<Detector> detector() const = 0;
  /// Frames first .. first + count. Numbers as stored: not yet looked at.
  virtual absl::StatusOr<Block> read(std::int64_t first, std::int64_t count) const = 0;
  virtual absl::StatusOr<Truth> truth() const = 0;
  /// "FILE" (frame 17), for messages: where a frame of the joined source is stored.
  virtual std::string place_of(std::int64_t frame) const = 0;
};

struct PatternFiles {
  std::vector<NamedFile> data{};  ///< at least one, all of one kind
  NamedFile detector{};           ///< Dragonfly .h5 or .dat, CrystFEL .geom; none: in `data`
  /// Angstrom, for a Dragonfly detector, whose unit is pixels: config.ini's lambda; 0: the
  /// detector file's own.
  double wavelength = 0;
};

/// Looks at the files' contents (never at their names alone) and returns what reads them. Validates
/// every shape, size and unit; reads headers only. WRONG_FORMAT names the odd file of several.
absl::StatusOr<std::unique_ptr<PatternSource>> open_patterns(const PatternFiles& files);

/// BAD_REDUCTION where rows and columns do not allow it.
absl::Status check_reduction(const std::array<std::int64_t, 3>& shape, const Reduction& reduction);
absl::StatusOr<Detector> reduced(const Detector& detector, const Reduction& reduction);

/// Which frames, and how.
struct Choice {
  Reduction reduction{};
  std::vector<std::int64_t> selection{};  ///< none twice; empty: all
  std::vector<std::int64_t> blacklist{};  ///< left out
};
/// The frames that a choice takes, in increasing order. BAD_SELECTION: out of range, twice, or none
/// left.
absl::StatusOr<std::vector<std::int64_t>> chosen_frames(std::int64_t frames, const Choice& choice);

/// Frames in memory: dense in the narrower of two types, or sparse, whichever is smaller. Bad
/// pixels hold 0. The fields are those of spi::PatternSet and spi::Detector.
struct Patterns {
  Detector detector{};                  ///< reduced
  std::vector<std::int64_t> frame{};    ///< [N] its number in the source
  std::vector<float> values{};          ///< [N, P], or empty
  std::vector<std::uint16_t> counts{};  ///< [N, P], or empty
  std::vector<std::int64_t> first{};    ///< [N + 1], with the next two, or empty
  std::vector<std::uint32_t> pixel{};
  std::vector<float> count{};
  Truth truth{};         ///< of these frames
  bool photons = false;  ///< every number is whole

  std::int64_t frames() const { return static_cast<std::int64_t>(frame.size()); }
  std::int64_t bytes() const;
};

/// Reads and checks: BAD_PIXEL names the first frame and pixel that is NaN, infinite or negative
/// (bad pixels may be anything); NO_PHOTONS where every frame is empty.
absl::StatusOr<Patterns> load(const PatternSource& source, const Choice& choice);

/// What one pass over the frames tells, for a dry run; with the checks of load().
struct Summary {
  Detector detector{};         ///< reduced
  std::int64_t frames = 0;     ///< chosen
  std::int64_t empty = 0;      ///< without a photon
  double mean_total = 0;       ///< a frame, over pixels that are not bad
  double largest = 0;          ///< of one pixel
  bool photons = false;        ///< every number is whole
  std::int64_t bytes = 0;      ///< that load() will hold
  std::vector<double> mean{};  ///< [P]
};
absl::StatusOr<Summary> summarise(const PatternSource& source, const Choice& choice);

/// Photons a frame [P], from HDF5 /background or Dragonfly's raw doubles. Of the unreduced
/// detector; `reduction` is applied. BAD_VALUE: negative or not finite.
absl::StatusOr<std::vector<float>> read_background(const NamedFile& file,
                                                   const std::array<std::int64_t, 3>& shape,
                                                   const Reduction& reduction);

}  // namespace unfold::spi_data
