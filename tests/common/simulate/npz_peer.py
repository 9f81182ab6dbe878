"""Does numpy read what was written? Arguments: file.npz."""

import sys

try:
    import numpy as np
except ImportError:
    sys.exit(77)

with np.load(sys.argv[1]) as arrays:
    assert sorted(arrays.files) == ["counts", "cube", "scalar"], arrays.files
    assert arrays["counts"].dtype == np.int64 and arrays["counts"].tolist() == [3, -1, 4]
    cube = arrays["cube"]
    assert cube.dtype == np.float64 and cube.shape == (200, 3, 100)
    assert np.array_equal(cube.ravel(), np.arange(60000) * 0.5)
    assert arrays["scalar"].shape == () and arrays["scalar"] == 2.5
