#pragma once

#include <vector>

#include "workers/kernels/spi/patterns.h"

/// Numbers of the data that a run is planned by.
namespace unfold::spi {

/// 0 for none; the upper one of an even number.
double median(std::vector<double> values);
/// Whether the first frames hold whole numbers only.
bool holds_counts(const PatternSet& frames);
/// Median sum of a frame over the pixels that are matched.
double median_total(const PatternSet& frames, const Detector& detector, double qlimit);
/// 1/Angstrom: the smallest |q| of a pixel that is not bad.
double smallest_q(const Detector& detector);

}  // namespace unfold::spi
