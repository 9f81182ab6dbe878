#pragma once

#include <math.h>

#include <cstdint>
#include <stdexcept>
#include <type_traits>

#include "workers/compute/block.h"
#include "workers/kernels/spi/device/best.h"
#include "workers/kernels/spi/device/scored_pixels.h"
#include "workers/kernels/spi/device/slice.h"

/// match_near() of matching.h on a device: a block takes a frame through its own candidates.
namespace unfold::spi {

/// QuickGrid's cells, read by straight lines.
struct QuickReader {
  const std::uint16_t* cells;  ///< upper halves of floats
  int n, side;

  UNFOLD_HD float cell(int place) const {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(cells[place]) << 16);
  }
  UNFOLD_HD float line(int place, float part) const {
    const float first = cell(place);
    return first + part * (cell(place + 1) - first);
  }
  /// As GridReader.
  UNFOLD_HD float operator()(const float* turn, const float* base) const {
    int at[3];
    float part[3];
    for (int d = 0; d < 3; ++d) {
      const float u = base[0] * turn[d] + base[1] * turn[3 + d] + base[2] * turn[6 + d] +
                      static_cast<float>(n / 2 + 1);
      at[d] = static_cast<int>(u);
      part[d] = u - static_cast<float>(at[d]);
    }
    const int plane = side * side, corner = at[0] * plane + at[1] * side + at[2];
    const float a = line(corner, part[2]), b = line(corner + side, part[2]);
    const float c = line(corner + plane, part[2]), d = line(corner + plane + side, part[2]);
    const float low = a + part[1] * (b - a), high = c + part[1] * (d - c);
    return low + part[0] * (high - low);
  }
  UNFOLD_HD float turn_of(const float* rotation, int i) const {
    constexpr double kTurn = 6.283185307179586477;
    return rotation[i] * static_cast<float>(static_cast<double>(n) / kTurn);
  }
};

/// Each of a frame's starts by each turn.
struct NearCandidates {
  const double* start;  ///< [N, starts, 4] quaternions
  const double* turn;   ///< [turns, 4]
  Index starts, turns;

  UNFOLD_HD Index count() const { return starts * turns; }
  /// The matrix [3, 3] of start * turn.
  UNFOLD_HD void matrix(Index frame, Index candidate, float* out) const {
    const double* a = start + 4 * (frame * starts + candidate / turns);
    const double* b = turn + 4 * (candidate % turns);
    double w = a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3];
    double x = a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2];
    double y = a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1];
    double z = a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0];
    const double norm = ::sqrt(w * w + x * x + y * y + z * z);
    w /= norm, x /= norm, y /= norm, z /= norm;
    const double entries[9] = {
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
        2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
    for (int i = 0; i < 9; ++i) out[i] = static_cast<float>(entries[i]);
  }
};

/// What candidates are scored with.
struct NearScore {
  FrameView frames;
  ChoiceView choice;
  const float* position;
  const float* correction;
  const float* background;  ///< null without
  AnyTerm term;
  ExactScore score;
  const FrameSum* sum;
  const double* fluence;  ///< [N] or null
};

/// Scores candidates in Reader's slices. Looking: all of them, and `kept` go into the list. Else:
/// those of the list, again, into `exact`.
template <class Reader, bool kLooking>
struct ScoreNear {
  static constexpr int kThreads = 128;
  Reader reader;
  NearCandidates near;
  NearScore with;
  Index count, kept;
  Key* key;  ///< [N, kMostKept]
  float* exact;

  Index blocks() const { return count; }
  std::size_t shared_bytes() const {
    return compute::shared_size<float>(9) + compute::kReductionBytes;
  }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    float* turn = block.template shared<float>(9);
    const Index frame = block.index();
    Key* list = key + frame * kMostKept;
    const Index tried = kLooking ? near.count() : kept;
    for (Index c = 0; c < tried; ++c) {
      const Index candidate = kLooking ? c : reference_of(list[c]);
      if (candidate < 0) continue;
      const auto score = static_cast<float>(score_of_candidate(block, frame, candidate, turn));
      block.each_thread([&](int t) {
        if (t != 0) return;
        if (kLooking) {
          keep(list, key_of(score, static_cast<std::int32_t>(candidate)), score == score);
        } else {
          exact[frame * kMostKept + c] = score;
        }
      });
    }
  }

 private:
  UNFOLD_DEVICE void keep(Key* list, Key one, bool number) const {
    Index least = 0;
    for (Index i = 1; i < kept; ++i) {
      if (list[i] < list[least]) least = i;
    }
    if (number && one > list[least]) list[least] = one;
  }

  template <class Block>
  UNFOLD_DEVICE double score_of_candidate(Block& block, Index frame, Index candidate,
                                          float* turn) const {
    block.each_thread([&](int t) {
      if (t >= 9) return;
      float matrix[9];
      near.matrix(frame, candidate, matrix);
      turn[t] = reader.turn_of(matrix, t);
    });
    const auto slice = [&](Index p) {
      return reader(turn, with.position + 3 * p) * with.correction[p];
    };
    auto sum = block.template per_thread<double>();
    block.each_thread([&](int t) { sum(t) = 0; });
    block.for_each(with.choice.size, [&](Index p, int t) {
      sum(t) += static_cast<double>(with.term(slice(p), 0, 1).total);
    });
    const double total = block.sum(sum);
    const double phi = with.fluence != nullptr ? with.fluence[frame] : 1;
    const auto factor = static_cast<float>(with.score.profiled ? phi / total : phi);
    block.each_thread([&](int t) { sum(t) = 0; });
    each_value(block, with.frames, with.choice, frame, [&](Index p, float k, int t) {
      if (k == 0) return;
      const float dark = with.background != nullptr ? with.background[p] : 0;
      const float value = with.score.kind == TermKind::kSqrt ? ::sqrtf(k) : k;
      sum(t) +=
          static_cast<double>(value) * static_cast<double>(with.term(slice(p), dark, factor).fit);
    });
    return with.score(block.sum(sum), total, with.sum[frame], phi);
  }
};

template <compute::Accelerator D>
class NearMatching {
 public:
  NearMatching(D& device, const FrameSet<D>& frames, const NearTask& task)
      : device_(device),
        frames_(frames),
        task_(task),
        pixels_(device, frames, task.score),
        cells_(device, task.grid.size),
        quick_(device, task.quick_side * task.quick_side * task.quick_side),
        start_(device, 4 * frames.frames() * task.starts),
        turn_(device, 4 * task.turns),
        key_(device, frames.frames() * kMostKept),
        exact_(device, frames.frames() * kMostKept) {
    if (task.kept > kMostKept || task.top > task.kept) {
      throw std::invalid_argument("more candidates a frame than a device's lists hold");
    }
    upload(cells_, task.grid.cells);
    upload(quick_, task.quick);
    upload(start_, task.start);
    upload(turn_, task.turn);
  }

  void run() {
    const NearCandidates near{data(start_), data(turn_), task_.starts, task_.turns};
    const NearScore with{frames_.view(),       pixels_.choice(),     pixels_.position(),
                         pixels_.correction(), pixels_.background(), pixels_.term(),
                         pixels_.score(),      pixels_.sums(),       pixels_.fluence()};
    const Index n = frames_.frames();
    parallel_for(device_, key_.size(), ClearBest{task_.kept, data(key_), data(exact_)});
    launch(device_, ScoreNear<QuickReader, true>{{data(quick_), static_cast<int>(task_.quick_n),
                                                  static_cast<int>(task_.quick_side)},
                                                 near,
                                                 with,
                                                 n,
                                                 task_.kept,
                                                 data(key_),
                                                 data(exact_)});
    with_reader(task_.grid, data(cells_), [&](const auto& reader) {
      using Reader = std::decay_t<decltype(reader)>;
      launch(device_,
             ScoreNear<Reader, false>{reader, near, with, n, task_.kept, data(key_), data(exact_)});
    });
    const Index all = n * task_.top;
    compute::Buffer<std::int32_t, D> candidate(device_, all);
    compute::Buffer<float, D> score(device_, all);
    parallel_for(device_, n,
                 RankBest{task_.top, data(key_), data(exact_), data(candidate), data(score)});
    candidate.download({task_.candidate, static_cast<std::size_t>(all)});
    score.download({task_.best, static_cast<std::size_t>(all)});
  }

 private:
  template <class T>
  static T* data(compute::Buffer<T, D>& buffer) {
    return buffer.view(buffer.size()).data;
  }
  template <class T>
  static void upload(compute::Buffer<T, D>& to, const T* from) {
    to.upload({from, static_cast<std::size_t>(to.size())});
  }

  D& device_;
  const FrameSet<D>& frames_;
  const NearTask& task_;
  ScoredPixels<D> pixels_;
  compute::Buffer<float, D> cells_;
  compute::Buffer<std::uint16_t, D> quick_;
  compute::Buffer<double, D> start_, turn_;
  compute::Buffer<Key, D> key_;
  compute::Buffer<float, D> exact_;
};

}  // namespace unfold::spi
