#pragma once

#include <string>
#include <vector>

namespace unfold::cli {

struct Column {
  std::string name;  ///< CSV header; a person sees it in capitals
  enum class Align { kLeft, kRight } align = Align::kLeft;
  bool shrinks = false;  ///< the one to cut when the terminal is narrow
};

/// A cell says a thing twice: for people ("3 min") and for programs ("2026-11-20T03:12:45Z").
struct Cell {
  Cell(std::string both) : text(both), data(std::move(both)) {}  // NOLINT: converts by intent
  Cell(const char* both) : text(both), data(both) {}             // NOLINT
  Cell(std::string for_people, std::string for_programs)
      : text(std::move(for_people)), data(std::move(for_programs)) {}
  std::string text;
  std::string data;
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
};

/// Lines with columns two spaces apart. `width` 0: as wide as it needs; otherwise columns that
/// shrink are cut (to no less than 8) until lines fit.
std::string render_table(const Table& table, int width);

/// RFC 4180, with a header line; lines end in "\n".
std::string render_csv(const Table& table);

}  // namespace unfold::cli
