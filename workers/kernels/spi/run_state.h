#pragma once

#include <memory>
#include <optional>

#include "workers/kernels/spi/merging.h"
#include "workers/kernels/spi/phasing.h"
#include "workers/kernels/spi/run.h"
#include "workers/kernels/spi/schedule.h"
#include "workers/kernels/spi/search.h"

namespace unfold::spi {

/// Random numbers by which frames are dealt to conformations.
inline constexpr std::uint64_t kConformationStream = 0x636f6e66;

/// A frame's place in the next merge: what a search left of the candidates.
struct Placement {
  Candidates candidates;
  std::vector<Quaternion> references;  ///< that candidates.reference indexes; empty: none
  std::vector<float> weight;           ///< [N, K]
};

struct Run::State {
  State(compute::Cpu& on, const PatternSet& all, const Detector& seen_by, const RunOptions& asked,
        compute::Communicator& among);

  Generation step(const std::function<bool()>& cancelled);
  void save(compute::ArchiveWriter& out) const;
  void restore(compute::ArchiveReader& in);

  // One generation, in this order.
  Placement start() const;
  Placement search(const Rung& rung, Generation& made);
  Placement search_near(const Rung& rung, const MatchOptions& match, Generation& made);
  Placement search_again(const Rung& rung, const MatchOptions& match, Generation& made);
  std::span<const Slicer> maps() const;
  void share_out(Placement& placement) const;
  void fill_empty(Placement& placement, int generation) const;
  void adopt(const Placement& placement, Generation& made);
  void judge_hits(const Candidates& found, Index tried);
  void fit_frames();
  void for_slices(
      const std::function<void(Index, std::span<const float>, std::span<const float>)>& body);
  Merged sum_of(const Placement& placement, std::size_t c,
                const std::function<bool(Index)>& takes) const;
  bool can_judge(const Merged& kept, const Merged& held_out) const;
  void merge(const Placement& placement);
  double phase_all(bool fresh, const std::function<bool()>& cancelled);

  MatchOptions match_options(const Rung& rung) const;
  void look_at_mean(const Rung& rung);

  compute::Cpu& cpu;
  const PatternSet& frames;
  const Detector& detector;
  RunOptions options;
  compute::Communicator& communicator;

  Scale scale;
  std::vector<Rung> rungs;
  std::vector<std::uint8_t> known;            ///< [M^3] amplitudes that are data
  std::vector<std::uint32_t> good;            ///< pixels of class kGood: fluence is told by them
  std::vector<double> good_total;             ///< [N] photons there
  std::vector<Slicer> slicers;                ///< [C]
  std::unique_ptr<MergeDevice> merge_device;  ///< or null
  std::unique_ptr<PhaseDevice> phase_device;  ///< or null
  Merger merger;

  Place place;
  bool given = false;  ///< the first generation starts from orientations handed over
  double moved = 0;
  double mean_qlimit = 0;                  ///< that the next two are of
  std::vector<double> structureless;       ///< [N] best score of a pattern without orientation
  std::vector<std::vector<double>> model;  ///< [C][M^3] phased autocorrelations
  std::vector<Penalties> penalties;        ///< [C] of the merges, by held-out frames; 0: not yet
  Estimate estimate;
  std::vector<Generation> history;
};

}  // namespace unfold::spi
