#include "client/cli/table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/cli/text_width.h"

namespace unfold::cli {
namespace {

constexpr int kGap = 2;
constexpr int kNarrowest = 8;

std::vector<int> natural_widths(const Table& table) {
  std::vector<int> widths;
  for (const Column& column : table.columns) widths.push_back(display_width(column.name));
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(printable(row[i].text)));
    }
  }
  return widths;
}

void shrink(const Table& table, int limit, std::vector<int>& widths) {
  int excess = kGap * (static_cast<int>(widths.size()) - 1) - limit;
  for (const int width : widths) excess += width;
  for (std::size_t i = widths.size(); i-- > 0 && excess > 0;) {
    if (!table.columns[i].shrinks) continue;
    const int cut = std::min(excess, std::max(0, widths[i] - kNarrowest));
    widths[i] -= cut;
    excess -= cut;
  }
}

std::string line(const Table& table, const std::vector<int>& widths,
                 const std::vector<std::string>& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string text = fit_to_width(cells[i], widths[i]);
    const std::string fill(static_cast<std::size_t>(widths[i] - display_width(text)), ' ');
    if (i > 0) out += std::string(kGap, ' ');
    out += table.columns[i].align == Column::Align::kRight ? fill + text : text + fill;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out + "\n";
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

}  // namespace

std::string render_table(const Table& table, int width) {
  std::vector<int> widths = natural_widths(table);
  if (width > 0) shrink(table, width, widths);
  std::vector<std::string> cells;
  for (const Column& column : table.columns) cells.push_back(absl::AsciiStrToUpper(column.name));
  std::string out = line(table, widths, cells);
  for (const auto& row : table.rows) {
    cells.clear();
    for (const Cell& cell : row) cells.push_back(printable(cell.text));
    out += line(table, widths, cells);
  }
  return out;
}

std::string render_csv(const Table& table) {
  std::string out;
  const auto end_of_line = [&] { out.back() = '\n'; };
  for (const Column& column : table.columns) absl::StrAppend(&out, csv_field(column.name), ",");
  end_of_line();
  for (const auto& row : table.rows) {
    for (const Cell& cell : row) absl::StrAppend(&out, csv_field(cell.data), ",");
    end_of_line();
  }
  return out;
}

}  // namespace unfold::cli
