#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "workers/compute/view.h"

namespace unfold::spi {

using compute::Index;
using compute::View;

enum class PixelClass : std::uint8_t {
  kGood = 0,
  kMergeOnly = 1,  ///< merged, but not used to find orientations
  kBad = 2,        ///< never looked at
};

/// Where the pixels of a frame lie. q = (s - s0) / wavelength without 2 pi, 1/Angstrom, laboratory
/// frame: the beam runs along +z. Volume-frame position of a pixel: R(quaternion)^T q.
struct Detector {
  std::vector<double> q;          ///< [P, 3]
  std::vector<float> correction;  ///< [P] solid angle x polarization, largest 1; > 0
  std::vector<PixelClass> mask;   ///< [P]
  double qmax = 0;                ///< 1/Angstrom: the largest |q| of a pixel that is not bad
  /// Pixel [P, 2] of a picture, (row, column), for people; may be empty.
  std::vector<std::int32_t> picture;

  Index pixels() const { return static_cast<Index>(mask.size()); }
};

/// N frames of P pixels: photons or intensities >= 0, dense or as lists of pixels that are not 0.
/// Immutable once filled; bad pixels hold 0.
class PatternSet {
 public:
  /// values [N, P].
  static PatternSet dense(Index frames, Index pixels, std::vector<float> values);
  static PatternSet dense(Index frames, Index pixels, std::vector<std::uint16_t> values);
  /// Frame i's photons: pixel[k] has count[k], k in [first[i], first[i + 1]); first [N + 1].
  static PatternSet sparse(Index pixels, std::vector<Index> first, std::vector<std::uint32_t> pixel,
                           std::vector<float> count);

  Index frames() const { return frames_; }
  Index pixels() const { return pixels_; }
  bool is_sparse() const { return !first_.empty(); }
  std::int64_t bytes() const;

  /// out [count, P] = frames first .. first + count, overwritten.
  void rows(Index first, Index count, View<float, 2> out) const;
  /// The same for frames named one by one.
  void rows(std::span<const Index> frames, View<float, 2> out) const;

  struct Photons {
    std::span<const std::uint32_t> pixel;
    std::span<const float> count;
  };
  /// Sparse sets only.
  Photons photons(Index frame) const;
  /// All of them as they are held, the others empty: counts or values [N, P], or lists.
  struct Held {
    std::span<const std::uint16_t> counts;
    std::span<const float> values;
    std::span<const Index> first;  ///< [N + 1]
    std::span<const std::uint32_t> pixel;
    std::span<const float> count;
  };
  Held held() const { return {counts_, values_, first_, pixel_, count_}; }
  /// Lives as long as a copy of this set does: what is made of it elsewhere may go with it.
  std::weak_ptr<const void> identity() const { return identity_; }
  /// Of a subset (of a subset ...): the set that it was first taken from, and where its frames are
  /// in that. Else nobody's identity and no frames.
  struct Origin {
    std::weak_ptr<const void> identity;
    std::span<const Index> frames;  ///< [N]
  };
  Origin origin() const { return {origin_, taken_}; }

  /// Sum of a frame over the pixels that `chosen` [P] marks with 1.
  double total(Index frame, std::span<const std::uint8_t> chosen) const;

  /// A copy of some frames, in the order given.
  PatternSet subset(std::span<const Index> frames) const;
  /// All frames in sparse form.
  PatternSet to_sparse() const;

 private:
  PatternSet(Index frames, Index pixels)
      : frames_(frames), pixels_(pixels), identity_(std::make_shared<char>()) {}
  void row(Index frame, float* out) const;

  Index frames_ = 0;
  Index pixels_ = 0;
  std::vector<float> values_;
  std::vector<std::uint16_t> counts_;
  std::vector<Index> first_;
  std::vector<std::uint32_t> pixel_;
  std::vector<float> count_;
  std::shared_ptr<const void> identity_;
  std::weak_ptr<const void> origin_;
  std::vector<Index> taken_;  ///< [N] frames of the origin, or empty
};

}  // namespace unfold::spi
