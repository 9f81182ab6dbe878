"""What healpy and the shared cases say, as plain binary files that the tests compare with."""

import sys

try:
    import h5py
    import healpy
    import numpy as np
except ImportError:
    sys.exit(77)


def put(folder, name, values, kind):
    np.ascontiguousarray(values, kind).tofile(f"{folder}/{name}")


def healpix(folder, nside):
    pixels = np.arange(12 * nside * nside)
    random = np.random.default_rng(nside)
    polar = np.arccos(random.uniform(-1, 1, 4000))
    azimuth = random.uniform(0, 2 * np.pi, 4000)
    put(folder, "points", np.stack([polar, azimuth], 1), "f8")
    for nested in (False, True):
        kind = "nested" if nested else "ring"
        put(folder, f"centres_{kind}", np.stack(healpy.pix2ang(nside, pixels, nest=nested), 1), "f8")
        put(folder, f"neighbours_{kind}", healpy.get_all_neighbours(nside, pixels, nest=nested).T, "i8")
        put(folder, f"pixels_{kind}", healpy.ang2pix(nside, polar, azimuth, nest=nested), "i8")
        near, weight = healpy.get_interp_weights(nside, polar, azimuth, nest=nested)
        put(folder, f"near_{kind}", near.T, "i8")
        put(folder, f"weight_{kind}", weight.T, "f8")
    put(folder, "ring_of_nested", healpy.nest2ring(nside, pixels), "i8")


def case(folder, path):
    with h5py.File(path) as file:
        put(folder, "axes", file["in/pointing_axes_galactic"][()], "f8")
        put(folder, "lookup", file["in/lookup_k"][()], "u2")
        put(folder, "l_deg", file["in/l_deg"][()], "f8")
        put(folder, "b_deg", file["in/b_deg"][()], "f8")
        put(folder, "solid_angle", file["in/dOmega"][()], "f8")
        put(folder, "step", [file["in"].attrs["pix_deg"], file["in"].attrs["zenith_cut_deg"]], "f8")


if __name__ == "__main__":
    if sys.argv[1] == "healpix":
        healpix(sys.argv[2], int(sys.argv[3]))
    else:
        case(sys.argv[2], sys.argv[3])
