#pragma once

#include <memory>
#include <optional>
#include <span>

#include "workers/cuda/imaging_operator.h"
#include "workers/kernels/imaging/column_pieces.h"

namespace unfold::cuda {

/// A count is above what the response was begun with: begin again with this.
struct WiderElement {
  imaging::Element element;
};

/// As imaging::DenseResponseBuilder, but the response goes to a GPU while it is read: host memory
/// holds a piece packed and a piece pinned, of half kUploadBytes each (or 16 columns, where these
/// are more).
class DenseUpload {
 public:
  static constexpr imaging::Index kUploadBytes = imaging::Index{64} << 20;

  /// `element`: as imaging::element_of(storage), or what a WiderElement said.
  DenseUpload(const Gpu& gpu, imaging::Shape shape, imaging::Storage storage,
              imaging::Element element, imaging::Index upload_bytes = kUploadBytes);
  ~DenseUpload();
  DenseUpload(const DenseUpload&) = delete;
  DenseUpload& operator=(const DenseUpload&) = delete;

  /// Throws WiderElement too.
  void append(std::span<const double> rows, std::span<const double> scale = {});
  std::shared_ptr<const GpuResponse> finish();

 private:
  void lay(imaging::Index time, imaging::Index first, const imaging::PackedResponse& piece);

  Gpu gpu_;
  imaging::Element element_;
  imaging::ColumnPieces pieces_;
  void* loading_ = nullptr;
};

}  // namespace unfold::cuda
