#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/spi/raw_bytes.h"
#include "common/formats/spi/reduction.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {
namespace {

absl::Status other_length(const NamedFile& file, std::int64_t has, std::size_t wants) {
  return error({.reason = "OTHER_DETECTOR",
                .field = "background_file",
                .what = absl::StrCat("cannot use the background \"", file.shown, "\""),
                .why = absl::StrCat("it has ", has, " pixels, the detector ", wants),
                .remedy = "give photons a frame for each pixel of this detector"});
}

absl::StatusOr<std::vector<double>> read_tree(const NamedFile& named, std::size_t pixels) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::open(named.path, named.shown));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset dataset, file.dataset("background"));
  if (dataset.info().elements() != static_cast<std::int64_t>(pixels)) {
    return other_length(named, dataset.info().elements(), pixels);
  }
  return dataset.read_all<double>(static_cast<std::int64_t>(pixels));
}

absl::StatusOr<std::vector<double>> read_raw(const NamedFile& file, std::size_t pixels) {
  UNFOLD_ASSIGN_OR_RETURN(const RawBytes raw, RawBytes::read(file));
  if (raw.bytes().size() != pixels * sizeof(double)) {
    return other_length(file, static_cast<std::int64_t>(raw.bytes().size() / sizeof(double)),
                        pixels);
  }
  std::vector<double> out(pixels);
  std::memcpy(out.data(), raw.bytes().data(), raw.bytes().size());
  return out;
}

}  // namespace

absl::StatusOr<std::vector<float>> read_background(const NamedFile& file,
                                                   const std::array<std::int64_t, 3>& shape,
                                                   const Reduction& reduction) {
  UNFOLD_ASSIGN_OR_RETURN(const PixelMap map, pixel_map(shape, reduction));
  UNFOLD_ASSIGN_OR_RETURN(const bool tree, hdf5::is_hdf5(file.path, file.shown));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> stored,
                          tree ? read_tree(file, map.to.size()) : read_raw(file, map.to.size()));
  std::vector<double> sums(static_cast<std::size_t>(map.pixels()));
  for (std::size_t p = 0; p < stored.size(); ++p) {
    if (!(stored[p] >= 0) || std::isinf(stored[p])) {
      return fits::bad_file(
          file.shown, "BAD_VALUE",
          absl::StrCat(pixel_text(shape, static_cast<std::int64_t>(p)), " is ", stored[p]),
          "give photons a frame, from 0");
    }
    if (map.to[p] >= 0) sums[static_cast<std::size_t>(map.to[p])] += stored[p];
  }
  return std::vector<float>(sums.begin(), sums.end());
}

}  // namespace unfold::spi_data
