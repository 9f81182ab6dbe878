#include "common/formats/spi/source.h"

#include <algorithm>
#include <cmath>

namespace unfold::spi_data {
namespace {

double length(const Detector& detector, std::size_t pixel) {
  const double* q = detector.q.data() + 3 * pixel;
  return std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
}

}  // namespace

double Detector::qmax() const {
  double out = 0;
  for (std::size_t p = 0; p < mask.size(); ++p) {
    if (mask[p] != kBad) out = std::max(out, length(*this, p));
  }
  return out;
}

double Detector::qmin() const {
  double out = qmax();
  for (std::size_t p = 0; p < mask.size(); ++p) {
    if (mask[p] != kBad) out = std::min(out, length(*this, p));
  }
  return out;
}

std::string to_string(Format format) {
  switch (format) {
    case Format::kCspi:
      return "cspi";
    case Format::kEmc:
      return "emc";
    case Format::kEmcHdf5:
      return "emc-hdf5";
    case Format::kCxi:
      return "cxi";
  }
  return "";
}

}  // namespace unfold::spi_data
