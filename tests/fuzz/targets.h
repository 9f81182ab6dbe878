#pragma once

#include <cstddef>
#include <span>

namespace unfold::fuzz {

/// What is fuzzed: each reads `bytes` as a file of its kind and must return, whatever they are.
/// A broken promise of the reader (a shape, a NaN it should have refused) aborts.
void scan_file(std::span<const std::byte> bytes);  ///< every HDU of any FITS file
void read_psf_file(std::span<const std::byte> bytes);
void read_preproc_file(std::span<const std::byte> bytes);
void read_imaging_file(std::span<const std::byte> bytes);  ///< HDF5 problem, and map
void read_raw_file(std::span<const std::byte> bytes);      ///< .tra, .ori, .npz, histpy's HDF5
void read_spi_file(std::span<const std::byte> bytes);      ///< photons, detectors, config, PDB, MRC

}  // namespace unfold::fuzz
