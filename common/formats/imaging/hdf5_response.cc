#include "common/formats/imaging/hdf5_response.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/formats/imaging/slabs.h"

namespace unfold::imaging_data {
namespace {

constexpr std::int64_t kMostDigested = std::int64_t{64} << 20;  // bytes as stored
constexpr std::int64_t kMostDirections = 65535;                 // what a lookup can name
constexpr double kMost = std::numeric_limits<double>::max();
constexpr double kMostCount = std::numeric_limits<std::uint32_t>::max();

std::int64_t product(const std::vector<std::int64_t>& axes, std::size_t first, std::size_t last) {
  std::int64_t out = 1;
  for (std::size_t i = first; i < last; ++i) out *= axes[i];
  return out;
}

// The largest box of whole rows that begins at flat row `row` and has at most `most` of them.
hdf5::Slab box_at(const std::vector<std::int64_t>& shape, std::int64_t row, std::int64_t most) {
  const std::size_t leading = shape.size() - 1;
  std::size_t axis = 0;
  while (axis + 1 < leading && (row % product(shape, axis + 1, leading) != 0 ||
                                most < product(shape, axis + 1, leading))) {
    ++axis;
  }
  const std::int64_t stride = product(shape, axis + 1, leading);
  hdf5::Slab out{std::vector<std::int64_t>(shape.size(), 0), shape};
  for (std::size_t i = 0; i <= axis; ++i) {
    out.first[i] = row / product(shape, i + 1, leading) % shape[i];
    out.count[i] = 1;
  }
  out.count[axis] = std::min(most / stride, shape[axis] - out.first[axis]);
  return out;
}

class Rows final : public ResponseRows {
 public:
  explicit Rows(ResponsePlace place) : place_(std::move(place)) {}

  absl::Status next(std::span<double> rows, std::span<double> scale) override {
    const std::int64_t bins = place_.bins();
    const auto count = static_cast<std::int64_t>(rows.size()) / bins;
    if (static_cast<std::int64_t>(rows.size()) % bins != 0 || count > place_.row_count() - next_) {
      return place_.rows.problem("WRONG_SHAPE", "more rows were asked for than it has");
    }
    UNFOLD_RETURN_IF_ERROR(read_rows(rows, count));
    UNFOLD_RETURN_IF_ERROR(check(rows));
    if (place_.scale) UNFOLD_RETURN_IF_ERROR(read_scale(scale, count));
    next_ += count;
    return absl::OkStatus();
  }

 private:
  absl::Status read_rows(std::span<double> rows, std::int64_t count) const {
    const std::vector<std::int64_t>& shape = place_.rows.info().shape;
    for (std::int64_t done = 0; done < count;) {
      const hdf5::Slab box = box_at(shape, next_ + done, count - done);
      const std::int64_t taken = product(box.count, 0, shape.size() - 1);
      const std::int64_t bins = shape.back();
      UNFOLD_RETURN_IF_ERROR(
          place_.rows.read(box, rows.subspan(static_cast<std::size_t>(done * bins),
                                             static_cast<std::size_t>(taken * bins))));
      done += taken;
    }
    return absl::OkStatus();
  }

  absl::Status check(std::span<const double> rows) const {
    const bool whole = place_.scale.has_value();
    const double most = whole ? kMostCount : kMost;
    bool fine = true;
    for (const double value : rows) fine &= value >= 0 && value <= most;
    for (std::size_t i = 0; whole && i < rows.size(); ++i) fine &= std::floor(rows[i]) == rows[i];
    if (fine) return absl::OkStatus();
    const auto bad = std::find_if(rows.begin(), rows.end(), [&](double value) {
      return !(value >= 0 && value <= most) || (whole && std::floor(value) != value);
    });
    return bad_value(place_.rows, next_ * place_.bins() + (bad - rows.begin()), *bad,
                     whole ? "a whole number, 0 or more" : "finite, 0 or more");
  }

  absl::Status read_scale(std::span<double> scale, std::int64_t count) const {
    if (static_cast<std::int64_t>(scale.size()) != count) {
      return place_.scale->problem("WRONG_SHAPE", "another number of scales was asked for");
    }
    UNFOLD_RETURN_IF_ERROR(place_.scale->read(hdf5::Slab{{next_}, {count}}, scale));
    for (std::size_t i = 0; i < scale.size(); ++i) {
      if (scale[i] >= 0 && scale[i] <= kMost) continue;
      return bad_value(*place_.scale, next_ + static_cast<std::int64_t>(i), scale[i],
                       "finite, 0 or more");
    }
    return absl::OkStatus();
  }

  ResponsePlace place_;
  std::int64_t next_ = 0;
};

template <class T>
absl::Status digest_as(const hdf5::Dataset& from, Sha256& digest) {
  const hdf5::DatasetInfo& info = from.info();
  const std::int64_t at_once = rows_at_once(info);
  std::vector<T> rows;
  for (std::int64_t first = 0; first < info.shape[0]; first += at_once) {
    const hdf5::Slab slab = rows_of(info, first, std::min(at_once, info.shape[0] - first));
    rows.resize(static_cast<std::size_t>(product(slab.count, 0, slab.count.size())));
    UNFOLD_RETURN_IF_ERROR(from.read(slab, std::span<T>(rows)));
    digest.update(std::as_bytes(std::span(rows)));
  }
  return absl::OkStatus();
}

absl::Status digest_dataset(const hdf5::Dataset& from, Sha256& digest) {
  const hdf5::DatasetInfo& info = from.info();
  const bool real = info.kind == hdf5::Kind::kFloat;
  const std::string title =
      absl::StrCat(real ? "real " : "whole ", info.element_bytes, " ", info.shape_text(), "\n");
  digest.update(std::as_bytes(std::span(title)));
  if (!real) return digest_as<std::int64_t>(from, digest);
  return info.element_bytes > 4 ? digest_as<double>(from, digest) : digest_as<float>(from, digest);
}

absl::Status check_factored(const hdf5::Dataset& rows) {
  const std::int64_t directions = rows.info().shape[0];
  if (directions > 0 && directions <= kMostDirections && rows.info().shape[1] > 0) {
    return absl::OkStatus();
  }
  return rows.problem("WRONG_SHAPE", absl::StrCat("its shape is ", rows.info().shape_text()),
                      "1 to 65535 directions can be looked up");
}

absl::StatusOr<std::optional<ResponsePlace>> find_factored(const Fields& fields) {
  UNFOLD_ASSIGN_OR_RETURN(const bool dense_too, fields.has("R"));
  UNFOLD_ASSIGN_OR_RETURN(
      auto plain,
      fields.optional_dataset({"instrument_response_cm2", {-1, -1}, "[K, D]", Unit::kArea}));
  if (plain) {
    UNFOLD_RETURN_IF_ERROR(check_factored(*plain));
    return ResponsePlace{ResponseKind::kFactored, *std::move(plain), std::nullopt, dense_too};
  }
  UNFOLD_ASSIGN_OR_RETURN(
      auto counts,
      fields.optional_dataset({"instrument_response_counts", {-1, -1}, "[K, D]", Unit::kCounts}));
  if (!counts) return std::optional<ResponsePlace>();
  UNFOLD_RETURN_IF_ERROR(check_factored(*counts));
  UNFOLD_ASSIGN_OR_RETURN(
      hdf5::Dataset scale,
      fields.dataset({"count_scale_cm2", {counts->info().shape[0]}, "[K]", Unit::kArea}));
  return ResponsePlace{ResponseKind::kFactored, *std::move(counts), std::move(scale), dense_too};
}

}  // namespace

std::int64_t ResponsePlace::row_count() const {
  const std::vector<std::int64_t>& shape = rows.info().shape;
  return product(shape, 0, shape.size() - 1);
}

absl::StatusOr<ResponsePlace> find_response(const Fields& fields) {
  UNFOLD_ASSIGN_OR_RETURN(std::optional<ResponsePlace> factored, find_factored(fields));
  if (factored) return *std::move(factored);
  UNFOLD_ASSIGN_OR_RETURN(const bool dense, fields.has("R"));
  if (!dense) {
    return hdf5::bad_object(
        fields.file().shown(), fields.group().empty() ? "/" : fields.group(), "MISSING_OBJECT",
        "it has no response: instrument_response_cm2, instrument_response_counts or R",
        "name the response's file");
  }
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Dataset rows, fields.file().dataset(fields.path("R")));
  UNFOLD_RETURN_IF_ERROR(check_unit(fields.file(), fields.path("R"), Unit::kExposure));
  const std::size_t rank = rows.info().shape.size();
  if ((rank != 3 && rank != 4) || rows.info().elements() == 0) {
    return rows.problem("WRONG_SHAPE", absl::StrCat("its shape is ", rows.info().shape_text(),
                                                    ", not [T, P, D] or [T, E, P, D]"));
  }
  return ResponsePlace{ResponseKind::kDense, std::move(rows), std::nullopt, false};
}

std::unique_ptr<ResponseRows> response_rows(const ResponsePlace& place) {
  return std::make_unique<Rows>(place);
}

absl::StatusOr<std::string> response_digest(const ResponsePlace& place) {
  const hdf5::DatasetInfo& info = place.rows.info();
  if (info.elements() > kMostDigested / info.element_bytes) return std::string();
  Sha256 digest;
  UNFOLD_RETURN_IF_ERROR(digest_dataset(place.rows, digest));
  if (place.scale) UNFOLD_RETURN_IF_ERROR(digest_dataset(*place.scale, digest));
  return digest.hex();
}

}  // namespace unfold::imaging_data
