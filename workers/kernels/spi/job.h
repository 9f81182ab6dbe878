#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workers/kernels/spi/evidence.h"
#include "workers/kernels/spi/final_map.h"
#include "workers/kernels/spi/halves.h"
#include "workers/kernels/spi/reconstruct.h"
#include "workers/kernels/spi/verdict.h"

namespace unfold::spi {

/// One run of a job and what it is made from.
struct Part {
  std::string name;
  PatternSet frames;
  RunOptions options;
  std::unique_ptr<Run> run;
  Index starts = 1;  ///< made so far; only the last one is kept
};

/// What reconstruct() does, in steps that a checkpoint can stand between.
class Job {
 public:
  Job(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
      const Settings& settings, compute::Communicator& communicator, const Hooks& hooks);

  void restore(const Checkpoint& checkpoint);
  Result make();

 private:
  enum : std::size_t { kFirst, kSecond };  ///< halves in parts_; further parts: fewer conformations

  Part part(std::string name, PatternSet frames, int conformations);
  void run_parts();
  void begin(std::size_t part);
  void begin_trapped_half_again();
  void run_all();
  void step(std::size_t part);
  void look();
  Checkpoint checkpoint() const;

  bool halves() const { return settings_.halves; }
  const Estimate& estimate_of(std::size_t part) const { return parts_[part].run->estimate(); }
  const Pairing& pairing();
  bool halves_agree();
  std::size_t better_half() const;

  Estimate final_estimate();
  Estimate from_better_half();
  std::vector<Map> make_maps(const Estimate& estimate);
  std::vector<double> entropies(const Estimate& estimate) const;
  Prediction predict_half(std::size_t made_from, std::size_t half) const;
  void weigh_conformations(Result& result);
  Signs signs_of(const Result& result) const;
  void read_curves(const Result& result, Signs& signs) const;
  void judge_result(Result& result);
  void hold_to_truth(Result& result);

  MatchOptions match_options(const Estimate& estimate) const;
  std::vector<Quaternion> references() const;
  Index grid() const { return settings_.run.grid; }

  compute::Cpu& cpu_;
  const PatternSet& frames_;
  const Detector& detector_;
  Settings settings_;
  compute::Communicator& communicator_;
  const Hooks& hooks_;

  Split split_;
  double unit_ = 1;  ///< photons a unit of the frames' values
  std::vector<Part> parts_;
  std::unique_ptr<Run> all_;  ///< over all frames, after the halves
  std::optional<Pairing> pairing_;
  std::vector<Report> history_;  ///< of the starts that were kept
  Index dropped_ = 0;            ///< generations of those that were not
  double half_resolution_ = 0;
};

/// A map's phased autocorrelation at the scale of its merged one: what slices are cut from.
std::vector<double> model_of(Index grid, const Estimate& estimate, std::size_t conformation);

}  // namespace unfold::spi
