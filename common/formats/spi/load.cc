#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/spi/frames.h"

namespace unfold::spi_data {
namespace {

constexpr std::int64_t kEntryBytes = sizeof(std::uint32_t) + sizeof(float);

struct Opened {
  Detector stored;
  Detector after;
  PixelMap map;
  std::vector<std::int64_t> frames;
};

absl::StatusOr<Opened> prepare(const PatternSource& source, const Choice& choice) {
  Opened out;
  UNFOLD_ASSIGN_OR_RETURN(out.stored, source.detector());
  UNFOLD_ASSIGN_OR_RETURN(out.map, pixel_map(source.header().shape, choice.reduction));
  UNFOLD_ASSIGN_OR_RETURN(out.after, reduced(out.stored, choice.reduction));
  UNFOLD_ASSIGN_OR_RETURN(out.frames, chosen_frames(source.header().frames, choice));
  const auto bad = std::count(out.after.mask.begin(), out.after.mask.end(), kBad);
  if (bad < out.after.pixels()) return out;
  return error({.reason = "NO_GOOD_PIXEL",
                .field = "reduction",
                .what = "the patterns cannot be reduced so",
                .why = "every pixel that is left has a bad one in it",
                .remedy = "clip or bin less"});
}

absl::Status no_photons(const PatternSource& source) {
  return error({.reason = "NO_PHOTONS",
                .field = "data",
                .what = absl::StrCat("cannot use ", source.place_of(0)),
                .why = "no chosen frame has a photon outside the bad pixels",
                .remedy = "check the data and the mask"});
}

bool whole(const Row& row) {
  return std::all_of(row.count.begin(), row.count.end(),
                     [](float count) { return count == std::floor(count); });
}

bool fits_counts(const Row& row) {
  constexpr float kMost = std::numeric_limits<std::uint16_t>::max();
  return std::all_of(row.count.begin(), row.count.end(),
                     [](float count) { return count <= kMost; });
}

// Bytes of N frames in each form; the smallest is taken, dense where equal.
struct Sizes {
  std::int64_t frames = 0;
  std::int64_t pixels = 0;
  std::int64_t entries = 0;
  bool photons = true;
  bool narrow = true;  ///< every number fits 16 bits

  void add(const Row& row) {
    entries += static_cast<std::int64_t>(row.pixel.size());
    photons = photons && whole(row);
    narrow = narrow && fits_counts(row);
  }
  std::int64_t dense() const { return frames * pixels * (photons && narrow ? 2 : 4); }
  std::int64_t sparse() const { return kEntryBytes * entries + 8 * (frames + 1); }
  std::int64_t least() const { return std::min(dense(), sparse()); }
};

template <class T>
std::vector<T> densified(const Patterns& from, std::int64_t pixels, std::int64_t frames) {
  std::vector<T> out(static_cast<std::size_t>(frames * pixels));
  for (std::size_t f = 0; f + 1 < from.first.size(); ++f) {
    const auto stop = static_cast<std::size_t>(from.first[f + 1]);
    for (auto k = static_cast<std::size_t>(from.first[f]); k < stop; ++k) {
      out[f * static_cast<std::size_t>(pixels) + from.pixel[k]] = static_cast<T>(from.count[k]);
    }
  }
  return out;
}

// Collects rows as lists for as long as that is the smallest form.
class Collector {
 public:
  Collector(Patterns& out, std::int64_t frames, std::int64_t pixels) : out_(out) {
    sizes_.frames = frames;
    sizes_.pixels = pixels;
    out_.first.push_back(0);
  }

  void add(const Row& row) {
    sizes_.add(row);
    if (!out_.first.empty() && sizes_.sparse() >= sizes_.dense()) make_dense();
    if (!out_.first.empty()) {
      out_.pixel.insert(out_.pixel.end(), row.pixel.begin(), row.pixel.end());
      out_.count.insert(out_.count.end(), row.count.begin(), row.count.end());
      out_.first.push_back(static_cast<std::int64_t>(out_.pixel.size()));
    } else {
      if (!out_.counts.empty() && !(sizes_.photons && sizes_.narrow)) widen();
      const std::size_t begin = at_ * static_cast<std::size_t>(sizes_.pixels);
      for (std::size_t k = 0; k < row.pixel.size(); ++k) put(begin + row.pixel[k], row.count[k]);
    }
    ++at_;
  }
  bool photons() const { return sizes_.photons; }
  bool empty() const { return sizes_.entries == 0; }

 private:
  void put(std::size_t at, float value) {
    if (out_.counts.empty()) {
      out_.values[at] = value;
    } else {
      out_.counts[at] = static_cast<std::uint16_t>(value);
    }
  }
  void make_dense() {
    if (sizes_.photons && sizes_.narrow) {
      out_.counts = densified<std::uint16_t>(out_, sizes_.pixels, sizes_.frames);
    } else {
      out_.values = densified<float>(out_, sizes_.pixels, sizes_.frames);
    }
    out_.first = {};
    out_.pixel = {};
    out_.count = {};
  }
  void widen() {
    out_.values.assign(out_.counts.begin(), out_.counts.end());
    out_.counts = {};
  }

  Patterns& out_;
  Sizes sizes_;
  std::size_t at_ = 0;
};

template <class T>
void keep(std::vector<T>& values, std::span<const std::int64_t> frames) {
  if (values.empty()) return;
  std::vector<T> out;
  out.reserve(frames.size());
  for (const std::int64_t frame : frames) out.push_back(values[static_cast<std::size_t>(frame)]);
  values = std::move(out);
}

}  // namespace

std::int64_t Patterns::bytes() const {
  return static_cast<std::int64_t>(values.size() * sizeof(float) +
                                   counts.size() * sizeof(std::uint16_t) +
                                   first.size() * sizeof(std::int64_t)) +
         kEntryBytes * static_cast<std::int64_t>(pixel.size());
}

absl::StatusOr<std::vector<std::int64_t>> chosen_frames(std::int64_t frames, const Choice& choice) {
  std::vector<std::uint8_t> take(static_cast<std::size_t>(frames), choice.selection.empty());
  const auto refused = [&](const char* field, const std::string& why) {
    return error({.reason = "BAD_SELECTION",
                  .field = field,
                  .what = "the frames cannot be chosen so",
                  .why = why,
                  .remedy = absl::StrCat("name frames from 0 to ", frames - 1, ", each once")});
  };
  for (const std::int64_t frame : choice.selection) {
    if (frame < 0 || frame >= frames) {
      return refused("selection", absl::StrCat("frame ", frame, " of ", frames, " is selected"));
    }
    std::uint8_t& taken = take[static_cast<std::size_t>(frame)];
    if (taken != 0) return refused("selection", absl::StrCat("frame ", frame, " comes twice"));
    taken = 1;
  }
  for (const std::int64_t frame : choice.blacklist) {
    if (frame < 0 || frame >= frames) {
      return refused("blacklist", absl::StrCat("frame ", frame, " of ", frames, " is named"));
    }
    take[static_cast<std::size_t>(frame)] = 0;
  }
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < take.size(); ++i) {
    if (take[i] != 0) out.push_back(static_cast<std::int64_t>(i));
  }
  if (out.empty()) return refused("selection", "no frame is left");
  return out;
}

absl::StatusOr<Patterns> load(const PatternSource& source, const Choice& choice) {
  UNFOLD_ASSIGN_OR_RETURN(Opened opened, prepare(source, choice));
  Patterns out;
  Collector collector(out, static_cast<std::int64_t>(opened.frames.size()), opened.map.pixels());
  UNFOLD_RETURN_IF_ERROR(for_each_frame(source, opened.frames, opened.stored, opened.after,
                                        opened.map, [&](const Row& row) { collector.add(row); }));
  if (collector.empty()) return no_photons(source);
  UNFOLD_ASSIGN_OR_RETURN(out.truth, source.truth());
  keep(out.truth.orientations, opened.frames);
  keep(out.truth.fluences, opened.frames);
  keep(out.truth.conformations, opened.frames);
  keep(out.truth.non_hits, opened.frames);
  out.photons = collector.photons();
  out.detector = std::move(opened.after);
  out.frame = std::move(opened.frames);
  return out;
}

absl::StatusOr<Summary> summarise(const PatternSource& source, const Choice& choice) {
  UNFOLD_ASSIGN_OR_RETURN(Opened opened, prepare(source, choice));
  Summary out;
  out.frames = static_cast<std::int64_t>(opened.frames.size());
  out.mean.resize(opened.after.mask.size());
  Sizes sizes{.frames = out.frames, .pixels = opened.map.pixels()};
  UNFOLD_RETURN_IF_ERROR(for_each_frame(
      source, opened.frames, opened.stored, opened.after, opened.map, [&](const Row& row) {
        sizes.add(row);
        if (row.pixel.empty()) ++out.empty;
        for (std::size_t k = 0; k < row.pixel.size(); ++k) {
          out.mean[row.pixel[k]] += row.count[k];
          out.mean_total += row.count[k];
          out.largest = std::max<double>(out.largest, row.count[k]);
        }
      }));
  if (sizes.entries == 0) return no_photons(source);
  const auto frames = static_cast<double>(out.frames);
  for (double& value : out.mean) value /= frames;
  out.mean_total /= frames;
  out.photons = sizes.photons;
  out.bytes = sizes.least();
  out.detector = std::move(opened.after);
  return out;
}

}  // namespace unfold::spi_data
