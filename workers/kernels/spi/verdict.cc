#include "workers/kernels/spi/verdict.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <utility>

namespace unfold::spi {
namespace {

// What runs on frames without structure never reached (docs/numerics-spi.md, "Verdict").
constexpr Index kFirmShells = 5;
constexpr double kFirmErrors = 3;  ///< standard errors above 0
// Sound starts' gains agree to a few parts in a thousand; trapped ones were 7 % below.
constexpr double kTrapped = 0.03, kTrappedErrors = 4;
/// 1 / sqrt 2: of a map's structure as much is the particle's (in power) as is not.
constexpr double kKnownWell = 0.7071;
constexpr double kFewHits = 0.5;
constexpr double kSpreadOut = 0.85;  ///< entropy of a posterior that knows next to nothing

std::string numbered(const char* format, double a, double b = 0) {
  char text[200];
  std::snprintf(text, sizeof text, format, a, b);
  return text;
}

void lower(Judgement& judgement, Verdict to, std::string reason) {
  judgement.verdict = std::max(judgement.verdict, to);
  judgement.reasons.push_back(std::move(reason));
}

void judge_agreement(const Signs& signs, Judgement& out) {
  const auto agreeing = static_cast<double>(signs.agreeing_shells - 1);
  if (signs.agreeing_shells <= kChanceShells) {
    lower(out, Verdict::kFailed,
          numbered("the two halves' maps agree in %.0f shells: no more than two maps of nothing do",
                   agreeing));
  } else if (signs.agreeing_shells <= kFirmShells) {
    lower(out, Verdict::kAmbiguous,
          numbered("the two halves' maps agree in %.0f shells only", agreeing));
  } else if (signs.expected_correlation < kKnownWell) {
    lower(out, Verdict::kAmbiguous,
          numbered("much of what the map shows may be noise: by its halves its structure "
                   "correlates to %.2f with the truth",
                   signs.expected_correlation));
  }
}

void judge_prediction(const Gain& gain, Judgement& out) {
  if (gain.mean > kFirmErrors * gain.error) return;
  lower(out, Verdict::kFailed,
        numbered("one half's map predicts the other's frames no better than their radial mean "
                 "does (%.3g +- %.2g nats a frame)",
                 gain.mean, gain.error));
}

}  // namespace

std::string to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kConverged:
      return "converged";
    case Verdict::kAmbiguous:
      return "ambiguous";
    case Verdict::kFailed:
      return "failed";
  }
  return "";
}

bool predicts(const Signs& signs) {
  return std::all_of(std::begin(signs.held_out), std::end(signs.held_out),
                     [](const Gain& g) { return g.mean > kFirmErrors * g.error; });
}

bool trapped(const Gain& start, const Gain& other) {
  const double behind = other.mean - start.mean;
  return behind > kTrapped * other.mean &&
         behind > kTrappedErrors * std::hypot(start.error, other.error);
}

Judgement judge(const Signs& signs) {
  Judgement out{Verdict::kConverged, {}};
  if (signs.halves) {
    judge_agreement(signs, out);
    for (const Gain& gain : signs.held_out) judge_prediction(gain, out);
  } else {
    lower(out, Verdict::kAmbiguous,
          "no independent halves were made: nothing says that another start "
          "would find the same map");
  }
  if (signs.entropy > kSpreadOut) {
    lower(out, Verdict::kAmbiguous,
          numbered("orientations are hardly determined (%.0f %% of the largest entropy)",
                   100 * signs.entropy));
  }
  if (signs.hits < kFewHits) {
    lower(out, Verdict::kAmbiguous,
          numbered("only %.0f %% of the frames seem to show the particle", 100 * signs.hits));
  }
  if (!signs.finished) {
    lower(out, Verdict::kAmbiguous, "the largest number of generations was reached before the end");
  }
  return out;
}

}  // namespace unfold::spi
