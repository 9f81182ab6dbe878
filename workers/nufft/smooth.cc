#include "workers/nufft/smooth.h"

#include <initializer_list>

namespace unfold::nufft {

compute::Index next_smooth(compute::Index n) {
  for (;; ++n) {
    compute::Index rest = n;
    for (const compute::Index prime : {2, 3, 5})
      while (rest % prime == 0) rest /= prime;
    if (rest == 1) return n;
  }
}

}  // namespace unfold::nufft
