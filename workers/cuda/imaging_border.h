#pragma once

#include <cstddef>
#include <cstdint>

#include "workers/cuda/border.h"

/// What crosses the module's border for imaging (module.h). Arrays are host memory; shapes as in
/// workers/kernels/imaging/device/arrays.h. A `void*` is a handle: one thread at a time uses it,
/// and release() takes it back with every byte. A handle outlives those that were made of it.
namespace unfold::cuda {

struct ImagingResponse {
  std::ptrdiff_t times, columns, bins, stride, first_used, last_used;
  int element;            ///< imaging::Element
  const void* rows;       ///< [times, bins, stride]
  const double* scale;    ///< [times, columns], or null
  const double* row_sum;  ///< [times, columns]
};

/// A response whose rows come in runs of up to `piece_columns` columns.
struct ImagingSizes {
  std::ptrdiff_t times, columns, bins;
  int element;
  bool scaled;
  std::ptrdiff_t piece_columns;
};

struct ImagingPart {
  std::ptrdiff_t begin, end, first_pixel;
  double live_time;
};

struct ImagingAttitude {
  std::ptrdiff_t times, pixels, directions, entries;
  const std::ptrdiff_t* begin;  ///< [times + 1] into part
  const ImagingPart* part;
  const std::uint32_t* entry;  ///< [entries]
  const float* weight;         ///< [entries], or null
};

struct ImagingList {
  std::ptrdiff_t times, events, components, groups;
  const std::ptrdiff_t* begin;  ///< [times + 1]
  const std::int32_t* bin;      ///< [events]
  const std::int32_t* group;    ///< [times], or null where there are no components
  const double* at_events;      ///< [components, events]
};

struct ImagingSubset {
  std::ptrdiff_t first, step;
};

struct ImagingPass {
  ImagingSubset subset;
  std::ptrdiff_t replicates, events, pixels, amplitudes, counts_version;
  double floor;
  const double* counts;     ///< [replicates, events]
  const double* image;      ///< [replicates, pixels]
  const double* amplitude;  ///< [replicates, amplitudes]
  double* back;             ///< [replicates, pixels], overwritten like all below
  double* amplitude_back;   ///< [replicates, amplitudes]
  double* log_model;        ///< [replicates]
  std::ptrdiff_t* impossible;
};

struct ImagingTable {
  /// A resident response or attitude, and the bytes it holds.
  Outcome (*load_response)(int ordinal, const ImagingResponse* host, void** response,
                           std::size_t* bytes);
  /// The same in pieces, each of one time bin, its columns from `first` on, and elements as the
  /// whole or narrower integers. finish_response() takes what is loading, even where it fails.
  Outcome (*begin_response)(int ordinal, const ImagingSizes* sizes, void** loading);
  Outcome (*lay_columns)(int ordinal, void* loading, std::ptrdiff_t time, std::ptrdiff_t first,
                         const ImagingResponse* piece);
  Outcome (*finish_response)(int ordinal, void* loading, void** response, std::size_t* bytes);
  Outcome (*load_attitude)(int ordinal, const ImagingAttitude* host, void** attitude,
                           std::size_t* bytes);
  /// An operator of both; a dense response has no attitude and no solid angles [pixels].
  Outcome (*make_operator)(int ordinal, void* response, void* attitude, const double* solid_angle,
                           std::ptrdiff_t pixels, void** made);
  /// image [pixels], overwritten.
  Outcome (*sensitivity)(int ordinal, void* of_operator, ImagingSubset subset, double* image,
                         std::ptrdiff_t pixels);
  /// An operator at one list of events.
  Outcome (*open_list)(int ordinal, void* of_operator, const ImagingList* host, void** list);
  /// image [pixels], expectation [events]: those of the subset overwritten.
  Outcome (*forward)(int ordinal, void* list, ImagingSubset subset, const double* image,
                     std::ptrdiff_t pixels, double* expectation, std::ptrdiff_t events);
  /// data [events], image [pixels] overwritten.
  Outcome (*back)(int ordinal, void* list, ImagingSubset subset, const double* data,
                  std::ptrdiff_t events, double* image, std::ptrdiff_t pixels);
  Outcome (*pass)(int ordinal, void* list, const ImagingPass* pass);
  Outcome (*release)(int ordinal, void* handle);
  /// Bytes a second, read and written, of a copy of `bytes` / 2 on the device: what rows that are
  /// streamed are measured against.
  Outcome (*copy_rate)(int ordinal, std::size_t bytes, double* rate);
};

}  // namespace unfold::cuda
