#pragma once

namespace unfold::extraction {

/// Rows of PsfShape::params. Gauss-Hermite coefficients follow at kFirstGh in the order
/// gh_row(i, j), then those of the second core.
enum PsfParameter {
  kSigmaX,
  kSigmaY,         ///< pixels
  kTailAmplitude,  ///< TAILAMP
  kTailCore,       ///< TAILCORE, pixels
  kTailScaleX,     ///< TAILXSCA
  kTailScaleY,     ///< TAILYSCA
  kTailIndex,      ///< TAILINDE
  kCoreRadius,     ///< GHNSIG, in sigma (kGaussHermite2)
  kSigma2X,        ///< GHSIGX2 (kGaussHermite2)
  kSigma2Y,        ///< GHSIGY2 (kGaussHermite2)
  kFirstGh
};

/// Highest supported Gauss-Hermite degree.
inline constexpr int kMaxDegree = 15;

/// Largest supported HSIZEX and HSIZEY.
inline constexpr int kMaxHalfSize = 16;

}  // namespace unfold::extraction
