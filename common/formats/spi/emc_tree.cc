#include "common/formats/spi/emc_tree.h"

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::spi_data {
namespace {

constexpr std::int64_t kMostFrames = std::int64_t{1} << 31;
constexpr std::int64_t kFramesAtOnce = 1024;

class EmcTree : public PatternSource {
 public:
  EmcTree(hdf5::File file, hdf5::Dataset ones, hdf5::Dataset multi, hdf5::Dataset counts,
          Header header, Detector detector)
      : file_(std::move(file)),
        ones_(std::move(ones)),
        multi_(std::move(multi)),
        counts_(std::move(counts)),
        header_(std::move(header)),
        detector_(std::move(detector)) {}

  const Header& header() const override { return header_; }
  absl::StatusOr<Detector> detector() const override { return detector_; }
  absl::StatusOr<Truth> truth() const override { return Truth{}; }
  std::string place_of(std::int64_t frame) const override {
    return absl::StrCat("\"", file_.shown(), "\" (frame ", frame, ")");
  }

  absl::StatusOr<Block> read(std::int64_t first, std::int64_t count) const override {
    UNFOLD_ASSIGN_OR_RETURN(const auto ones, ones_.lists(first, count));
    UNFOLD_ASSIGN_OR_RETURN(const auto multi, multi_.lists(first, count));
    UNFOLD_ASSIGN_OR_RETURN(const auto counts, counts_.lists(first, count));
    Block out;
    out.first.push_back(0);
    for (std::size_t f = 0; f < ones.size(); ++f) {
      bool good = multi[f].size() == counts[f].size();
      for (const std::int32_t pixel : ones[f]) good = good && add(out, pixel, 1);
      for (std::size_t k = 0; good && k < multi[f].size(); ++k) {
        good = add(out, multi[f][k], counts[f][k]);
      }
      if (!good) {
        return hdf5::bad_object(
            file_.shown(), "place_multi", "BAD_EMC",
            absl::StrCat("frame ", first + static_cast<std::int64_t>(f), " names a pixel beyond ",
                         header_.pixels() - 1, ", a count below 1, or not one count a pixel"),
            "write the file anew");
      }
      out.first.push_back(static_cast<std::int64_t>(out.pixel.size()));
    }
    return out;
  }

 private:
  bool add(Block& block, std::int32_t pixel, std::int32_t count) const {
    if (pixel < 0 || pixel >= header_.pixels() || count < 1) return false;
    block.pixel.push_back(static_cast<std::uint32_t>(pixel));
    block.count.push_back(static_cast<float>(count));
    return true;
  }

  hdf5::File file_;
  hdf5::Dataset ones_;
  hdf5::Dataset multi_;
  hdf5::Dataset counts_;
  Header header_;
  Detector detector_;
};

absl::Status check_pixels(const hdf5::File& file, const Detector& detector) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset dataset, file.dataset("num_pix"));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::int64_t> axes, dataset.read_all<std::int64_t>(4));
  std::int64_t pixels = axes.empty() ? 0 : 1;
  for (const std::int64_t axis : axes) {
    pixels = axis < 1 || axis > (std::int64_t{1} << 28) / pixels ? 0 : pixels * axis;
    if (pixels == 0) break;
  }
  if (pixels == detector.pixels()) return absl::OkStatus();
  return error({.reason = "OTHER_DETECTOR",
                .field = "detector",
                .what = absl::StrCat("cannot read \"", file.shown(), "\""),
                .why = absl::StrCat("its frames have ", pixels, " pixels (num_pix), the detector ",
                                    detector.pixels()),
                .remedy = "give the detector that these photons were counted with"});
}

}  // namespace

absl::StatusOr<bool> is_emc_tree(const hdf5::File& file) {
  for (const char* name : {"num_pix", "place_ones", "place_multi", "count_multi"}) {
    UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of(name));
    if (kind != hdf5::ObjectKind::kDataset) return false;
  }
  return true;
}

absl::StatusOr<std::unique_ptr<PatternSource>> open_emc_tree(const hdf5::File& file,
                                                             const Detector& detector) {
  UNFOLD_RETURN_IF_ERROR(check_pixels(file, detector));
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Dataset ones, file.dataset("place_ones"));
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Dataset multi, file.dataset("place_multi"));
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Dataset counts, file.dataset("count_multi"));
  if (ones.info().shape.size() != 1 || ones.info().shape != multi.info().shape ||
      ones.info().shape != counts.info().shape) {
    return ones.problem("WRONG_SHAPE", "place_ones, place_multi and count_multi are not [N] each");
  }
  Header header;
  header.format = Format::kEmcHdf5;
  header.frames = ones.info().shape[0];
  if (header.frames < 1 || header.frames > kMostFrames) {
    return ones.problem("NO_FRAMES", absl::StrCat("it holds ", header.frames, " frames"),
                        "give a file with patterns");
  }
  header.shape = detector.shape;
  header.photons = header.sparse = true;
  header.stored_bytes = file.size_bytes();
  header.entries = header.stored_bytes / 4;  // not told without reading them: at most
  header.chunk_frames = std::min(kFramesAtOnce, header.frames);
  header.has_mask = header.has_correction = true;
  return std::make_unique<EmcTree>(file, std::move(ones), std::move(multi), std::move(counts),
                                   std::move(header), detector);
}

}  // namespace unfold::spi_data
