#pragma once

#include <cstdint>
#include <string>

namespace unfold {

/// A source of unique names, passed in so that simulations are repeatable. Thread safe.
class IdSource {
 public:
  virtual ~IdSource() = default;
  /// 128 random bits as 32 hexadecimal digits.
  virtual std::string uuid() = 0;
};

class RandomIdSource final : public IdSource {
 public:
  std::string uuid() override;
};

}  // namespace unfold
