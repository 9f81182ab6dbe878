#include "workers/cuda/dense_upload.h"

#include <utility>

#include "workers/cuda/imaging_crossing.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/imaging/element.h"

namespace unfold::cuda {

DenseUpload::DenseUpload(const Gpu& gpu, imaging::Shape shape, imaging::Storage storage,
                         imaging::Element element, imaging::Index upload_bytes)
    : gpu_(gpu),
      element_(element),
      pieces_(shape, storage, upload_bytes / 2,
              [this](imaging::Index time, imaging::Index first,
                     const imaging::PackedResponse& piece) { lay(time, first, piece); }) {
  const ImagingSizes sizes{
      .times = shape.times,
      .columns = shape.pixels,
      .bins = shape.bins,
      .element = static_cast<int>(element),
      .scaled = storage == imaging::Storage::kFp16 || storage == imaging::Storage::kInteger,
      .piece_columns = pieces_.columns()};
  require(gpu.module->imaging.begin_response(gpu.ordinal, &sizes, &loading_));
}

DenseUpload::~DenseUpload() {
  if (loading_ != nullptr) gpu_.module->imaging.release(gpu_.ordinal, loading_);
}

void DenseUpload::append(std::span<const double> rows, std::span<const double> scale) {
  pieces_.append(rows, scale);
}

void DenseUpload::lay(imaging::Index time, imaging::Index first,
                      const imaging::PackedResponse& piece) {
  if (size_of(piece.element) > size_of(element_)) throw WiderElement{piece.element};
  const ImagingResponse crossing = crossing_of(piece);
  require(gpu_.module->imaging.lay_columns(gpu_.ordinal, loading_, time, first, &crossing));
}

std::shared_ptr<const GpuResponse> DenseUpload::finish() {
  pieces_.finish();
  void* handle = nullptr;
  std::size_t bytes = 0;
  require(gpu_.module->imaging.finish_response(gpu_.ordinal, std::exchange(loading_, nullptr),
                                               &handle, &bytes));
  return std::make_shared<const GpuResponse>(gpu_, handle, bytes);
}

}  // namespace unfold::cuda
