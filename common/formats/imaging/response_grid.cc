#include "common/formats/imaging/response_grid.h"

#include <algorithm>
#include <limits>
#include <span>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"

namespace unfold::imaging_data {
namespace {

constexpr char kName[] = "ResponseGrid";
constexpr std::int64_t kMaxDirections = 65534;  // a lookup's u16
constexpr std::int64_t kMaxEnergies = 100'000;
constexpr std::uint64_t kMaxRowBytes = std::uint64_t{8} << 30;
constexpr std::uint64_t kMostDigested = std::uint64_t{64} << 20;
constexpr char kNoArea[] = "it holds a value that is no area";

bool is_area(double value) { return value >= 0 && value <= std::numeric_limits<double>::max(); }

absl::Status no_more_rows(const std::string& shown) {
  return error({.code = absl::StatusCode::kOutOfRange,
                .reason = "NO_MORE_ROWS",
                .what = absl::StrCat(shown, " has no more rows")});
}

// Where each element of the file goes: rows of the result and places in them. Counts along instead
// of dividing: there are 6e7 elements in DC1's files of lines.
class Scatter {
 public:
  Scatter(const std::vector<std::int64_t>& shape, bool fortran,
          const std::vector<std::int32_t>& place, std::int64_t bins)
      : fortran_(fortran), place_(place) {
    const std::int64_t zeniths = shape[0];
    const std::int64_t azimuths = shape[1];
    values_.resize(static_cast<std::size_t>(zeniths * azimuths * bins));
    // In the file's order of directions; zenith is slowest in the result.
    for (std::int64_t i = 0; i < zeniths * azimuths; ++i) {
      const std::int64_t row = fortran ? i % zeniths * azimuths + i / zeniths : i;
      row_begin_.push_back(static_cast<std::size_t>(row * bins));
    }
  }

  bool add(std::span<const double> piece) {
    for (const double value : piece) {
      if (!is_area(value)) return false;
      const std::int32_t place = place_[inner_];
      if (place >= 0) values_[row_begin_[row_] + static_cast<std::size_t>(place)] += value;
      advance();
    }
    return true;
  }
  std::vector<double> take() { return std::move(values_); }

 private:
  void advance() {
    std::size_t& fast = fortran_ ? row_ : inner_;
    std::size_t& slow = fortran_ ? inner_ : row_;
    if (++fast < (fortran_ ? row_begin_.size() : place_.size())) return;
    fast = 0;
    ++slow;
  }

  bool fortran_;
  const std::vector<std::int32_t>& place_;
  std::vector<std::size_t> row_begin_;
  std::vector<double> values_;
  std::size_t row_ = 0;
  std::size_t inner_ = 0;
};

// The rows of a file whose directions follow each other.
class RowsInOrder final : public ResponseRows {
 public:
  RowsInOrder(cosi::NpzFile file, cosi::NpzReader reader, std::int64_t rows,
              std::vector<std::int32_t> place, std::size_t bins)
      : file_(std::move(file)),
        reader_(std::move(reader)),
        left_(static_cast<std::size_t>(rows)),
        place_(std::move(place)),
        bins_(bins) {}

  std::int64_t rows_at_once() const override {
    constexpr std::size_t kNumbers = std::size_t{1} << 22;
    return static_cast<std::int64_t>(std::max<std::size_t>(1, kNumbers / place_.size()));
  }

  absl::Status next(std::span<double> rows, std::span<double>) override {
    if (rows.size() / bins_ > left_) return no_more_rows(kName);
    for (; !rows.empty(); rows = rows.subspan(bins_), --left_) {
      const absl::Status status = read_row(rows.first(bins_));
      if (!status.ok()) return with_field(status, "response");
    }
    return absl::OkStatus();
  }

 private:
  absl::Status read_row(std::span<double> row) {
    std::fill(row.begin(), row.end(), 0);
    for (std::size_t first = 0; first < place_.size(); first += piece_.size()) {
      const auto numbers = std::span(piece_).first(std::min(piece_.size(), place_.size() - first));
      UNFOLD_RETURN_IF_ERROR(reader_.next(numbers));
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (!is_area(numbers[i])) return file_.wrong(kName, kNoArea);
        const std::int32_t place = place_[first + i];
        if (place >= 0) row[static_cast<std::size_t>(place)] += numbers[i];
      }
    }
    return absl::OkStatus();
  }

  cosi::NpzFile file_;
  cosi::NpzReader reader_;
  std::size_t left_;
  std::vector<std::int32_t> place_;
  std::size_t bins_;
  std::vector<double> piece_ = std::vector<double>(std::size_t{1} << 15);
};

std::string text_of(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (const std::int64_t length : shape) absl::StrAppend(&out, out.size() > 1 ? ", " : "", length);
  return out + "]";
}

}  // namespace

absl::StatusOr<ResponseGrid> ResponseGrid::open(const NamedFile& file, const Binning& binning,
                                                std::int64_t phi_bins, std::int64_t directions) {
  UNFOLD_ASSIGN_OR_RETURN(cosi::NpzFile npz, cosi::NpzFile::open(file.path, file.shown));
  UNFOLD_ASSIGN_OR_RETURN(const cosi::NpyHeader header, npz.header(kName));
  ResponseGrid out(std::move(npz));
  out.fortran_ = header.fortran;
  out.shape_ = header.shape;
  if (header.kind != 'f') return out.file_.wrong(kName, "it is not of real numbers");
  if (out.shape_.size() == 5) out.shape_.insert(out.shape_.begin() + 4, 1);
  while (out.shape_.size() < 6) out.shape_.push_back(1);
  const bool regular = out.shape_.size() == 6 && out.zeniths() > 0 &&
                       out.azimuths() == 2 * out.zeniths() && out.rows() <= kMaxDirections;
  if (!regular || out.shape_[2] != phi_bins || out.shape_[3] != directions || out.shape_[4] < 1 ||
      out.shape_[5] < 1) {
    return out.file_.wrong(
        kName, absl::StrCat("its shape ", text_of(header.shape), " is not [zenith, azimuth, ",
                            phi_bins, ", ", directions, "] with or without [Ei, Em]"));
  }
  UNFOLD_RETURN_IF_ERROR(out.choose_energy(binning));
  return out;
}

absl::Status ResponseGrid::choose_energy(const Binning& binning) {
  if (!file_.has("e_edges")) {
    if (shape_[5] == 1) return absl::OkStatus();
    return file_.wrong(kName, "it has energies, but \"e_edges\" is missing");
  }
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> edges, file_.read("e_edges", kMaxEnergies));
  if (static_cast<std::int64_t>(edges.size()) != shape_[5] + 1) {
    return file_.wrong("e_edges", absl::StrCat("it needs ", shape_[5] + 1, " numbers"));
  }
  for (energy_ = 0; energy_ < shape_[5]; ++energy_) {
    const auto at = static_cast<std::size_t>(energy_);
    if (edges[at] <= binning.energy_min && binning.energy_max <= edges[at + 1]) {
      return absl::OkStatus();
    }
  }
  return file_.wrong("e_edges", absl::StrCat("no bin holds the window ", binning.energy_min, " .. ",
                                             binning.energy_max, " keV"));
}

absl::StatusOr<std::string> ResponseGrid::digest(const std::vector<std::int32_t>& bins) const {
  UNFOLD_ASSIGN_OR_RETURN(std::string contents, file_.digest(kName, kMostDigested));
  if (contents.empty()) return contents;
  Sha256 digest;
  digest.update(std::as_bytes(std::span(contents)));
  digest.update(std::as_bytes(std::span(bins)));
  digest.update(std::as_bytes(std::span(&energy_, 1)));
  return digest.hex();
}

// For each element behind a direction, in the file's order: its place among `bins`, or -1.
std::vector<std::int32_t> ResponseGrid::places(const std::vector<std::int32_t>& bins) const {
  const std::int64_t cds = shape_[2] * shape_[3];
  std::vector<std::int32_t> place_of(static_cast<std::size_t>(cds), -1);
  for (std::size_t i = 0; i < bins.size(); ++i) {
    place_of[static_cast<std::size_t>(bins[i])] = static_cast<std::int32_t>(i);
  }
  const std::int64_t energies = shape_[4] * shape_[5];
  std::vector<std::int32_t> out(static_cast<std::size_t>(cds * energies), -1);
  for (std::int64_t c = 0; c < cds; ++c) {
    for (std::int64_t e = 0; e < shape_[4]; ++e) {
      const std::int64_t phi = c / shape_[3];
      const std::int64_t f = c % shape_[3];
      const std::int64_t at = fortran_
                                  ? phi + shape_[2] * (f + shape_[3] * (e + shape_[4] * energy_))
                                  : c * energies + e * shape_[5] + energy_;
      out[static_cast<std::size_t>(at)] = place_of[static_cast<std::size_t>(c)];
    }
  }
  return out;
}

absl::StatusOr<std::unique_ptr<ResponseRows>> ResponseGrid::read(
    const std::vector<std::int32_t>& bins) const {
  const auto bytes = static_cast<std::uint64_t>(rows()) * bins.size() * sizeof(double);
  if (bytes > kMaxRowBytes) return file_.wrong(kName, "it does not fit into memory");
  std::vector<std::int32_t> place = places(bins);
  if (!fortran_) {
    UNFOLD_ASSIGN_OR_RETURN(cosi::NpzReader reader, file_.reader(kName));
    return std::make_unique<RowsInOrder>(file_, std::move(reader), rows(), std::move(place),
                                         bins.size());
  }
  Scatter scatter(shape_, fortran_, place, static_cast<std::int64_t>(bins.size()));
  UNFOLD_RETURN_IF_ERROR(file_.stream(kName, [&](std::span<const double> piece) {
    return scatter.add(piece) ? absl::OkStatus() : file_.wrong(kName, kNoArea);
  }));
  return std::make_unique<RowsInMemory>(scatter.take(), kName);
}

absl::Status RowsInMemory::next(std::span<double> rows, std::span<double>) {
  if (rows.size() > values_.size() - at_) return no_more_rows(shown_);
  const auto from = values_.begin() + static_cast<std::ptrdiff_t>(at_);
  std::copy_n(from, rows.size(), rows.begin());
  at_ += rows.size();
  return absl::OkStatus();
}

}  // namespace unfold::imaging_data
