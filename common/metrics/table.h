#pragma once

#include <prometheus/family.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unfold::metrics {

/// One label and every value it may have; a value outside the list counts as the last.
struct Dimension {
  std::string label;
  std::vector<std::string> values;
};

using Labels = std::map<std::string, std::string>;

/// All children of one family, made at construction so that each is exported as 0 from the start.
/// Thread safe after construction, without locks.
template <class Metric>
class Table {
 public:
  /// `fixed` labels are the same for every child; `arguments` are the metric's own (buckets).
  template <class... Arguments>
  Table(prometheus::Family<Metric>& family, std::vector<Dimension> dimensions, Labels fixed,
        const Arguments&... arguments)
      : dimensions_(std::move(dimensions)) {
    add(family, fixed, 0, arguments...);
  }

  /// Takes its children out of `family`: they are exported no more, and at() may not be called.
  void remove_from(prometheus::Family<Metric>& family) {
    for (Metric* child : children_) family.Remove(child);
    children_.clear();
  }

  /// The child with these label values, in the order of the dimensions.
  Metric& at(std::initializer_list<std::string_view> values) const {
    std::size_t index = 0;
    auto dimension = dimensions_.begin();
    for (const std::string_view value : values) {
      index = index * dimension->values.size() + position(*dimension, value);
      ++dimension;
    }
    return *children_[index];
  }

 private:
  static std::size_t position(const Dimension& dimension, std::string_view value) {
    for (std::size_t i = 0; i < dimension.values.size(); ++i) {
      if (dimension.values[i] == value) return i;
    }
    return dimension.values.size() - 1;
  }

  template <class... Arguments>
  void add(prometheus::Family<Metric>& family, Labels& labels, std::size_t depth,
           const Arguments&... arguments) {
    if (depth == dimensions_.size()) {
      children_.push_back(&family.Add(labels, arguments...));
      return;
    }
    for (const std::string& value : dimensions_[depth].values) {
      labels[dimensions_[depth].label] = value;
      add(family, labels, depth + 1, arguments...);
    }
  }

  std::vector<Dimension> dimensions_;
  std::vector<Metric*> children_;  // row-major over the dimensions; owned by the family
};

}  // namespace unfold::metrics
