#pragma once

#include <span>

namespace unfold::compute {

/// Sums over the ranks of a gang in a fixed order, so that a result does not depend on timing.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Every rank's values become the sum over all ranks. Collective: every rank calls it.
  virtual void sum(std::span<double> values) = 0;
};

/// The gang of one.
class SoloCommunicator final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void sum(std::span<double>) override {}
};

}  // namespace unfold::compute
