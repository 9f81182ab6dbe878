#include "workers/engines/imaging/residents.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "common/base/status_macros.h"
#include "workers/cuda/dense_upload.h"

namespace unfold::engine {
namespace {

using imaging_data::Header;
using imaging_data::ResponseKind;

constexpr std::int64_t kNumbersOfAPiece = std::int64_t{1} << 20;

imaging::Storage storage_of(v1::ResponseStorage storage) {
  switch (storage) {
    case v1::RESPONSE_STORAGE_FP32:
      return imaging::Storage::kFp32;
    case v1::RESPONSE_STORAGE_FP16:
      return imaging::Storage::kFp16;
    case v1::RESPONSE_STORAGE_INTEGER:
      return imaging::Storage::kInteger;
    default:
      return imaging::Storage::kFp64;
  }
}

void multiply_rows(std::span<double> rows, std::span<const double> scale) {
  const std::size_t width = rows.size() / scale.size();
  for (std::size_t row = 0; row < scale.size(); ++row) {
    for (double& value : rows.subspan(row * width, width)) value *= scale[row];
  }
}

template <class Builder>
absl::Status fill(Builder& builder, const imaging_data::Source& source, bool as_counts,
                  const LoadStep& step) {
  const Header& header = source.header();
  UNFOLD_ASSIGN_OR_RETURN(const auto reader, source.response());
  const std::int64_t bins = std::max<std::int64_t>(header.bins, 1);
  const std::int64_t most =
      std::clamp<std::int64_t>(kNumbersOfAPiece / bins, 1, reader->rows_at_once());
  std::vector<double> rows;
  std::vector<double> scale;
  for (std::int64_t done = 0; done < header.response_rows;) {
    const std::int64_t now = std::min(most, header.response_rows - done);
    rows.resize(static_cast<std::size_t>(now * header.bins));
    scale.resize(header.integer_counts ? static_cast<std::size_t>(now) : 0);
    UNFOLD_RETURN_IF_ERROR(reader->next(rows, scale));
    if (header.integer_counts && !as_counts) {
      multiply_rows(rows, scale);
      scale.clear();
    }
    builder.append(rows, scale);
    done += now;
    UNFOLD_RETURN_IF_ERROR(step(done, header.response_rows));
  }
  return absl::OkStatus();
}

/// Straight to the GPU, a piece at a time. Counts wider than those before them begin it anew.
absl::StatusOr<std::shared_ptr<const cuda::GpuResponse>> upload_dense(
    const imaging_data::Source& source, const imaging::Shape& shape, v1::ResponseStorage storage,
    const LoadStep& step, const cuda::Gpu& gpu) {
  const bool as_counts = storage == v1::RESPONSE_STORAGE_INTEGER;
  for (imaging::Element element = imaging::element_of(storage_of(storage));;) {
    try {
      cuda::DenseUpload upload(gpu, shape, storage_of(storage), element);
      UNFOLD_RETURN_IF_ERROR(fill(upload, source, as_counts, step));
      return upload.finish();
    } catch (const cuda::WiderElement& wider) {
      element = wider.element;
    }
  }
}

}  // namespace

std::int64_t ResidentImagingResponse::bytes() const {
  if (on_gpu != nullptr) return on_gpu->bytes();
  return factored != nullptr ? bytes_of(*factored) : bytes_of(*dense);
}

std::int64_t ResidentAttitude::bytes() const {
  return on_gpu != nullptr ? on_gpu->bytes() : bytes_of(*attitude);
}

std::int64_t ResidentBackground::bytes() const {
  auto bytes = static_cast<std::int64_t>(background.group.size() * sizeof(std::int32_t) +
                                         sums.size() * sizeof(double));
  for (const auto& component : background.components) bytes += component.bytes();
  return bytes;
}

absl::StatusOr<std::shared_ptr<const residency::Response>> load_response(
    const imaging_data::Source& source, v1::ResponseStorage storage, const LoadStep& step,
    const cuda::Gpu* gpu) {
  const Header& header = source.header();
  const bool as_counts = storage == v1::RESPONSE_STORAGE_INTEGER;
  auto resident = std::make_shared<ResidentImagingResponse>();
  if (header.response == ResponseKind::kFactored) {
    imaging::FactoredResponseBuilder builder(header.response_rows, header.bins,
                                             storage_of(storage));
    UNFOLD_RETURN_IF_ERROR(fill(builder, source, as_counts, step));
    resident->factored = builder.finish();
    if (gpu != nullptr)
      resident->on_gpu = cuda::load_response(*gpu, *std::exchange(resident->factored, {}));
  } else {
    const imaging::Shape shape{header.times, header.sky.pixels() * header.energies, header.bins};
    if (gpu != nullptr) {
      UNFOLD_ASSIGN_OR_RETURN(resident->on_gpu, upload_dense(source, shape, storage, step, *gpu));
      return resident;
    }
    imaging::DenseResponseBuilder builder(shape, storage_of(storage));
    UNFOLD_RETURN_IF_ERROR(fill(builder, source, as_counts, step));
    resident->dense = builder.finish();
  }
  return resident;
}

absl::StatusOr<std::shared_ptr<const residency::Response>> load_attitude(
    const imaging_data::Source& source, const cuda::Gpu* gpu) {
  const Header& header = source.header();
  UNFOLD_ASSIGN_OR_RETURN(imaging_data::Attitude read, source.attitude());
  imaging::AttitudeTable table;
  table.times = header.times;
  table.pointings = static_cast<imaging::Index>(read.live_time.size());
  table.pixels = header.sky.pixels();
  table.neighbours = read.lookup.neighbours;
  table.lookup = std::move(read.lookup.direction);
  table.weight = std::move(read.lookup.weight);
  table.live_time = std::move(read.live_time);
  table.time_bin = std::move(read.time_bin);
  auto resident = std::make_shared<ResidentAttitude>();
  resident->attitude = imaging::make_attitude(std::move(table), header.response_rows);
  if (gpu != nullptr) {
    resident->on_gpu = cuda::load_attitude(*gpu, *std::exchange(resident->attitude, {}));
  }
  return resident;
}

absl::StatusOr<std::shared_ptr<const residency::Response>> load_background(
    const imaging_data::Source& source, const std::vector<std::string>& names) {
  auto resident = std::make_shared<ResidentBackground>();
  UNFOLD_ASSIGN_OR_RETURN(resident->background, source.background(names));
  for (const auto& component : resident->background.components) {
    const std::vector<double> sums = component.sums();
    resident->sums.insert(resident->sums.end(), sums.begin(), sums.end());
  }
  return resident;
}

}  // namespace unfold::engine
