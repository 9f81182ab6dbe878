#include "common/formats/fits/table.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/big_endian.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/scan.h"

namespace unfold::fits {
namespace {

constexpr std::int64_t kMaxFields = 999;

absl::Status bad_format(std::int64_t column, std::string_view form) {
  return error({.reason = "BAD_STRUCTURE",
                .what = absl::StrCat("TFORM", column, " is \"", printable(form), "\"")});
}

// Bytes of one element, 0 for an unknown type; bits are counted apart.
std::int64_t element_bytes(char type) {
  switch (type) {
    case 'L':
    case 'B':
    case 'A':
    case 'X':
      return 1;
    case 'I':
      return 2;
    case 'J':
    case 'E':
      return 4;
    case 'K':
    case 'D':
    case 'C':
    case 'P':
      return 8;
    case 'M':
    case 'Q':
      return 16;
    default:
      return 0;
  }
}

// "25A" -> repeat 25, type A; what follows the type (a width, a maximum) is not needed.
absl::StatusOr<Column> parse_form(std::string_view form, std::int64_t index,
                                  std::int64_t row_bytes) {
  Column column;
  const char* end = form.data() + form.size();
  const auto [after, failure] = std::from_chars(form.data(), end, column.repeat);
  if (failure == std::errc::result_out_of_range || after == end) return bad_format(index, form);
  if (failure != std::errc()) column.repeat = 1;
  column.type = *after;
  const std::int64_t bytes = element_bytes(column.type);
  if (bytes == 0 || column.repeat < 0 || column.repeat > row_bytes * 8) {
    return bad_format(index, form);
  }
  column.width = static_cast<std::size_t>(column.type == 'X' ? (column.repeat + 7) / 8
                                                             : column.repeat * bytes);
  return column;
}

std::vector<std::byte> vector_of(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace

absl::StatusOr<std::vector<Column>> parse_columns(const Header& header, std::int64_t row_bytes) {
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t fields, header.integer("TFIELDS"));
  if (fields < 0 || fields > kMaxFields) {
    return error({.reason = "BAD_STRUCTURE", .what = absl::StrCat("TFIELDS is ", fields)});
  }
  std::vector<Column> columns;
  std::size_t offset = 0;
  for (std::int64_t i = 1; i <= fields; ++i) {
    UNFOLD_ASSIGN_OR_RETURN(const std::string form, header.string(absl::StrCat("TFORM", i)));
    UNFOLD_ASSIGN_OR_RETURN(Column column, parse_form(form, i, row_bytes));
    column.name = header.string(absl::StrCat("TTYPE", i)).value_or("");
    column.unit = header.string(absl::StrCat("TUNIT", i)).value_or("");
    column.offset = offset;
    offset += column.width;
    columns.push_back(std::move(column));
  }
  if (offset != static_cast<std::size_t>(row_bytes)) {
    return error(
        {.reason = "BAD_STRUCTURE",
         .what = absl::StrCat("the columns are ", offset, " bytes wide, NAXIS1 is ", row_bytes)});
  }
  return columns;
}

absl::StatusOr<Table> read_table(const LoadedFile& file, const Hdu& hdu) {
  if (hdu.type != HduType::kBinaryTable) {
    return bad_file(file.structure.shown, "WRONG_TYPE",
                    absl::StrCat("HDU ", hdu.name, " is not a binary table"),
                    "check that this is the right file");
  }
  return Table{.header = hdu.header,
               .columns = hdu.columns,
               .rows = hdu.axes[1],
               .row_bytes = static_cast<std::size_t>(hdu.axes[0]),
               .data = vector_of(file.data(hdu))};
}

const Column* Table::find(std::string_view name) const {
  const auto it = std::find_if(columns.begin(), columns.end(),
                               [&](const Column& column) { return column.name == name; });
  return it == columns.end() ? nullptr : &*it;
}

std::span<const std::byte> Table::heap() const {
  return std::span(data).subspan(static_cast<std::size_t>(rows) * row_bytes);
}

absl::StatusOr<Table> Table::slice(std::int64_t first, std::int64_t count) const {
  if (first < 0 || count < 0 || first > rows || count > rows - first) {
    return error({.reason = "WRONG_SHAPE",
                  .what = absl::StrCat("rows ", first, " to ", first + count - 1,
                                       " are asked of a table of ", rows)});
  }
  Table out{
      .header = header, .columns = columns, .rows = count, .row_bytes = row_bytes, .data = {}};
  const std::size_t begin = static_cast<std::size_t>(first) * row_bytes;
  out.data = vector_of(std::span(data).subspan(begin, static_cast<std::size_t>(count) * row_bytes));
  const std::span<const std::byte> kept = heap();
  out.data.insert(out.data.end(), kept.begin(), kept.end());
  // The heap now follows fewer rows, so an explicit place of it no longer holds.
  const std::int64_t gap =
      header.integer("THEAP").value_or(static_cast<std::int64_t>(row_bytes) * rows) -
      static_cast<std::int64_t>(row_bytes) * rows;
  if (header.has("THEAP")) {
    out.header.set("THEAP", static_cast<std::int64_t>(row_bytes) * count + gap);
  }
  return out;
}

double Table::number(const Column& column, std::int64_t row) const {
  const std::byte* at = data.data() + static_cast<std::size_t>(row) * row_bytes + column.offset;
  switch (column.type) {
    case 'E':
      return load_big<float>(at);
    case 'D':
      return load_big<double>(at);
    default:
      return static_cast<double>(integer(column, row));
  }
}

std::int64_t Table::integer(const Column& column, std::int64_t row) const {
  const std::byte* at = data.data() + static_cast<std::size_t>(row) * row_bytes + column.offset;
  switch (column.type) {
    case 'B':
      return load_big<std::uint8_t>(at);
    case 'I':
      return load_big<std::int16_t>(at);
    case 'J':
      return load_big<std::int32_t>(at);
    case 'K':
      return load_big<std::int64_t>(at);
    default:
      return 0;
  }
}

std::string Table::text(const Column& column, std::int64_t row) const {
  const std::byte* at = data.data() + static_cast<std::size_t>(row) * row_bytes + column.offset;
  std::string out(reinterpret_cast<const char*>(at), column.width);
  out.resize(std::min(out.size(), out.find('\0')));
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace unfold::fits
