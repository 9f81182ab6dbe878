#pragma once

#include "workers/kernels/imaging/device/cut.h"
#include "workers/kernels/imaging/device/residents.h"
#include "workers/kernels/imaging/device/walk_layout.h"
#include "workers/kernels/imaging/operator.h"

/// What a list on a device keeps beside its events.
namespace unfold::imaging {

/// A ListCut on a device.
template <compute::Accelerator D>
class CutOnDevice {
 public:
  CutOnDevice(D& device, const ListCut& host)
      : pieces_(on_device(device, host.pieces)),
        run_(on_device(device, host.run)),
        by_group_(on_device(device, host.by_group)),
        group_begin_(on_device(device, host.group_begin)),
        n_pieces_(static_cast<int>(host.pieces.size())),
        n_runs_(static_cast<int>(host.run.size()) - 1) {}

  CutView view() { return {data_of(pieces_), data_of(run_), n_pieces_, n_runs_}; }
  const std::int32_t* by_group() { return data_of(by_group_); }
  const std::int32_t* group_begin() { return data_of(group_begin_); }

 private:
  compute::Buffer<PieceOf, D> pieces_;
  compute::Buffer<std::int32_t, D> run_, by_group_, group_begin_;
  int n_pieces_, n_runs_;
};

/// What passes of so many lanes write on a device, and host memory for what goes in and comes out.
template <class Real, compute::Accelerator D>
struct WalkWorkspace {
  WalkWorkspace(D& device, const WalkLayout& layout, Shape shape, Index length,
                const ListView& list, Index pieces, Index lanes)
      : runs(runs_for(shape.pixels * lanes)),
        input(device, lanes * (shape.pixels + list.components * list.groups)),
        seen(device, shape.pixels * lanes),
        scratch(device, layout.columns_near ? 0 : runs * 2 * length * lanes),
        back(device, runs * shape.pixels * lanes),
        piece_sums(device, (2 + list.components) * lanes * pieces),
        result(device, lanes * (shape.pixels + 2 + list.components * list.groups)),
        host_input(device, input.size()),
        host_result(device, result.size()) {}

  Index runs;
  compute::Buffer<double, D> input;  ///< images [lanes, P], amplitudes [lanes, A]
  compute::Buffer<Real, D> seen, scratch;
  compute::Buffer<double, D> back, piece_sums;
  compute::Buffer<double, D> result;  ///< back [lanes, P], sums [2 + A, lanes]
  compute::Pinned<double, D> host_input, host_result;
};

}  // namespace unfold::imaging
