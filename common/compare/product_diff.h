#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace unfold::compare {

/// One dataset of two products. `largest` is the largest |a - b| divided by the largest |a| or |b|
/// of the whole dataset; infinite where one side alone is NaN.
struct ProductQuantity {
  std::string name;  ///< "map", "maps/10", "density", ...
  std::int64_t compared = 0;
  double largest = 0;
  double rms = 0;  ///< likewise relative
  double tolerance = 0;
  std::int64_t index = -1;  ///< where the largest is; -1: nowhere
  bool within = true;
};

/// Two files compared. `same` is the verdict: the same layout and datasets, every dataset within
/// the tolerance, and no parameter different but provenance (job, unfold_*, *_sha256, *_path),
/// which is not listed.
struct ProductDifference {
  bool same = true;
  std::vector<std::string> layout;  ///< "maps/10: present / absent", one a line
  std::vector<ProductQuantity> quantities;
  std::vector<std::string> parameters;  ///< "iterations: 50 / 40"
};

/// What is compared of a product: empty datasets are as good as absent.
struct Product {
  std::map<std::string, std::vector<double>> datasets;
  std::vector<std::pair<std::string, std::string>> layout;  ///< name and text, in order
  std::map<std::string, std::variant<std::string, double, std::int64_t>> attributes;
};
ProductDifference diff_products(Product a, Product b, double tolerance);

/// A table for people, and one JSON object for programs (infinite numbers as null).
std::string to_text(const ProductDifference& difference);
std::string to_json(const ProductDifference& difference);

}  // namespace unfold::compare
