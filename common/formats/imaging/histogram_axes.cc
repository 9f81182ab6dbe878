#include "common/formats/imaging/histogram_axes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"

namespace unfold::imaging_data {
namespace {

constexpr std::int64_t kMaxEdges = std::int64_t{1} << 24;
constexpr std::size_t kMaxAxes = 16;
constexpr int kMaxNside = 1024;

struct Known {
  const char* label;
  const char* unit;  // as histpy writes it
};
// In the order of a response's contents.
constexpr std::array<Known, 10> kKnown = {{{"Time", "s"},
                                           {"NuLambda", ""},
                                           {"lb", ""},
                                           {"Ei", "keV"},
                                           {"Pol", "deg"},
                                           {"Em", "keV"},
                                           {"Phi", "deg"},
                                           {"PsiChi", ""},
                                           {"SigmaTau", ""},
                                           {"Dist", "cm"}}};

std::size_t rank(const std::string& label) {
  const auto at = std::find_if(kKnown.begin(), kKnown.end(),
                               [&](const Known& known) { return label == known.label; });
  return static_cast<std::size_t>(at - kKnown.begin());
}

// histpy writes small letters, cosipy's DRM capitals.
absl::StatusOr<std::string> text_attribute(const hdf5::File& file, const std::string& object,
                                           const std::string& name) {
  for (const std::string& spelled : {name, absl::AsciiStrToUpper(name)}) {
    UNFOLD_ASSIGN_OR_RETURN(const auto value, file.attribute(object, spelled));
    if (!value) continue;
    if (const auto* text = std::get_if<std::string>(&*value)) return *text;
    return wrong_axis(file, object, absl::StrCat("its ", name, " is no text"));
  }
  return std::string();
}

absl::StatusOr<std::int64_t> nside_of(const hdf5::File& file, const std::string& object) {
  for (const char* name : {"nside", "NSIDE"}) {
    UNFOLD_ASSIGN_OR_RETURN(const auto value, file.attribute(object, name));
    if (!value) continue;
    const auto* nside = std::get_if<std::int64_t>(&*value);
    const bool power =
        nside != nullptr && *nside >= 1 && *nside <= kMaxNside && (*nside & (*nside - 1)) == 0;
    if (!power) {
      return wrong_axis(file, object,
                        absl::StrCat("its nside is no power of two up to ", kMaxNside));
    }
    return *nside;
  }
  return 0;
}

absl::Status read_sphere(const hdf5::File& file, HistogramAxis& axis) {
  UNFOLD_ASSIGN_OR_RETURN(const std::string scheme, text_attribute(file, axis.object, "scheme"));
  const std::string plain = absl::AsciiStrToLower(scheme);
  if (plain != "ring" && plain != "nested") {
    return wrong_axis(
        file, axis.object,
        absl::StrCat("its scheme \"", fits::printable(scheme), "\" is not RING or NESTED"));
  }
  axis.nested = plain == "nested";
  UNFOLD_ASSIGN_OR_RETURN(const std::string frame, text_attribute(file, axis.object, "coordsys"));
  axis.frame = absl::AsciiStrToLower(frame);
  if (axis.frame == "g") axis.frame = "galactic";
  const std::int64_t pixels = std::int64_t{12} * axis.nside * axis.nside;
  bool whole = axis.bins() == pixels;
  for (std::size_t i = 0; whole && i < axis.edges.size(); ++i) {
    whole = axis.edges[i] == static_cast<double>(i);
  }
  if (!whole) {
    return wrong_axis(file, axis.object,
                      absl::StrCat("it is not the whole sphere of nside ", axis.nside));
  }
  return absl::OkStatus();
}

absl::Status check_unit(const hdf5::File& file, const HistogramAxis& axis) {
  const std::size_t known = rank(axis.label);
  if (known == kKnown.size() || axis.unit.empty() || axis.unit == kKnown[known].unit) {
    return absl::OkStatus();
  }
  const std::string wanted = kKnown[known].unit;
  return hdf5::bad_object(file.shown(), axis.object, "WRONG_UNIT",
                          absl::StrCat("the unit of axis ", axis.label, " is \"",
                                       fits::printable(axis.unit), "\", not \"", wanted, "\""),
                          "convert the axis");
}

absl::StatusOr<HistogramAxis> read_axis(const hdf5::File& file, const std::string& group,
                                        const std::string& name) {
  HistogramAxis axis;
  axis.object = absl::StrCat(group, "/", name);
  UNFOLD_ASSIGN_OR_RETURN(axis.label, text_attribute(file, axis.object, "label"));
  if (axis.label.empty()) axis.label = name;
  axis.label = fits::printable(axis.label);
  UNFOLD_ASSIGN_OR_RETURN(axis.unit, text_attribute(file, axis.object, "unit"));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset edges, file.dataset(axis.object));
  if (edges.info().shape.size() != 1 || edges.info().shape[0] < 2) {
    return wrong_axis(file, axis.object, "it is no list of edges");
  }
  UNFOLD_ASSIGN_OR_RETURN(axis.edges, edges.read_all<double>(kMaxEdges));
  for (std::size_t i = 0; i < axis.edges.size(); ++i) {
    if (!std::isfinite(axis.edges[i]) || (i > 0 && axis.edges[i] <= axis.edges[i - 1])) {
      return wrong_axis(file, axis.object, "its edges do not increase");
    }
  }
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t nside, nside_of(file, axis.object));
  axis.nside = static_cast<int>(nside);
  if (axis.nside > 0) UNFOLD_RETURN_IF_ERROR(read_sphere(file, axis));
  UNFOLD_RETURN_IF_ERROR(check_unit(file, axis));
  return axis;
}

bool is_number(const std::string& name) {
  return !name.empty() && name.size() < 4 && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

}  // namespace

absl::Status wrong_axis(const hdf5::File& file, const std::string& object, std::string why,
                        std::string remedy) {
  return hdf5::bad_object(file.shown(), object, "WRONG_AXIS", std::move(why), std::move(remedy));
}

absl::StatusOr<std::vector<HistogramAxis>> read_axes(const hdf5::File& file,
                                                     const std::string& group) {
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<hdf5::Child> children, file.children(group));
  if (children.empty() || children.size() > kMaxAxes) {
    return wrong_axis(file, group, absl::StrCat("it has ", children.size(), " axes"));
  }
  std::vector<std::pair<std::size_t, HistogramAxis>> placed;
  for (const hdf5::Child& child : children) {
    UNFOLD_ASSIGN_OR_RETURN(HistogramAxis axis, read_axis(file, group, child.name));
    const std::size_t place =
        is_number(child.name) ? static_cast<std::size_t>(std::stoi(child.name)) : rank(axis.label);
    placed.emplace_back(place, std::move(axis));
  }
  std::stable_sort(placed.begin(), placed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<HistogramAxis> out;
  for (auto& [place, axis] : placed) out.push_back(std::move(axis));
  return out;
}

absl::Status same_axis(const hdf5::File& file, const HistogramAxis& a, const HistogramAxis& b) {
  const auto differ = [&](const std::string& what) {
    return wrong_axis(
        file, b.object,
        absl::StrCat("axis ", b.label, " differs from that of ", a.object, " in ", what),
        "use files of one binning");
  };
  if (a.nside != b.nside || a.nested != b.nested) return differ("its HEALPix pixels");
  if (!a.frame.empty() && !b.frame.empty() && a.frame != b.frame) return differ("its frame");
  if (a.edges.size() != b.edges.size()) return differ("its number of bins");
  for (std::size_t i = 0; i < a.edges.size(); ++i) {
    const double scale = std::max(std::abs(a.edges[i]), std::abs(b.edges[i]));
    if (std::abs(a.edges[i] - b.edges[i]) > 1e-9 * scale) return differ("its edges");
  }
  return absl::OkStatus();
}

}  // namespace unfold::imaging_data
