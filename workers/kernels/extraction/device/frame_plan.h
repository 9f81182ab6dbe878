#pragma once

#include "workers/kernels/extraction/device/frame_job.h"
#include "workers/kernels/extraction/extraction.h"
#include "workers/kernels/extraction/grid.h"

namespace unfold::extraction {

/// `shape` as it crosses to a device; points into it.
PsfTable table_of(const PsfShape& shape);

/// Where a device puts a frame's spectra; `unconvolved` [n_spec, n_wave] beside them.
FrameSpectra places_in(Spectra& spectra, std::vector<double>& unconvolved);

/// One frame as a device is told it: the tables that a FrameJob points to. The frame itself must
/// outlive it.
class FramePlan {
 public:
  /// Throws std::invalid_argument (see check).
  FramePlan(const PsfShape& shape, const PsfTraces& traces, const FrameView& frame,
            const Options& options);
  FramePlan(const FramePlan&) = delete;
  FramePlan& operator=(const FramePlan&) = delete;

  const FrameJob& job() const { return job_; }
  FrameJob& job() { return job_; }

 private:
  PaddedGrid grid_;
  std::vector<PatchJob> patches_;
  FrameJob job_{};
};

}  // namespace unfold::extraction
