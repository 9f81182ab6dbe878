"""Independent readers (h5py, struct) of what the single-particle formats write.

spi_peer.py probe        exit 0 where h5py can be imported, else 77
spi_peer.py cspi PATH    checks the patterns that cspi_test.cc writes
"""
import sys

try:
    import h5py
    import numpy as np
except ImportError:
    sys.exit(77)


def check(condition, what):
    if not condition:
        sys.exit(f"not as expected: {what}")


def check_cspi(path):
    with h5py.File(path, "r") as f:
        photons = f["photons"][()]
        check(photons.shape == (5, 1, 4, 6) and photons.dtype == np.uint16, photons.shape)
        frame, pixel = np.mgrid[0:5, 0:24]
        wanted = (frame + pixel) % 5
        check((photons.reshape(5, 24) == np.where(wanted % 2 == 0, wanted, 0)).all(), "photons")
        q = f["pixel_position_reciprocal"][()]
        check(q.shape == (3, 1, 4, 6) and f["pixel_position_reciprocal"].attrs["unit"] == "1/m", q.shape)
        ewald = np.linalg.norm(q[:, 0] + np.array([0, 0, 5e9])[:, None, None], axis=0)
        check(abs(ewald / 5e9 - 1).max() < 1e-12, "the Ewald sphere of 2 Angstrom")
        check(q[0, 0, 3, 0] > 0 > q[0, 0, 0, 0] and q[1, 0, 0, 5] > 0, "rows along x, columns along y")
        check(f["pixel_index_map"][0, 3, 5].tolist() == [3, 5], "index map")
        check(f["orientations"].shape == (5, 1, 4), "orientations")
        check(f["fluences"][4] == 1.4 and f["non_hit"][1] == 1 and f["conformation"][3] == 1, "truth")
        check(set(np.unique(f["mask"][()])) == {0}, "mask")
        check(0 < f["solid_angle"][()].min() and f["solid_angle"][()].max() == 1, "correction")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command != "probe":
        {"cspi": check_cspi}[command](*arguments)
