#pragma once

#include "workers/compute/accelerator.h"
#include "workers/compute/block.h"

/// Sums of two terms over each of several sets, in an order that depends on the sizes alone.
namespace unfold::spi {

using compute::Index;
using compute::View;

struct Pair {
  double a, b;
};

/// pieces [sets, kPieces] = parts of the sums; terms(set, i) is a Pair, i < size.
template <class Terms>
struct SumPieces {
  static constexpr int kThreads = 256, kPieces = 256;
  Terms terms;
  Index sets, size;
  Pair* pieces;

  Index blocks() const { return sets * kPieces; }
  std::size_t shared_bytes() const { return compute::kReductionBytes; }
  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    auto a = block.template per_thread<double>();
    auto b = block.template per_thread<double>();
    const Index set = block.index() / kPieces, piece = block.index() % kPieces;
    block.each_thread([&](int thread) {
      a(thread) = 0;
      b(thread) = 0;
      for (Index i = piece * kThreads + thread; i < size; i += kPieces * kThreads) {
        const Pair one = terms(set, i);
        a(thread) += one.a;
        b(thread) += one.b;
      }
    });
    const double sum_a = block.sum(a), sum_b = block.sum(b);
    block.each_thread([&](int thread) {
      if (thread == 0) pieces[block.index()] = {sum_a, sum_b};
    });
  }
};

/// then(set, sums) once for each set.
template <class Then>
struct SumOfPieces {
  static constexpr int kThreads = 256;
  const Pair* pieces;
  Index sets;
  Then then;

  Index blocks() const { return sets; }
  std::size_t shared_bytes() const { return compute::kReductionBytes; }
  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    auto a = block.template per_thread<double>();
    auto b = block.template per_thread<double>();
    block.each_thread([&](int thread) {
      const Pair piece = pieces[block.index() * kThreads + thread];
      a(thread) = piece.a;
      b(thread) = piece.b;
    });
    const double sum_a = block.sum(a), sum_b = block.sum(b);
    block.each_thread([&](int thread) {
      if (thread == 0) then(block.index(), Pair{sum_a, sum_b});
    });
  }
};

/// The sums of `sets` sets, and what is done with them on the device. Queued.
template <compute::Accelerator D>
class SetSums {
 public:
  SetSums(D& device, Index sets)
      : device_(&device), sets_(sets), pieces_(device, sets * SumOfPieces<int>::kThreads) {}

  template <class Terms, class Then>
  void operator()(Index size, const Terms& terms, const Then& then) {
    static_assert(SumPieces<Terms>::kPieces == SumOfPieces<Then>::kThreads);
    Pair* pieces = pieces_.view(pieces_.size()).data;
    launch(*device_, SumPieces<Terms>{terms, sets_, size, pieces});
    launch(*device_, SumOfPieces<Then>{pieces, sets_, then});
  }

 private:
  D* device_;
  Index sets_;
  compute::Buffer<Pair, D> pieces_;
};

}  // namespace unfold::spi
