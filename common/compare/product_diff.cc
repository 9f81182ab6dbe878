#include "common/compare/product_diff.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace unfold::compare {
namespace {

using Datasets = std::map<std::string, std::vector<double>>;

bool is_provenance(const std::string& name) {
  return name == "job" || absl::StartsWith(name, "unfold_") || absl::EndsWith(name, "_sha256") ||
         absl::EndsWith(name, "_path");
}

double largest_of(const std::vector<double>& values) {
  double out = 0;
  for (const double value : values) out = std::fmax(out, std::abs(value));  // NaN does not count
  return out;
}

ProductQuantity quantity(const std::string& name, const std::vector<double>& a,
                         const std::vector<double>& b, double tolerance) {
  ProductQuantity out{
      .name = name, .compared = static_cast<std::int64_t>(a.size()), .tolerance = tolerance};
  const double scale = std::max(largest_of(a), largest_of(b));
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double ratio = std::abs(a[i] - b[i]) / scale;
    const double size = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
    squares += size * size;
    if (size <= out.largest) continue;
    out.largest = size;
    out.index = static_cast<std::int64_t>(i);
  }
  if (!a.empty()) out.rms = std::sqrt(squares / static_cast<double>(a.size()));
  out.within = out.largest <= tolerance;
  return out;
}

void compare_text(const std::string& name, const std::string& a, const std::string& b,
                  std::vector<std::string>& lines) {
  if (a != b) lines.push_back(absl::StrFormat("%s: %s / %s", name, a, b));
}

std::string text_of(const std::variant<std::string, double, std::int64_t>& value) {
  if (const std::string* text = std::get_if<std::string>(&value)) return *text;
  if (const double* real = std::get_if<double>(&value)) return absl::StrFormat("%.15g", *real);
  return absl::StrFormat("%d", std::get<std::int64_t>(value));
}

std::map<std::string, std::string> parameters_of(const Product& product) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : product.attributes) {
    if (!is_provenance(name)) out[name] = text_of(value);
  }
  return out;
}

void compare_parameters(const Product& a, const Product& b, ProductDifference& out) {
  const auto left = parameters_of(a);
  const auto right = parameters_of(b);
  std::set<std::string> names;
  for (const auto& [name, value] : left) names.insert(name);
  for (const auto& [name, value] : right) names.insert(name);
  for (const std::string& name : names) {
    const auto l = left.find(name);
    const auto r = right.find(name);
    compare_text(name, l == left.end() ? "absent" : l->second,
                 r == right.end() ? "absent" : r->second, out.parameters);
  }
}

void compare_datasets(const Datasets& left, Datasets right, double tolerance,
                      ProductDifference& out) {
  for (const auto& [name, values] : left) {
    const auto other = right.extract(name);
    if (other.empty()) {
      out.layout.push_back(name + ": present / absent");
    } else if (other.mapped().size() != values.size()) {
      compare_text(name + " numbers", std::to_string(values.size()),
                   std::to_string(other.mapped().size()), out.layout);
    } else {
      out.quantities.push_back(quantity(name, values, other.mapped(), tolerance));
    }
  }
  for (const auto& [name, values] : right) out.layout.push_back(name + ": absent / present");
}

}  // namespace

ProductDifference diff_products(Product a, Product b, double tolerance) {
  ProductDifference out;
  for (Product* product : {&a, &b})
    std::erase_if(product->datasets, [](const auto& entry) { return entry.second.empty(); });
  for (std::size_t i = 0; i < a.layout.size() && i < b.layout.size(); ++i)
    compare_text(a.layout[i].first, a.layout[i].second, b.layout[i].second, out.layout);
  compare_datasets(a.datasets, std::move(b.datasets), tolerance, out);
  compare_parameters(a, b, out);
  out.same = out.layout.empty() && out.parameters.empty() &&
             std::all_of(out.quantities.begin(), out.quantities.end(),
                         [](const ProductQuantity& q) { return q.within; });
  return out;
}

std::string to_text(const ProductDifference& difference) {
  std::string out;
  for (const std::string& line : difference.layout)
    absl::StrAppend(&out, "layout     ", line, "\n");
  for (const std::string& line : difference.parameters) {
    absl::StrAppend(&out, "parameter  ", line, "\n");
  }
  if (!difference.quantities.empty()) {
    absl::StrAppendFormat(&out, "%-26s %9s %11s %11s %10s  %-9s %s\n", "dataset", "compared",
                          "largest", "rms", "tolerance", "at", "");
  }
  for (const ProductQuantity& q : difference.quantities) {
    absl::StrAppendFormat(&out, "%-26s %9d %11.3g %11.3g %10.3g  %-9s %s\n", q.name, q.compared,
                          q.largest, q.rms, q.tolerance,
                          q.index < 0 ? "-" : absl::StrFormat("%d", q.index),
                          q.within ? "ok" : "DIFFERS");
  }
  absl::StrAppend(&out, difference.same ? "same within tolerances\n" : "different\n");
  return out;
}

std::string to_json(const ProductDifference& difference) {
  nlohmann::ordered_json quantities = nlohmann::ordered_json::array();
  for (const ProductQuantity& q : difference.quantities) {
    quantities.push_back({{"name", q.name},
                          {"compared", q.compared},
                          {"largest", q.largest},
                          {"rms", q.rms},
                          {"tolerance", q.tolerance},
                          {"index", q.index},
                          {"within", q.within}});
  }
  const nlohmann::ordered_json out = {{"same", difference.same},
                                      {"layout", difference.layout},
                                      {"quantities", quantities},
                                      {"parameters", difference.parameters}};
  return out.dump();
}

}  // namespace unfold::compare
