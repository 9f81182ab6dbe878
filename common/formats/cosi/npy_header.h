#pragma once

#include <string>
#include <string_view>

#include "common/formats/cosi/npz.h"

namespace unfold::cosi {

/// Understands the dictionary at the head of a numpy array, e.g.
/// {'descr': '<f8', 'fortran_order': False, 'shape': (30, 60), }. Returns what is wrong with it,
/// or an empty text. At most 8 axes and 2^40 elements.
std::string parse_npy_header(std::string_view text, NpyHeader& out);

}  // namespace unfold::cosi
