#pragma once

#include "workers/kernels/extraction/device/schur.h"

namespace unfold::extraction::device {

/// Poles of one fibre that eight lanes of a warp take.
inline constexpr int kOctet = 8;
inline constexpr int kOctets = compute::kWarp / kOctet;  ///< of a warp

struct Octet {
  int fibre;       ///< slot * n_core + core, or -1: none
  int first_pole;  ///< of kOctet in the pole table
};

/// Q = S^(1/2) by poles: Q = sum_j weight_j (I - pole_j (S + pole_j)^-1), a pole per thread. On the
/// way down S + pole = L D L' with two right-hand sides, on the way up its solutions and the band
/// of the inverse (Takahashi). Both need a window of kReach waves, whose pairs lie in shared memory
/// under their waves modulo kReach, so that all loops are unrolled: per wave and direction
/// kReach^2 / 2 pairs. L passes through global memory.
template <int kReach>
struct PoleRoot {
  static constexpr int kThreads = compute::kWarp;
  static constexpr int kPairs = kReach * (kReach + 1) / 2;
  PatchSet patches;
  Layout layout;
  BlockShape shape;
  const double* schur;
  const double* flux;           ///< [slots, n_bin]
  const FibreState* state;      ///< [slots, n_core]
  const double *pole, *weight;  ///< tables for S of scale 1
  const Octet* octets;          ///< [n_octet] a multiple of kOctets
  int n_octet, n_block;
  double* rows;  ///< [n_block, n_wave, kReach + 3, kThreads] scratch
  double* out;   ///< [n_octet, n_wave, n_value] sums over each octet's poles

  /// Doubles of `rows` for one block.
  static Index scratch_size(int n_wave) { return Index{n_wave} * kRow * kThreads; }
  Index blocks() const { return n_block; }
  std::size_t shared_bytes() const {
    return compute::shared_size<double>((kPairs + 2 * kReach) * kThreads) +
           compute::shared_size<double>(layout.n_value() * kStage);
  }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    double* window = block.template shared<double>((kPairs + 2 * kReach) * kThreads);
    double* stage = block.template shared<double>(layout.n_value() * kStage);
    double* scratch = rows + block.index() * shape.n_wave * kRow * kThreads;
    const int n_task = n_octet / kOctets;
    for (int task = static_cast<int>(block.index()); task < n_task; task += n_block) {
      auto lanes = block.template per_thread<Lane>();
      block.each_thread([&](int t) {
        lanes(t) = lane_of(task, t, window, scratch);
        if (lanes(t).schur != nullptr) go_down(lanes(t));
      });
      block.each_thread([&](int lane) {
        for (int i = 0; i < kPairs + 2 * kReach; ++i) window[i * kThreads + lane] = 0;
      });
      for (int w = shape.n_wave - 1; w >= 0; --w) {
        block.each_thread([&](int t) {
          if (lanes(t).schur != nullptr) go_up(lanes(t), w, stage + t);
        });
        block.for_each(kOctets * layout.n_value(), [&](Index i) {
          const int value = static_cast<int>(i) / kOctets, octet = static_cast<int>(i) % kOctets;
          const double* from = stage + value * kStage + octet * kOctet;
          double total = 0;
          for (int j = 0; j < kOctet; ++j) total += from[j];
          out[(Index{task * kOctets + octet} * shape.n_wave + w) * layout.n_value() + value] =
              total;
        });
      }
    }
  }

 private:
  static constexpr int kRow = kReach + 3;      ///< L by column modulo kReach, 1 / D, two sides
  static constexpr int kStage = kThreads + 1;  ///< lanes of a value, and one for the banks

  struct Lane {
    const double* schur;  ///< null: nothing to do
    const double* flux;   ///< of wave 0
    int n_fibre;
    double pole, weight;
    double* pair;   ///< [kPairs] strided by kThreads
    double* sides;  ///< [2, kReach] the same
    double* row;    ///< [n_wave, kRow] the same
  };

  UNFOLD_HD static constexpr int at(int a, int b) {
    return (a < b ? b * (b + 1) / 2 + a : a * (a + 1) / 2 + b) * kThreads;
  }

  UNFOLD_DEVICE Lane lane_of(int task, int lane, double* window, double* scratch) const {
    const Octet octet = octets[task * kOctets + lane / kOctet];
    Lane l{};
    if (octet.fibre < 0) return l;
    const int slot = octet.fibre / shape.n_core, core = octet.fibre % shape.n_core;
    const PatchRange& range = patches.job[slot].range;
    const double scale = state[octet.fibre].scale;
    l.schur = schur + shape.at(slot, core);
    l.flux = flux + Index{slot} * layout.n_bin() + range.core_fibre + core;
    l.n_fibre = range.n_fibre;
    l.pole = pole[octet.first_pole + lane % kOctet] * scale;
    l.weight = weight[octet.first_pole + lane % kOctet] * ::sqrt(scale);
    l.pair = window + lane;
    l.sides = window + kPairs * kThreads + lane;
    l.row = scratch + lane;
    return l;
  }

  UNFOLD_DEVICE double s(const Lane& l, int w, int d) const {
    return w + d < shape.n_wave ? l.schur[Index{d} * shape.n_wave + w] + (d == 0 ? l.pole : 0) : 0;
  }
  UNFOLD_DEVICE void enter_sides(const Lane& l, int wave) const {
    const bool inside = wave < shape.n_wave;
    double* side = l.sides + wave % kReach * kThreads;
    side[0] = inside ? 1 : 0;
    side[kReach * kThreads] = inside ? l.flux[wave * l.n_fibre] : 0;
  }

  UNFOLD_DEVICE void go_down(const Lane& l) const {
    for (int a = 0; a < kReach; ++a) {
      enter_sides(l, a);
      for (int b = a; b < kReach; ++b) l.pair[at(a, b)] = s(l, a, b - a);
    }
    for (int w = 0; w < shape.n_wave; ++w) go_down_a_wave(l, w);
  }

  UNFOLD_DEVICE void go_down_a_wave(const Lane& l, int w) const {
    const int own = w % kReach;
    double* row = l.row + Index{w} * kRow * kThreads;
    const double inverse = 1 / l.pair[at(own, own)];
    const double ones = l.sides[own * kThreads], side = l.sides[(kReach + own) * kThreads];
    row[kReach * kThreads] = inverse;
    row[(kReach + 1) * kThreads] = ones;
    row[(kReach + 2) * kThreads] = side;
    double u[kReach], factor[kReach];
    // The wave that leaves makes room for the one kReach after it.
    UNFOLD_UNROLL
    for (int a = 0; a < kReach; ++a) {
      const int apart = a > own ? a - own : a - own + kReach;
      u[a] = a == own ? s(l, w, kReach) : l.pair[at(a, own)];
      factor[a] = u[a] * inverse;
      row[a * kThreads] = factor[a];
      l.pair[at(a, own)] = s(l, w + apart, kReach - apart);
    }
    enter_sides(l, w + kReach);
    UNFOLD_UNROLL
    for (int b = 0; b < kReach; ++b) {
      l.sides[b * kThreads] -= factor[b] * ones;
      l.sides[(kReach + b) * kThreads] -= factor[b] * side;
      UNFOLD_UNROLL
      for (int a = 0; a <= b; ++a) l.pair[at(a, b)] -= factor[a] * u[b];
    }
  }

  UNFOLD_DEVICE void go_up(const Lane& l, int w, double* stage) const {
    const int own = w % kReach;
    const double* row = l.row + Index{w} * kRow * kThreads;
    double factor[kReach], total[kReach];
    const double inverse = row[kReach * kThreads];
    double ones = row[(kReach + 1) * kThreads] * inverse;
    double side = row[(kReach + 2) * kThreads] * inverse;
    UNFOLD_UNROLL
    for (int a = 0; a < kReach; ++a) {
      factor[a] = row[a * kThreads];
      total[a] = 0;
      ones -= factor[a] * l.sides[a * kThreads];
      side -= factor[a] * l.sides[(kReach + a) * kThreads];
    }
    UNFOLD_UNROLL
    for (int b = 0; b < kReach; ++b) {
      UNFOLD_UNROLL
      for (int a = 0; a <= b; ++a) {
        const double c = l.pair[at(a, b)];
        total[b] += factor[a] * c;
        if (a != b) total[a] += factor[b] * c;
      }
    }
    double diagonal = inverse;
    UNFOLD_UNROLL
    for (int a = 0; a < kReach; ++a) diagonal += factor[a] * total[a];
    l.sides[own * kThreads] = ones;
    l.sides[(kReach + own) * kThreads] = side;
    stage[0] = l.weight * (1 - l.pole * ones);
    stage[kStage] = l.weight * (l.flux[w * l.n_fibre] - l.pole * side);
    stage[2 * kStage] = l.weight * (1 - l.pole * diagonal);
    UNFOLD_UNROLL
    for (int a = 0; a < kReach; ++a) {
      const int apart = a > own ? a - own : a - own + kReach;
      if (apart <= layout.n_diag) stage[(2 + apart) * kStage] = l.weight * l.pole * total[a];
      l.pair[at(a, own)] = -total[a];
    }
    l.pair[at(own, own)] = diagonal;
  }
};

}  // namespace unfold::extraction::device
