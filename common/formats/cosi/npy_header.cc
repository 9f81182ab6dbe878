#include "common/formats/cosi/npy_header.h"

#include <charconv>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/formats/fits/errors.h"

namespace unfold::cosi {
namespace {

constexpr std::size_t kMaxAxes = 8;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;

// What stands after 'key': in the dictionary, without blanks before it.
std::optional<std::string_view> value_of(std::string_view text, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = std::string(1, quote).append(key).append(1, quote);
    std::size_t at = text.find(quoted);
    if (at == std::string_view::npos) continue;
    at = text.find_first_not_of(" ", at + quoted.size());
    if (at == std::string_view::npos || text[at] != ':') return std::nullopt;
    at = text.find_first_not_of(" ", at + 1);
    if (at == std::string_view::npos) return std::nullopt;
    return text.substr(at);
  }
  return std::nullopt;
}

std::string parse_type(std::string_view value, NpyHeader& out) {
  const char quote = value.front();
  const std::size_t end = quote == '\'' || quote == '"' ? value.find(quote, 1) : 0;
  if (end == 0 || end == std::string_view::npos) {
    return "it holds records, not numbers";
  }
  const std::string_view type = value.substr(1, end - 1);
  const std::string named = absl::StrCat("its type \"", fits::printable(type), "\" ");
  if (type == "|O" || type == "O") return named + "is pickled Python objects, which are not read";
  if (type.size() != 3) return named + "is not read (float, integer and bool are)";
  const char order = type[0];
  out.kind = type[1];
  out.item_bytes = type[2] - '0';
  if (order == '>') return named + "is big-endian, which is not read";
  const bool real = out.kind == 'f' && (out.item_bytes == 4 || out.item_bytes == 8);
  const bool integer =
      (out.kind == 'i' || out.kind == 'u') &&
      (out.item_bytes == 1 || out.item_bytes == 2 || out.item_bytes == 4 || out.item_bytes == 8);
  const bool boolean = out.kind == 'b' && out.item_bytes == 1;
  if (!real && !integer && !boolean) return named + "is not read (float, integer and bool are)";
  return "";
}

std::string parse_shape(std::string_view value, NpyHeader& out) {
  const std::size_t end = value.find(')');
  if (value.front() != '(' || end == std::string_view::npos) return "its shape does not parse";
  std::string_view left = value.substr(1, end - 1);
  std::int64_t elements = 1;
  while (true) {
    const std::size_t digit = left.find_first_not_of(" ,");
    if (digit == std::string_view::npos) return "";
    left = left.substr(digit);
    std::int64_t length = -1;
    const auto [stop, problem] = std::from_chars(left.data(), left.data() + left.size(), length);
    if (problem != std::errc() || length < 0) return "its shape does not parse";
    if (out.shape.size() == kMaxAxes) return "it has too many axes";
    if (length > 0 && elements > kMaxElements / length) return "it has too many elements";
    elements *= length;
    out.shape.push_back(length);
    left = left.substr(static_cast<std::size_t>(stop - left.data()));
  }
}

}  // namespace

std::string parse_npy_header(std::string_view text, NpyHeader& out) {
  out = NpyHeader();
  const auto type = value_of(text, "descr");
  const auto order = value_of(text, "fortran_order");
  const auto shape = value_of(text, "shape");
  if (!type || !order || !shape) return "its head does not parse";
  if (order->substr(0, 4) == "True") {
    out.fortran = true;
  } else if (order->substr(0, 5) != "False") {
    return "its head does not parse";
  }
  if (const std::string why = parse_type(*type, out); !why.empty()) return why;
  return parse_shape(*shape, out);
}

}  // namespace unfold::cosi
