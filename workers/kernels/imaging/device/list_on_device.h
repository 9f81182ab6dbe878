#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "workers/kernels/imaging/device/operator_on_device.h"
#include "workers/kernels/imaging/device/steps.h"
#include "workers/kernels/imaging/device/walk_workspace.h"

namespace unfold::imaging {

/// One list of events and its background on a device, with room for passes over it. Every call
/// returns when its work is done. Sizes have been checked. Not thread safe.
class ListOnAnyDevice {
 public:
  virtual ~ListOnAnyDevice() = default;
  /// As Operator's calls of the same kind.
  virtual void forward(Subset subset, std::span<const double> image,
                       std::span<double> expectation) = 0;
  virtual void back(Subset subset, std::span<const double> data, std::span<double> image) = 0;
  virtual PassResult pass(const Pass& pass) = 0;
};

template <compute::Accelerator D, class Stored>
class ListOnDevice final : public ListOnAnyDevice {
 public:
  using Real = std::conditional_t<std::is_same_v<Stored, double>, double, float>;

  /// `response` outlives this.
  ListOnDevice(OperatorOnDevice<D>& response, const ListArrays& host)
      : device_(response.ordinal()),
        operator_(response),
        shape_(response.shape()),
        begin_(host.begin.begin(), host.begin.end()),
        host_group_(host.group.begin(), host.group.end()),
        bin_(on_device(device_, host.bin)),
        group_(on_device(device_, host.group)),
        at_events_(on_device(device_, host.at_events)),
        counts_(device_, 0) {
    view_ = {data_of(bin_),
             bin_.size(),
             static_cast<int>(host.components),
             static_cast<int>(host.groups),
             data_of(group_),
             data_of(at_events_)};
    for (std::size_t t = 0; t + 1 < begin_.size(); ++t) {
      all_pieces_ += (begin_[t + 1] - begin_[t] + kPieceEvents - 1) / kPieceEvents;
    }
  }

  void forward(Subset subset, std::span<const double> image,
               std::span<double> expectation) override {
    compute::Buffer<double, D> out(device_, bin_.size());
    take_images<1>(image, {}, 1);
    walk<1>(cut_of(subset, 1), ForwardStep{out.view(out.size()).data});
    std::vector<double> all(expectation.size());
    out.download(all);
    for (Index t = subset.first; t < shape_.times; t += subset.step) {
      const auto at = static_cast<std::size_t>(t);
      std::copy(all.begin() + begin_[at], all.begin() + begin_[at + 1],
                expectation.begin() + begin_[at]);
    }
  }

  void back(Subset subset, std::span<const double> data, std::span<double> image) override {
    compute::Buffer<double, D> in = on_device(device_, data);
    CutOnDevice<D>& cut = cut_of(subset, 1);
    walk<1>(cut, BackStep{data_of(in)});
    add_runs<1>(cut);
    WalkWorkspace<Real, D>& space = workspace<1>();
    device_.copy_out(image.data(), data_of(space.result), image.size_bytes());
  }

  PassResult pass(const Pass& pass) override {
    const auto of_each = [&](Index size) {
      return static_cast<std::size_t>(pass.replicates * size);
    };
    PassResult result;
    result.back.resize(of_each(shape_.pixels));
    result.amplitude_back.resize(of_each(amplitudes()));
    result.log_model.resize(of_each(1));
    hold_counts(pass);
    const bool batched = pass.replicates >= kFewestSideBySide;
    for (Index r = 0; r < pass.replicates; r += batched ? kDeviceLanes : 1) {
      batched ? pass_lanes<kDeviceLanes>(pass, r, &result) : pass_lanes<1>(pass, r, &result);
    }
    return result;
  }

 private:
  /// From so many replicates on, they go through the response side by side.
  static constexpr Index kFewestSideBySide = 4;

  Index amplitudes() const { return Index{view_.components} * view_.groups; }

  WalkLayout layout(int lanes) const {
    return walk_layout<Real, Stored>(static_cast<int>(operator_.response().length()), lanes,
                                     view_.components);
  }

  template <int kWide>
  WalkWorkspace<Real, D>& workspace() {
    auto& held = kWide == 1 ? alone_ : side_by_side_;
    if (!held) {
      held.emplace(device_, layout(kWide), shape_, operator_.response().length(), view_,
                   all_pieces_, kWide);
    }
    return *held;
  }

  CutOnDevice<D>& cut_of(Subset subset, Index lanes) {
    const std::array<Index, 3> key = {subset.first, subset.step, lanes};
    const auto found = cuts_.find(key);
    if (found != cuts_.end()) return found->second;
    const ListCut cut =
        cut_list(begin_, host_group_, view_.groups, subset, runs_for(shape_.pixels * lanes));
    return cuts_.try_emplace(key, device_, cut).first->second;
  }

  void hold_counts(const Pass& pass) {
    const auto size = static_cast<Index>(pass.counts.size());
    if (pass.counts_version != 0 && pass.counts_version == version_ && size == counts_.size()) {
      return;
    }
    version_ = 0;
    if (size != counts_.size()) counts_ = compute::Buffer<double, D>(device_, size);
    counts_.upload(pass.counts);
    device_.synchronize();
    version_ = pass.counts_version;
  }

  /// Images [replicates, P] and amplitudes [replicates, A], as columns are to see them.
  template <int kWide>
  void take_images(std::span<const double> image, std::span<const double> amplitude,
                   int replicates) {
    WalkWorkspace<Real, D>& space = workspace<kWide>();
    double* host = space.host_input.span().data();
    std::copy(image.begin(), image.end(), host);
    std::copy(amplitude.begin(), amplitude.end(), host + kWide * shape_.pixels);
    double* const input = space.input.view(space.input.size()).data;
    device_.copy_in(input, host, space.input.bytes());
    parallel_for(device_, shape_.pixels * kWide,
                 SeenImage<Real>{.lanes = kWide,
                                 .replicates = replicates,
                                 .pixels = shape_.pixels,
                                 .image = input,
                                 .factor = operator_.factor(),
                                 .seen = space.seen.view(space.seen.size()).data});
  }

  template <int kWide, class Step>
  void walk(CutOnDevice<D>& cut, const Step& step) {
    WalkWorkspace<Real, D>& space = workspace<kWide>();
    launch(device_, WalkList<Real, Stored, kWide, Step>{
                        .rows = operator_.response().template rows<Stored>(),
                        .attitude = operator_.attitude(),
                        .list = view_,
                        .cut = cut.view(),
                        .layout = layout(kWide),
                        .pixels = shape_.pixels,
                        .image = data_of(space.seen),
                        .scratch = space.scratch.view(space.scratch.size()).data,
                        .back = space.back.view(space.back.size()).data,
                        .step = step});
  }

  template <int kWide>
  void add_runs(CutOnDevice<D>& cut) {
    WalkWorkspace<Real, D>& space = workspace<kWide>();
    launch(device_, AddRuns{.lanes = kWide,
                            .n_runs = cut.view().n_runs,
                            .pixels = shape_.pixels,
                            .back = data_of(space.back),
                            .factor = operator_.factor(),
                            .out = space.result.view(space.result.size()).data});
  }

  template <int kWide>
  void pass_lanes(const Pass& pass, Index first, PassResult* result) {
    const auto replicates = static_cast<int>(std::min<Index>(kWide, pass.replicates - first));
    const auto part = [&](std::span<const double> all, Index size) {
      return all.subspan(static_cast<std::size_t>(first * size),
                         static_cast<std::size_t>(replicates * size));
    };
    CutOnDevice<D>& cut = cut_of(pass.subset, kWide);
    WalkWorkspace<Real, D>& space = workspace<kWide>();
    take_images<kWide>(part(pass.image, shape_.pixels), part(pass.amplitude, amplitudes()),
                       replicates);
    double* const piece_sums = space.piece_sums.view(space.piece_sums.size()).data;
    walk<kWide>(cut,
                PassStep<Real, kWide>{.list = view_,
                                      .replicates = replicates,
                                      .n_pieces = cut.view().n_pieces,
                                      .floor = pass.floor,
                                      .counts = data_of(counts_) + first * bin_.size(),
                                      .amplitude = data_of(space.input) + kWide * shape_.pixels,
                                      .piece_sums = piece_sums});
    add_runs<kWide>(cut);
    launch(device_,
           AddPieces{.lanes = kWide,
                     .components = view_.components,
                     .groups = view_.groups,
                     .n_pieces = cut.view().n_pieces,
                     .piece_sums = piece_sums,
                     .by_group = cut.by_group(),
                     .group_begin = cut.group_begin(),
                     .out = space.result.view(space.result.size()).data + kWide * shape_.pixels});
    device_.copy_out(space.host_result.span().data(), data_of(space.result), space.result.bytes());
    read_lanes<kWide>(first, replicates, result);
  }

  template <int kWide>
  void read_lanes(Index first, int replicates, PassResult* result) {
    const double* back = workspace<kWide>().host_result.span().data();
    const double* sums = back + kWide * shape_.pixels;
    std::copy_n(back, replicates * shape_.pixels, result->back.begin() + first * shape_.pixels);
    for (Index lane = 0; lane < replicates; ++lane) {
      const Index r = first + lane;
      result->log_model[static_cast<std::size_t>(r)] = sums[lane];
      result->impossible += static_cast<Index>(sums[kWide + lane]);
      for (Index a = 0; a < amplitudes(); ++a) {
        result->amplitude_back[static_cast<std::size_t>(r * amplitudes() + a)] =
            sums[(2 + a) * kWide + lane];
      }
    }
  }

  D device_;
  OperatorOnDevice<D>& operator_;
  Shape shape_;
  std::vector<Index> begin_;
  std::vector<std::int32_t> host_group_;
  compute::Buffer<std::int32_t, D> bin_, group_;
  compute::Buffer<double, D> at_events_, counts_;
  Index version_ = 0;  ///< of counts_, or 0: unknown
  ListView view_;
  Index all_pieces_ = 0;
  std::map<std::array<Index, 3>, CutOnDevice<D>> cuts_;  ///< by subset and lanes
  std::optional<WalkWorkspace<Real, D>> alone_, side_by_side_;
};

/// The list for what the response is stored as.
template <compute::Accelerator D>
std::unique_ptr<ListOnAnyDevice> list_on_device(OperatorOnDevice<D>& response,
                                                const ListArrays& host) {
  std::unique_ptr<ListOnAnyDevice> out;
  with_stored(response.response().element(), [&](auto zero) {
    out = std::make_unique<ListOnDevice<D, decltype(zero)>>(response, host);
  });
  return out;
}

}  // namespace unfold::imaging
