#include "common/formats/spi/joined_source.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::spi_data {
namespace {

absl::Status differs(const JoinedSource::Part& odd, const JoinedSource::Part& first,
                     const std::string& reason, const std::string& how) {
  return error(
      {.reason = reason,
       .field = "data",
       .what = absl::StrCat("cannot take \"", odd.shown, "\" together with \"", first.shown, "\""),
       .why = how,
       .remedy = "give files of one kind and one detector, or a job for each"});
}

std::string text_of(const std::array<std::int64_t, 3>& shape) {
  return absl::StrCat("[", shape[0], ", ", shape[1], ", ", shape[2], "]");
}

bool same_places(const Detector& a, const Detector& b) {
  const double most = 1e-5 * a.qmax();  // files hold floats
  return std::equal(a.q.begin(), a.q.end(), b.q.begin(), b.q.end(),
                    [most](double x, double y) { return std::abs(x - y) <= most; });
}

absl::Status check_alike(const JoinedSource::Part& part, const JoinedSource::Part& first,
                         const Detector& wanted) {
  const Header& a = first.source->header();
  const Header& b = part.source->header();
  if (a.format != b.format) {
    return differs(part, first, "WRONG_FORMAT",
                   absl::StrCat("it is ", to_string(b.format), ", not ", to_string(a.format)));
  }
  if (a.photons != b.photons) {
    return differs(
        part, first, "WRONG_FORMAT",
        b.photons ? "it holds photons, not intensities" : "it holds intensities, not photons");
  }
  if (a.shape != b.shape) {
    return differs(part, first, "OTHER_DETECTOR",
                   absl::StrCat("its frames are ", text_of(b.shape), ", not ", text_of(a.shape)));
  }
  UNFOLD_ASSIGN_OR_RETURN(const Detector detector, part.source->detector());
  if (!same_places(wanted, detector)) {
    return differs(part, first, "OTHER_DETECTOR", "its pixels lie at other q");
  }
  if (wanted.mask != detector.mask) {
    return differs(part, first, "OTHER_DETECTOR", "its mask is another");
  }
  return absl::OkStatus();
}

Header sum_of(const std::vector<JoinedSource::Part>& parts) {
  Header out = parts.front().source->header();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const Header& one = parts[i].source->header();
    out.frames += one.frames;
    out.entries += one.entries;
    out.stored_bytes += one.stored_bytes;
    out.chunk_frames = 1;
    out.sparse = out.sparse && one.sparse;
    out.has_fluences = out.has_fluences && one.has_fluences;
    out.has_truth = out.has_truth && one.has_truth;
    for (const std::string& warning : one.warnings) {
      if (std::count(out.warnings.begin(), out.warnings.end(), warning) == 0) {
        out.warnings.push_back(warning);
      }
    }
  }
  out.facts["files"] = absl::StrCat(parts.size());
  return out;
}

void densify(Block& block, std::size_t pixels) {
  if (!block.is_sparse()) return;
  block.dense.assign((block.first.size() - 1) * pixels, 0.0F);
  for (std::size_t f = 0; f + 1 < block.first.size(); ++f) {
    for (auto k = static_cast<std::size_t>(block.first[f]);
         k < static_cast<std::size_t>(block.first[f + 1]); ++k) {
      block.dense[f * pixels + block.pixel[k]] += block.count[k];
    }
  }
  block = {.dense = std::move(block.dense)};
}

void append(Block& to, Block from, std::size_t pixels) {
  if (to.is_sparse() != from.is_sparse()) {
    densify(to, pixels);
    densify(from, pixels);
  }
  to.dense.insert(to.dense.end(), from.dense.begin(), from.dense.end());
  if (!to.is_sparse()) return;
  const std::int64_t shift = to.first.back();
  for (std::size_t f = 1; f < from.first.size(); ++f) to.first.push_back(shift + from.first[f]);
  to.pixel.insert(to.pixel.end(), from.pixel.begin(), from.pixel.end());
  to.count.insert(to.count.end(), from.count.begin(), from.count.end());
}

// All parts' numbers, or none where a part has none.
template <class T>
void append_truth(std::vector<T>& to, const std::vector<T>& from, std::int64_t before) {
  if (static_cast<std::int64_t>(to.size()) != before) return;
  if (from.empty()) {
    to.clear();
  } else {
    to.insert(to.end(), from.begin(), from.end());
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<PatternSource>> JoinedSource::join(std::vector<Part> parts) {
  UNFOLD_ASSIGN_OR_RETURN(const Detector first, parts.front().source->detector());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    UNFOLD_RETURN_IF_ERROR(check_alike(parts[i], parts.front(), first));
  }
  Header header = sum_of(parts);
  return std::unique_ptr<PatternSource>(new JoinedSource(std::move(parts), std::move(header)));
}

absl::StatusOr<Block> JoinedSource::read(std::int64_t first, std::int64_t count) const {
  std::optional<Block> out;
  const std::int64_t stop = first + count;
  std::int64_t begin = 0;
  for (const Part& part : parts_) {
    const std::int64_t end = begin + part.source->header().frames;
    const std::int64_t from = std::max(first, begin);
    const std::int64_t to = std::min(stop, end);
    if (from < to) {
      UNFOLD_ASSIGN_OR_RETURN(Block block, part.source->read(from - begin, to - from));
      if (out) {
        append(*out, std::move(block), static_cast<std::size_t>(header_.pixels()));
      } else {
        out = std::move(block);
      }
    }
    begin = end;
  }
  return out ? *std::move(out) : Block{};
}

absl::StatusOr<Truth> JoinedSource::truth() const {
  Truth out;
  std::int64_t before = 0;
  for (const Part& part : parts_) {
    UNFOLD_ASSIGN_OR_RETURN(const Truth one, part.source->truth());
    append_truth(out.orientations, one.orientations, before);
    append_truth(out.fluences, one.fluences, before);
    append_truth(out.conformations, one.conformations, before);
    append_truth(out.non_hits, one.non_hits, before);
    before += part.source->header().frames;
  }
  return out;
}

std::string JoinedSource::place_of(std::int64_t frame) const {
  for (const Part& part : parts_) {
    const std::int64_t frames = part.source->header().frames;
    if (frame < frames) return part.source->place_of(frame);
    frame -= frames;
  }
  return absl::StrCat("frame ", frame);
}

}  // namespace unfold::spi_data
