#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "workers/compute/accelerator.h"
#include "workers/kernels/imaging/device/arrays.h"
#include "workers/kernels/imaging/device/views.h"
#include "workers/kernels/imaging/element.h"

/// What imaging keeps on a device from job to job. Immutable; ready when constructed, and gone with
/// its last byte when destroyed. Throws compute::OutOfMemory where there is no room.
namespace unfold::imaging {

/// Copies `host` to a buffer of its own, and waits for the copy.
template <class T, compute::Accelerator D>
compute::Buffer<T, D> on_device(D& device, std::span<const T> host) {
  compute::Buffer<T, D> out(device, static_cast<Index>(host.size()));
  out.upload(host);
  device.synchronize();
  return out;
}
template <class T, compute::Accelerator D>
compute::Buffer<T, D> on_device(D& device, const std::vector<T>& host) {
  return on_device(device, std::span<const T>(host));
}

/// Its first element, or null where it has none.
template <class T, compute::Accelerator D>
const T* data_of(compute::Buffer<T, D>& buffer) {
  return buffer.size() == 0 ? nullptr : buffer.view(buffer.size()).data;
}

template <compute::Accelerator D>
class ResponseOnDevice {
 public:
  ResponseOnDevice(int ordinal, const ResponseArrays& host)
      : device_(ordinal),
        element_(host.element),
        times_(host.times),
        columns_(host.columns),
        bins_(host.bins),
        first_(std::min(host.first_used, std::max<Index>(host.last_used - 1, 0)) / kRowPad *
               kRowPad),
        length_((std::max(host.last_used, first_ + 1) - first_ + kRowPad - 1) / kRowPad * kRowPad),
        size_(size_of(host.element)),
        rows_(device_, times_ * bins_ * length_ * size_),
        scale_(on_device(device_, host.scale)),
        row_sum_(on_device(device_, host.row_sum)) {
    upload(host);
  }

  /// Of zeros: LoadingResponse fills it.
  ResponseOnDevice(int ordinal, const ResponseSizes& sizes)
      : device_(ordinal),
        element_(sizes.element),
        times_(sizes.times),
        columns_(sizes.columns),
        bins_(sizes.bins),
        first_(0),
        length_((sizes.columns + kRowPad - 1) / kRowPad * kRowPad),
        size_(size_of(sizes.element)),
        rows_(device_, times_ * bins_ * length_ * size_),
        scale_(device_, sizes.scaled ? times_ * columns_ : 0),
        row_sum_(device_, times_ * columns_) {
    device_.clear(rows_.view(rows_.size()).data, rows_.bytes());
    device_.synchronize();
  }

  Element element() const { return element_; }
  Index times() const { return times_; }
  Index columns() const { return columns_; }
  Index bins() const { return bins_; }
  Index length() const { return length_; }
  std::size_t bytes() const { return rows_.bytes() + scale_.bytes() + row_sum_.bytes(); }

  template <class Stored>
  RowsView<Stored> rows() {
    return {reinterpret_cast<const Stored*>(data_of(rows_)),
            times_,
            bins_,
            columns_,
            static_cast<int>(first_),
            static_cast<int>(length_),
            data_of(scale_)};
  }
  const double* row_sum() { return data_of(row_sum_); }

  /// Where LoadingResponse writes: rows [T, D, length], scale and row sums [T, columns].
  struct Places {
    std::byte* rows;
    double *scale, *row_sum;
  };
  Places places() {
    return {rows_.view(rows_.size()).data, scale_.view(scale_.size()).data,
            row_sum_.view(row_sum_.size()).data};
  }

 private:
  /// Rows without their empty columns, a piece at a time.
  void upload(const ResponseArrays& host) {
    constexpr Index kPieceBytes = Index{32} << 20;
    const Index row = length_ * size_, all = times_ * bins_;
    const Index together = std::max<Index>(1, kPieceBytes / row);
    std::byte* to = rows_.view(rows_.size()).data;
    std::vector<std::byte> piece(static_cast<std::size_t>(std::min(together, all) * row));
    for (Index done = 0; done < all; done += together) {
      const Index now = std::min(together, all - done);
      for (Index i = 0; i < now; ++i) {
        std::memcpy(piece.data() + i * row, host.rows + ((done + i) * host.stride + first_) * size_,
                    static_cast<std::size_t>(row));
      }
      device_.copy_in(to + done * row, piece.data(), static_cast<std::size_t>(now * row));
      device_.synchronize();
    }
  }

  D device_;
  Element element_;
  Index times_, columns_, bins_, first_, length_, size_;
  compute::Buffer<std::byte, D> rows_;
  compute::Buffer<double, D> scale_, row_sum_;
};

/// Lookups sorted by one of their two ends within each time bin (views.h).
struct SortedLookups {
  std::vector<std::int32_t> begin{0};
  std::vector<std::uint32_t> entry;
  std::vector<float> weight;
};

/// `key_of` and `other_of` take an entry and its part. In their own order where keys are equal.
template <class KeyOf, class OtherOf>
SortedLookups sort_lookups(const AttitudeArrays& host, Index keys, const KeyOf& key_of,
                           const OtherOf& other_of) {
  const auto at = [](Index i) { return static_cast<std::size_t>(i); };
  SortedLookups out;
  out.begin.resize(at(host.times * keys) + 1);
  out.entry.resize(host.entry.size());
  out.weight.resize(host.weight.size());
  std::vector<std::int32_t> next(at(keys));
  for (Index t = 0; t < host.times; ++t) {
    const auto each = [&](const auto& visit) {
      for (Index i = host.begin[at(t)]; i < host.begin[at(t + 1)]; ++i) {
        const AttitudePart& part = host.part[at(i)];
        for (Index j = part.begin; j < part.end; ++j) visit(j, part, i - host.begin[at(t)]);
      }
    };
    std::int32_t* begin = out.begin.data() + t * keys;
    std::fill(next.begin(), next.end(), 0);
    each([&](Index j, const AttitudePart& part, Index) {
      ++next[at(key_of(host.entry[at(j)], part))];
    });
    std::int32_t sum = begin[0];
    for (Index k = 0; k < keys; ++k) {
      const std::int32_t size = next[at(k)];
      next[at(k)] = sum;
      sum += size;
      begin[k + 1] = sum;
    }
    each([&](Index j, const AttitudePart& part, Index i) {
      const auto to = static_cast<std::size_t>(next[at(key_of(host.entry[at(j)], part))]++);
      out.entry[to] = other_of(host.entry[at(j)]) << 16 | static_cast<std::uint32_t>(i);
      if (!host.weight.empty()) out.weight[to] = host.weight[at(j)];
    });
  }
  return out;
}

template <compute::Accelerator D>
class AttitudeOnDevice {
 public:
  AttitudeOnDevice(int ordinal, const AttitudeArrays& host)
      : device_(ordinal),
        times_(host.times),
        pixels_(host.pixels),
        directions_(host.directions),
        of_direction_(device_, by_direction(host)),
        of_pixel_(device_, by_pixel(host)),
        part_begin_(on_device(device_, part_begin(host))),
        live_time_(on_device(device_, live_time(host))),
        first_pixel_(on_device(device_, first_pixel(host))) {}

  Index times() const { return times_; }
  Index pixels() const { return pixels_; }
  Index directions() const { return directions_; }
  std::size_t bytes() const {
    return of_direction_.bytes() + of_pixel_.bytes() + part_begin_.bytes() + live_time_.bytes() +
           first_pixel_.bytes();
  }
  AttitudeView view() {
    return {of_direction_.view(),
            of_pixel_.view(),
            data_of(part_begin_),
            data_of(live_time_),
            data_of(first_pixel_),
            directions_,
            pixels_};
  }

 private:
  class Lookups {
   public:
    Lookups(D& device, const SortedLookups& host)
        : begin_(on_device(device, host.begin)),
          entry_(on_device(device, host.entry)),
          weight_(on_device(device, host.weight)) {}
    std::size_t bytes() const { return begin_.bytes() + entry_.bytes() + weight_.bytes(); }
    LookupView view() { return {data_of(begin_), data_of(entry_), data_of(weight_)}; }

   private:
    compute::Buffer<std::int32_t, D> begin_;
    compute::Buffer<std::uint32_t, D> entry_;
    compute::Buffer<float, D> weight_;
  };

  static SortedLookups by_direction(const AttitudeArrays& host) {
    return sort_lookups(
        host, host.directions,
        [](std::uint32_t entry, const AttitudePart&) { return static_cast<Index>(entry & 0xffff); },
        [](std::uint32_t entry) { return entry >> 16; });
  }
  static SortedLookups by_pixel(const AttitudeArrays& host) {
    return sort_lookups(
        host, host.pixels,
        [](std::uint32_t entry, const AttitudePart& part) {
          return part.first_pixel + static_cast<Index>(entry >> 16);
        },
        [](std::uint32_t entry) { return entry & 0xffff; });
  }
  static std::vector<std::int32_t> part_begin(const AttitudeArrays& host) {
    return {host.begin.begin(), host.begin.end()};
  }
  static std::vector<double> live_time(const AttitudeArrays& host) {
    std::vector<double> out;
    for (const AttitudePart& part : host.part) out.push_back(part.live_time);
    return out;
  }
  static std::vector<std::int32_t> first_pixel(const AttitudeArrays& host) {
    std::vector<std::int32_t> out;
    for (const AttitudePart& part : host.part) {
      out.push_back(static_cast<std::int32_t>(part.first_pixel));
    }
    return out;
  }

  D device_;
  Index times_, pixels_, directions_;
  Lookups of_direction_, of_pixel_;
  compute::Buffer<std::int32_t, D> part_begin_;
  compute::Buffer<double, D> live_time_;
  compute::Buffer<std::int32_t, D> first_pixel_;
};

}  // namespace unfold::imaging
