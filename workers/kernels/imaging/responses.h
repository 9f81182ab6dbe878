#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/kernels/imaging/operator.h"

namespace unfold::imaging {

/// How response elements are kept. kInteger keeps counts (u8, u16 or u32, the narrowest that fits)
/// and one scale a row: lossless for Monte-Carlo responses. kFp16 has a power-of-two scale for each
/// row. fp64 computes in double; the others multiply in float with sums in double: errors in
/// accuracy.h and docs/numerics.md.
enum class Storage { kFp64, kFp32, kFp16, kInteger };

/// A response kept in memory; immutable. Engines hold it in the response cache. Both keep what one
/// data bin needs together ([D, K] and [T, D, P]): a pass reads the bins that have events, each
/// once, in one stream, and no others.
class FactoredResponse;  ///< I[K, D] cm2: K instrument directions, D kept data bins
class DenseResponse;     ///< R[T, P, D] as stored

/// For kInteger: the values appended are counts, and `scale` holds what one count is worth in each
/// row. Throws std::invalid_argument where a value is negative, not finite or (kInteger) no
/// integer.
class FactoredResponseBuilder {
 public:
  FactoredResponseBuilder(Index directions, Index bins, Storage storage);
  ~FactoredResponseBuilder();
  /// The next rows I[k, :], row-major [n, D]; scale [n] (kInteger) or empty.
  void append(std::span<const double> rows, std::span<const double> scale = {});
  std::shared_ptr<const FactoredResponse> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class DenseResponseBuilder {
 public:
  DenseResponseBuilder(Shape shape, Storage storage);
  ~DenseResponseBuilder();
  /// The next rows R[t, p, :] in (t, p) order, row-major [n, D]; scale [n] (kInteger) or empty.
  void append(std::span<const double> rows, std::span<const double> scale = {});
  std::shared_ptr<const DenseResponse> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::int64_t bytes_of(const FactoredResponse& response);
std::int64_t bytes_of(const DenseResponse& response);
/// sum over d of I[k, d]. [K]
std::vector<double> row_sums(const FactoredResponse& response);

/// No instrument direction: the sky pixel is outside the field of view.
inline constexpr std::uint16_t kOutside = 65535;

/// Where each pointing sees each sky pixel. Several neighbours with weights interpolate between
/// instrument directions; one without weights is DC1's nearest pixel.
struct AttitudeTable {
  Index times = 0;
  Index pointings = 0;
  Index pixels = 0;
  Index neighbours = 1;                ///< 1 or 4
  std::vector<std::uint16_t> lookup;   ///< [V, P, neighbours] direction k, or kOutside
  std::vector<float> weight;           ///< [V, P, neighbours], or empty: 1
  std::vector<double> live_time;       ///< [V] s
  std::vector<std::int32_t> time_bin;  ///< [V], in any order
};

/// An AttitudeTable made ready for passes; immutable.
class Attitude;
/// Throws std::invalid_argument where sizes disagree, a direction is >= `directions` (and not
/// kOutside), a time bin is out of range, or a time or weight is negative or not finite.
std::shared_ptr<const Attitude> make_attitude(AttitudeTable table, Index directions);
std::int64_t bytes_of(const Attitude& attitude);

/// R[t,p,d] = solid_angle[p] * sum over v in t of live_time[v] * sum_j weight * I[k(v,p,j), d].
std::unique_ptr<Operator> make_factored_operator(std::shared_ptr<const FactoredResponse> response,
                                                 std::shared_ptr<const Attitude> attitude,
                                                 std::vector<double> solid_angle,
                                                 compute::Cpu& cpu);
std::unique_ptr<Operator> make_dense_operator(std::shared_ptr<const DenseResponse> response,
                                              compute::Cpu& cpu);

}  // namespace unfold::imaging
