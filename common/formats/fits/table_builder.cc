#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/formats/fits/big_endian.h"
#include "common/formats/fits/table.h"

namespace unfold::fits {
namespace {

template <class T>
std::vector<std::byte> big_endian_bytes(std::span<const T> values) {
  std::vector<std::byte> out(values.size() * sizeof(T));
  store_big(values, out.data());
  return out;
}

}  // namespace

TableBuilder& TableBuilder::push(Pending pending, std::int64_t rows) {
  rows_ = rows;
  pending.column.offset =
      pending_.empty() ? 0 : pending_.back().column.offset + pending_.back().column.width;
  pending_.push_back(std::move(pending));
  return *this;
}

TableBuilder& TableBuilder::add(std::string name, std::span<const double> values,
                                std::string comment, std::string unit) {
  return push({.column = {.name = std::move(name),
                          .type = 'D',
                          .repeat = 1,
                          .offset = 0,
                          .width = sizeof(double),
                          .unit = std::move(unit)},
               .comment = std::move(comment),
               .dim = {},
               .bytes = big_endian_bytes(values)},
              static_cast<std::int64_t>(values.size()));
}

TableBuilder& TableBuilder::add(std::string name, std::span<const std::int32_t> values,
                                std::string comment) {
  return push({.column = {.name = std::move(name),
                          .type = 'J',
                          .repeat = 1,
                          .offset = 0,
                          .width = sizeof(std::int32_t),
                          .unit = {}},
               .comment = std::move(comment),
               .dim = {},
               .bytes = big_endian_bytes(values)},
              static_cast<std::int64_t>(values.size()));
}

TableBuilder& TableBuilder::add(std::string name, std::span<const std::int64_t> values,
                                std::string comment) {
  return push({.column = {.name = std::move(name),
                          .type = 'K',
                          .repeat = 1,
                          .offset = 0,
                          .width = sizeof(std::int64_t),
                          .unit = {}},
               .comment = std::move(comment),
               .dim = {},
               .bytes = big_endian_bytes(values)},
              static_cast<std::int64_t>(values.size()));
}

TableBuilder& TableBuilder::add(std::string name, std::span<const std::string> values,
                                std::string comment) {
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, value.size());
  std::vector<std::byte> bytes(values.size() * width, std::byte{' '});
  for (std::size_t row = 0; row < values.size(); ++row) {
    std::transform(values[row].begin(), values[row].end(), bytes.data() + row * width,
                   [](char c) { return static_cast<std::byte>(c); });
  }
  return push({.column = {.name = std::move(name),
                          .type = 'A',
                          .repeat = static_cast<std::int64_t>(width),
                          .offset = 0,
                          .width = width,
                          .unit = {}},
               .comment = std::move(comment),
               .dim = {},
               .bytes = std::move(bytes)},
              static_cast<std::int64_t>(values.size()));
}

TableBuilder& TableBuilder::add_vector(std::string name, std::span<const double> values,
                                       std::int64_t repeat, std::string dim) {
  return push({.column = {.name = std::move(name),
                          .type = 'D',
                          .repeat = repeat,
                          .offset = 0,
                          .width = static_cast<std::size_t>(repeat) * sizeof(double),
                          .unit = {}},
               .comment = {},
               .dim = std::move(dim),
               .bytes = big_endian_bytes(values)},
              repeat == 0 ? 0 : static_cast<std::int64_t>(values.size()) / repeat);
}

Table TableBuilder::build() const {
  Table out;
  out.rows = rows_;
  for (const Pending& pending : pending_) {
    const Column& column = pending.column;
    out.columns.push_back(column);
    out.row_bytes += column.width;
    const std::size_t i = out.columns.size();
    out.header.set(absl::StrCat("TTYPE", i), column.name, pending.comment);
    out.header.set(absl::StrCat("TFORM", i),
                   column.repeat == 1 ? std::string(1, column.type)
                                      : absl::StrCat(column.repeat, std::string(1, column.type)));
    if (!pending.dim.empty()) out.header.set(absl::StrCat("TDIM", i), pending.dim);
    if (!column.unit.empty()) out.header.set(absl::StrCat("TUNIT", i), column.unit);
  }
  out.header.set("EXTNAME", name_);
  out.data.resize(static_cast<std::size_t>(rows_) * out.row_bytes);
  for (const Pending& pending : pending_) {
    const std::size_t width = pending.column.width;
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows_); ++row) {
      std::copy_n(pending.bytes.data() + row * width, width,
                  out.data.data() + row * out.row_bytes + pending.column.offset);
    }
  }
  return out;
}

}  // namespace unfold::fits
