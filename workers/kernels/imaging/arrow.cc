#include "workers/kernels/imaging/arrow.h"

#include <cmath>

namespace unfold::imaging {
namespace {

constexpr double kLostPivot = 1e-14;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

std::vector<double> diagonal_of(std::span<const double> a, Index n) {
  std::vector<double> out;
  for (Index i = 0; i < n; ++i) out.push_back(a[at(i * n + i)]);
  return out;
}

/// L D L^T of a small matrix in place (unit L below the diagonal, D on it). D is 0 where the pivot
/// is lost against `before`, the diagonal before any elimination.
void factorise(std::span<double> a, Index n, std::span<const double> before) {
  for (Index j = 0; j < n; ++j) {
    double pivot = a[at(j * n + j)];
    for (Index k = 0; k < j; ++k) {
      pivot -= a[at(j * n + k)] * a[at(j * n + k)] * a[at(k * n + k)];
    }
    a[at(j * n + j)] = pivot > kLostPivot * before[at(j)] ? pivot : 0;
    for (Index i = j + 1; i < n; ++i) {
      double sum = a[at(i * n + j)];
      for (Index k = 0; k < j; ++k) {
        sum -= a[at(i * n + k)] * a[at(j * n + k)] * a[at(k * n + k)];
      }
      a[at(i * n + j)] = a[at(j * n + j)] > 0 ? sum / a[at(j * n + j)] : 0;
    }
  }
}

/// x [n, columns] <- (L D L^T)^-1 x; rows of lost pivots are 0.
void substitute(std::span<const double> a, Index n, std::span<double> x, Index columns) {
  for (Index c = 0; c < columns; ++c) {
    for (Index i = 0; i < n; ++i) {
      for (Index k = 0; k < i; ++k)
        x[at(i * columns + c)] -= a[at(i * n + k)] * x[at(k * columns + c)];
    }
    for (Index i = n - 1; i >= 0; --i) {
      double& value = x[at(i * columns + c)];
      value = a[at(i * n + i)] > 0 ? value / a[at(i * n + i)] : 0;
      for (Index k = i + 1; k < n; ++k) {
        if (a[at(i * n + i)] > 0) value -= a[at(k * n + i)] * x[at(k * columns + c)];
      }
    }
  }
}

}  // namespace

std::vector<double> solve(Arrow arrow) {
  const Index s = arrow.scales, c = arrow.components;
  const std::vector<double> before = diagonal_of(arrow.dense, s);
  std::vector<double> eliminated = arrow.cross;  // block^-1 cross
  std::vector<double> solved = arrow.right_of;   // block^-1 right_of
  for (Index g = 0; g < arrow.blocks; ++g) {
    const auto block = std::span(arrow.block).subspan(at(g * c * c), at(c * c));
    const auto cross = std::span(arrow.cross).subspan(at(g * c * s), at(c * s));
    const auto inner = std::span(eliminated).subspan(at(g * c * s), at(c * s));
    const auto right = std::span(solved).subspan(at(g * c), at(c));
    factorise(block, c, diagonal_of(block, c));
    substitute(block, c, inner, s);
    substitute(block, c, right, 1);
    for (Index i = 0; i < s; ++i) {
      for (Index k = 0; k < c; ++k) {
        arrow.right[at(i)] -= cross[at(k * s + i)] * right[at(k)];
        for (Index j = 0; j < s; ++j) {
          arrow.dense[at(i * s + j)] -= cross[at(k * s + i)] * inner[at(k * s + j)];
        }
      }
    }
  }
  factorise(arrow.dense, s, before);
  substitute(arrow.dense, s, arrow.right, 1);
  std::vector<double> out(at(s + c * arrow.blocks));
  for (Index i = 0; i < s; ++i) out[at(i)] = arrow.right[at(i)];
  for (Index g = 0; g < arrow.blocks; ++g) {
    for (Index k = 0; k < c; ++k) {
      double value = solved[at(g * c + k)];
      for (Index i = 0; i < s; ++i) {
        value -= eliminated[at((g * c + k) * s + i)] * arrow.right[at(i)];
      }
      out[at(s + k * arrow.blocks + g)] = value;
    }
  }
  return out;
}

}  // namespace unfold::imaging
