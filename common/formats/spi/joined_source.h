#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// Several files' frames one after another, behind one detector.
class JoinedSource : public PatternSource {
 public:
  struct Part {
    std::string shown;
    std::unique_ptr<PatternSource> source;
  };
  /// At least one. WRONG_FORMAT and OTHER_DETECTOR name the part that differs from the first.
  static absl::StatusOr<std::unique_ptr<PatternSource>> join(std::vector<Part> parts);

  const Header& header() const override { return header_; }
  absl::StatusOr<Detector> detector() const override { return parts_.front().source->detector(); }
  absl::StatusOr<Block> read(std::int64_t first, std::int64_t count) const override;
  absl::StatusOr<Truth> truth() const override;
  std::string place_of(std::int64_t frame) const override;

 private:
  JoinedSource(std::vector<Part> parts, Header header)
      : parts_(std::move(parts)), header_(std::move(header)) {}

  std::vector<Part> parts_;
  Header header_;
};

}  // namespace unfold::spi_data
