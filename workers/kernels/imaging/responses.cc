#include "workers/kernels/imaging/responses.h"

#include "workers/kernels/imaging/packed_response.h"

namespace unfold::imaging {

struct FactoredResponseBuilder::State {
  ResponsePacker packer;
};

FactoredResponseBuilder::FactoredResponseBuilder(Index directions, Index bins, Storage storage) {
  if (directions > kOutside) throw std::invalid_argument("more than 65535 instrument directions");
  state_ = std::make_unique<State>(State{ResponsePacker(1, directions, bins, storage)});
}
FactoredResponseBuilder::~FactoredResponseBuilder() = default;

void FactoredResponseBuilder::append(std::span<const double> rows, std::span<const double> scale) {
  state_->packer.append(rows, scale);
}

std::shared_ptr<const FactoredResponse> FactoredResponseBuilder::finish() {
  return std::make_shared<const FactoredResponse>(FactoredResponse{state_->packer.finish()});
}

struct DenseResponseBuilder::State {
  ResponsePacker packer;
};

DenseResponseBuilder::DenseResponseBuilder(Shape shape, Storage storage)
    : state_(std::make_unique<State>(
          State{ResponsePacker(shape.times, shape.pixels, shape.bins, storage)})) {}
DenseResponseBuilder::~DenseResponseBuilder() = default;

void DenseResponseBuilder::append(std::span<const double> rows, std::span<const double> scale) {
  state_->packer.append(rows, scale);
}

std::shared_ptr<const DenseResponse> DenseResponseBuilder::finish() {
  return std::make_shared<const DenseResponse>(DenseResponse{state_->packer.finish()});
}

std::int64_t bytes_of(const FactoredResponse& response) {
  return bytes_of(static_cast<const PackedResponse&>(response));
}
std::int64_t bytes_of(const DenseResponse& response) {
  return bytes_of(static_cast<const PackedResponse&>(response));
}
std::vector<double> row_sums(const FactoredResponse& response) { return response.row_sum; }

}  // namespace unfold::imaging
