"""Independent readers (h5py, struct) of what the single-particle formats write.

spi_peer.py probe        exit 0 where h5py can be imported, else 77
spi_peer.py cspi PATH    checks the patterns that cspi_test.cc writes
spi_peer.py density PATH checks the density that density_file_test.cc writes, two conformations
spi_peer.py twin EMC H5 DETECTOR   writes the photons of a .emc as Dragonfly's HDF5, and contiguous
spi_peer.py dragonfly FOLDER       reads outputs and EMC.log as Dragonfly's autoplot does
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


def check_map(group, start):
    density = group["density"]
    check(density.shape == (5, 5, 5) and density.dtype == np.float64, density.shape)
    check(density[0, 0, 1] == start + 1 and density[1, 0, 0] == start + 25, "z runs fastest")
    check(density.attrs["voxel_A"] == 4 and density.attrs["centre"].tolist() == [2, 2, 2], "centre")
    check(density.attrs["resolution_A"] == 9.5 and np.isinf(density.attrs["intensity_resolution_A"]), "resolution")
    for name, shift in [("autocorrelation", 1000), ("intensity", 2000), ("intensity_weight", 3000),
                        ("half_density_1", 4000), ("half_density_2", 5000), ("reference/density", 6000)]:
        check(group[name][4, 4, 4] == start + shift + 124, name)
    check(group["intensity"].attrs["qmax_invA"] == 0.125, "qmax")
    check(group["support"][()].all() and group["support"].dtype == np.uint8, "support")
    for name in ["fsc", "fsc_corrected", "intensity_fsc", "prtf", "reference/fsc"]:
        check(group[name].shape == (3,) and group[name][0] == 1, name)
    check(group["reference"].attrs["correlation"] == 0.96, "reference")


def check_density(path):
    with h5py.File(path, "r") as f:
        check_map(f, 0)
        check_map(f["conformation_1"], 100000)
        check(f.attrs["verdict"] == "ambiguous" and len(f.attrs["reasons"]) == 2, "verdict")
        check(f.attrs["grid"] == 5 and f.attrs["voxel_A"] == 4 and f.attrs["seed"] == 7, "attributes")
        check(np.allclose(f["shell_q"][()], [0, 0.05, 0.1]), "shells")
        check(f["orientations"].shape == (4, 4) and "q_volume" in f["orientations"].attrs["convention"], "turns")
        for name in ["frame", "fluences", "scores", "gains", "entropy", "conformation", "blacklist", "half"]:
            check(f[name].shape == (4,), name)
        check(f["background"].shape == (3,), "background")
        check(f["history/part"].asstr()[()].tolist() == ["half 1", "all"], "history")
        check(f["history/log_likelihood"][()].tolist() == [-12, -10], "history")


def write_twin(emc, target, detector):
    words = np.fromfile(emc, "<i4")
    frames, pixels, kind = words[:3]
    check(kind == 0 and not words[3:256].any(), "head")
    ones, multi = words[256:256 + frames], words[256 + frames:256 + 2 * frames]
    rest = words[256 + 2 * frames:]
    check(len(rest) == ones.sum() + 2 * multi.sum(), "length")
    lists = {"place_ones": np.split(rest[:ones.sum()], ones.cumsum()[:-1]),
             "place_multi": np.split(rest[ones.sum():ones.sum() + multi.sum()], multi.cumsum()[:-1]),
             "count_multi": np.split(rest[ones.sum() + multi.sum():], multi.cumsum()[:-1])}
    with h5py.File(detector, "r") as f:
        check(f["qx"].shape == (pixels,) and f["detd"][()] == f["ewald_rad"][()] > 0, "detector")
    for path, layout, kind in [(target, {"chunks": (1,), "maxshape": (None,)}, "i4"),
                               (target + ".contiguous", {}, "i8")]:
        with h5py.File(path, "w") as f:
            f["num_pix"] = [pixels]
            for name, values in lists.items():
                made = f.create_dataset(name, (frames,), dtype=h5py.special_dtype(vlen=np.dtype(kind)), **layout)
                for i, value in enumerate(values):
                    made[i] = value.astype(kind)


def check_dragonfly(folder):
    with open(f"{folder}/EMC.log") as f:
        lines = [line.rstrip().split() for line in f.readlines()]
    log = np.array([line for line in lines if len(line) > 0 and line[0].isdigit()])
    check(log.shape == (2, 7), log.shape)
    check(log[:, 0].astype("i4").tolist() == [1, 2] and log[:, 5].astype("i4").tolist() == [420, 3240], "log")
    check(log[:, 6].astype("f8")[0] == 0.04 and log[:, 4].astype("f8")[1] == -1e5, "beta, likelihood")
    for i in range(len(log)):
        with h5py.File(folder + "/output_%.3d.h5" % (i + 1), "r") as f:
            check(f["intens"].shape == (2, 3, 3, 3) and f["intens"][1][0, 0, 0] == i + 1, "intens")
            check(f["orientations"].dtype == np.int32 and f["orientations"][:].tolist() == [3, 1, 4, 1], "turns")
            check(f["occupancies"].shape == (4, 2) and f["scale"][1] == 1.1, "scale")
            check(f["inter_weight"].shape == (2, 3, 3, 3) and f["likelihood"][3] == -4, "weight")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command != "probe":
        {"cspi": check_cspi, "density": check_density, "twin": write_twin, "dragonfly": check_dragonfly}[command](*arguments)
