#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/fits/header.h"

namespace unfold::fits {

/// One column of a binary table. Field `repeat` times `type` ('L','X','B','I','J','K','A','E','D',
/// 'C','M','P','Q'), at byte `offset` of each row.
struct Column {
  std::string name;
  char type = 'B';
  std::int64_t repeat = 1;
  std::size_t offset = 0;
  std::size_t width = 0;  ///< bytes in the row
  std::string unit;
};

/// A binary table kept as its bytes on file (big-endian), with its header: it can be looked into,
/// cut by rows, and written again without loss, whatever its column types and units.
struct Table {
  Header header;
  std::vector<Column> columns;
  std::int64_t rows = 0;
  std::size_t row_bytes = 0;
  std::vector<std::byte> data;  ///< rows * row_bytes, then the heap

  const Column* find(std::string_view name) const;
  std::span<const std::byte> heap() const;

  /// Rows [first, first + count); the heap is kept whole. InvalidArgument/WRONG_SHAPE outside.
  absl::StatusOr<Table> slice(std::int64_t first, std::int64_t count) const;

  /// A scalar numeric column's value (B, I, J, K, E, D); row and column must exist.
  double number(const Column& column, std::int64_t row) const;
  std::int64_t integer(const Column& column, std::int64_t row) const;
  /// A character column's value without trailing blanks and NULs.
  std::string text(const Column& column, std::int64_t row) const;
};

/// Builds tables column by column; every column has the same number of rows.
class TableBuilder {
 public:
  explicit TableBuilder(std::string name) : name_(std::move(name)) {}
  TableBuilder& add(std::string name, std::span<const double> values, std::string comment = {},
                    std::string unit = {});
  TableBuilder& add(std::string name, std::span<const std::int32_t> values,
                    std::string comment = {});
  TableBuilder& add(std::string name, std::span<const std::int64_t> values,
                    std::string comment = {});
  /// Blank-padded to the longest value.
  TableBuilder& add(std::string name, std::span<const std::string> values,
                    std::string comment = {});
  /// `repeat` numbers a row; values [rows, repeat]. `dim` is the TDIM text, for example "(4,500)".
  TableBuilder& add_vector(std::string name, std::span<const double> values, std::int64_t repeat,
                           std::string dim = {});
  Table build() const;

 private:
  struct Pending {
    Column column;
    std::string comment;
    std::string dim;
    std::vector<std::byte> bytes;  // column-major: rows * width
  };
  TableBuilder& push(Pending pending, std::int64_t rows);

  std::string name_;
  std::int64_t rows_ = 0;
  std::vector<Pending> pending_;
};

}  // namespace unfold::fits
