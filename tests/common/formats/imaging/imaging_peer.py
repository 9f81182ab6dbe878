"""Independent readers (h5py, astropy, healpy) and a maker of hostile HDF5, for the imaging formats.

imaging_peer.py probe              exit 0 where all of them can be imported, else 77
imaging_peer.py map PATH           checks the map file of map_file_test.cc, two energies
imaging_peer.py histogram PATH     reads `hist` as histpy lays a model out
imaging_peer.py image|cube PATH    looks up directions in a FITS image by its WCS
imaging_peer.py ring|nested PATH   reads a HEALPix table, nside 4
imaging_peer.py hostile FOLDER     writes files that reach outside themselves or lie
"""
import sys
import warnings

try:
    import h5py
    import healpy
    import numpy as np
    from astropy.io import fits
    from astropy.wcs import WCS
except ImportError:
    sys.exit(77)

warnings.simplefilter("error")  # a checksum that does not hold is a warning of astropy's
warnings.filterwarnings("ignore", category=DeprecationWarning)


def check(condition, what):
    if not condition:
        sys.exit(f"not as expected: {what}")


def check_map(path):
    with h5py.File(path, "r") as f:
        check(f["map"].shape == (2, 72), f["map"].shape)
        check(f["map"].attrs["unit"] == "cm-2 s-1 sr-1", "unit")
        check(f["map"][1, 5] == 1005, "map")
        check(f["energy_edges"][()].tolist() == [100, 200, 400], "edges")
        check(sorted(f["maps"], key=int) == ["2", "10"], "maps")
        check(f["background_amplitude"].shape == (3, 2), "amplitude")
        check(f["regions/name"].asstr()[()].tolist() == ["centre", "Crab"], "regions")
        check(f.attrs["algorithm"] == "osem" and f.attrs["iterations"] == 3, "attributes")
        check("regularisation bias" in f["standard_error"].attrs["meaning"], "meaning")
        check(np.isnan(f["standard_error"][0, 3]) and f["on_bound"][0, 3] == 1, "bound")


def check_histogram(path):
    """What histpy's Histogram.open and HealpixAxis do with a group, from its files' layout."""
    with h5py.File(path, "r") as f:
        group = f["hist"]
        check(group.attrs["format"] == "dense", "format")
        check(group.attrs["unit"] == "1 / (s sr cm2)", "unit")
        contents = group["contents"][()]
        axes = [group["axes"][str(i)] for i in range(len(group["axes"]))]
        # Newer histpy takes contents without under- and overflow bins where the sizes say so.
        check(contents.shape == tuple(len(a) - 1 for a in axes), contents.shape)
        check([a.attrs["label"] for a in axes] == ["lb", "Ei"], "labels")
        check(all(type(a.attrs["label"]) is str for a in axes), "str")
        sky, energy = axes
        check(tuple(sky.attrs["__class__"]) == ("histpy.healpix_axis", "HealpixAxis"), "class")
        check(tuple(energy.attrs["__class__"]) == ("histpy.axis", "Axis"), "class")
        check(sky.dtype.kind in "ui" and sky[()].tolist() == list(range(49)), "edges")
        check(sky.attrs["nside"] == 2 and sky.attrs["scheme"] == "RING", "nside")
        check(sky.attrs["coordsys"] == "galactic", "coordsys")
        check(energy.attrs["scale"] == "log" and energy.attrs["unit"] == "keV", "energy")
        p, e = np.mgrid[0:48, 0:2]
        check(np.array_equal(contents, 1000 * e + p), "contents")


def check_image(path, energies):
    with fits.open(path, checksum=True, memmap=False) as f:
        f.verify("exception")
        names = [hdu.name for hdu in f]
        check(names == ["MAP", "EXPOSURE", "STDERR", "EBOUNDS"], names)
        header = f["MAP"].header
        check(header["BUNIT"] == "cm-2 s-1 sr-1", "BUNIT")
        check(header["CTYPE1"] == "GLON-CAR" and header["CTYPE2"] == "GLAT-CAR", "CTYPE")
        check(header["CDELT1"] < 0, "CDELT1")
        check(header["UFP00"] == "algorithm" and header["UFV00"] == "osem", "parameters")
        check(f["EBOUNDS"].data["E_MAX"].tolist() == [200, 400][:energies], "EBOUNDS")
        wcs = WCS(header).celestial
        for k in range(energies):
            data = f["MAP"].data if energies == 1 else f["MAP"].data[k]
            for b in range(-75, 90, 30):
                for l in range(-165, 180, 30):
                    x, y = wcs.world_to_pixel_values(l, b)
                    pixel = (b + 90) // 30 * 12 + (l + 180) // 30
                    value = data[int(round(float(y))), int(round(float(x))) % 12]
                    check(value == 1000 * k + pixel, (l, b, value, pixel))
                    check(abs(x - round(float(x))) < 1e-6, ("not at a centre", l, b, x))
        check(np.isnan(f["STDERR"].data).sum() > 0, "errors on the bound")


def check_table(path, nested):
    with fits.open(path, checksum=True, memmap=False) as f:
        f.verify("exception")
        header = f[1].header
        for key, value in {"PIXTYPE": "HEALPIX", "NSIDE": 4, "COORDSYS": "G", "FIRSTPIX": 0,
                           "LASTPIX": 191, "ORDERING": "NESTED" if nested else "RING",
                           "TUNIT1": "cm-2 s-1 sr-1"}.items():
            check(header[key] == value, (key, header[key]))
    for field in range(2):
        read = healpy.read_map(path, field=field, nest=nested, dtype=np.float64)
        check(np.array_equal(read, 1000 * field + np.arange(192)), field)
    other = healpy.read_map(path, nest=not nested, dtype=np.float64)
    order = healpy.ring2nest if nested else healpy.nest2ring
    check(np.array_equal(other, order(4, np.arange(192))), "reordered")


def write_hostile(folder):
    def create(name):
        return h5py.File(f"{folder}/{name}.h5", "w")

    with create("other") as f:
        f["x"] = np.arange(4.0)
    with create("external_link") as f:
        f["x"] = h5py.ExternalLink("other.h5", "/x")
    with create("soft_links") as f:
        f["in/x"] = np.arange(4.0)
        f["x"] = h5py.SoftLink("/in/x")
        f["dangling"] = h5py.SoftLink("/nowhere")
        f["circle"] = h5py.SoftLink("/round")
        f["round"] = h5py.SoftLink("/circle")
        f["outside"] = h5py.SoftLink("/external/x")
        f["external"] = h5py.ExternalLink("other.h5", "/")
        f["in/again"] = f["in"]
    with create("virtual") as f:
        layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
        layout[:] = h5py.VirtualSource(f"{folder}/other.h5", "x", shape=(4,))
        f.create_virtual_dataset("x", layout)
    with create("external_storage") as f:
        f.create_dataset("x", shape=(4,), dtype="f8", external=[(f"{folder}/other.h5", 0, 32)])
    with create("lzf") as f:
        f.create_dataset("x", data=np.zeros(1000), chunks=(100,), compression="lzf")
    with create("huge") as f:
        f.create_dataset("x", shape=(2**50, 8), dtype="f8", chunks=(1, 8))
        f.create_dataset("chunks", shape=(2**33,), dtype="f8", chunks=(2**28,))
    with create("types") as f:
        f["half"] = np.arange(4, dtype="f2")
        f["big"] = np.arange(4, dtype=">f8")
        f["long"] = np.arange(4, dtype="f16")
        f["complex"] = np.arange(4, dtype="c16")
        f["text"] = ["a", "bcd"]
        f["fixed"] = np.array([b"ab", b"c"])
        f["empty"] = h5py.Empty("f8")
        f["scalar"] = 7.5
        f["none"] = np.zeros((0, 3))
        f.attrs["flag"] = True
        f.attrs["fixed"] = np.bytes_(b"abc")
        f.attrs["words"] = ["x", "yz"]
        f.attrs["numbers"] = [1.5, 2.5]
        f.attrs["complex"] = 1j
        f.attrs["table"] = np.zeros((2, 2))
    with create("cut") as f:
        f["x"] = np.arange(10000.0)
    with open(f"{folder}/cut.h5", "r+b") as raw:
        raw.truncate(40000)
    with create("chunks") as f:
        ramp = np.arange(1001) % 251
        noise = np.random.default_rng(1).integers(0, 2**63, 1001).view("u8")
        f.create_dataset("sum", data=ramp.astype("u2"), chunks=(100,), fletcher32=True)
        f.create_dataset("odd", data=ramp.astype("u1"), chunks=(77,), fletcher32=True)
        f.create_dataset("all", data=ramp.astype("f4"), chunks=(100,), fletcher32=True,
                         compression="gzip", shuffle=True)
        f.create_dataset("flat", data=ramp.astype("i8"), chunks=(1001,))
        f.create_dataset("big", data=ramp.astype(">i4"), chunks=(90,), compression="gzip")
        f.create_dataset("noise", data=noise, chunks=(100,), compression="gzip")  # does not pack
        f.create_dataset("noise_plain", data=noise)
        f.create_dataset("unwritten", shape=(100,), dtype="f8", chunks=(10,), fillvalue=2.5)
    with h5py.File(f"{folder}/latest.h5", "w", libver="latest") as f:
        f.create_dataset("in/x", data=np.arange(1000.0), chunks=(100,), compression="gzip",
                         shuffle=True, fletcher32=True)
        f["in"].attrs["text"] = "yes"
    with h5py.File(f"{folder}/user_block.h5", "w", userblock_size=512) as f:
        f["x"] = np.arange(4.0)
    with h5py.File(f"{folder}/paged.h5", "w", fs_strategy="page") as f:
        f["x"] = np.arange(4.0)


verb = sys.argv[1]
if verb == "map":
    check_map(sys.argv[2])
elif verb == "histogram":
    check_histogram(sys.argv[2])
elif verb in ("image", "cube"):
    check_image(sys.argv[2], 1 if verb == "image" else 2)
elif verb in ("ring", "nested"):
    check_table(sys.argv[2], verb == "nested")
elif verb == "hostile":
    write_hostile(sys.argv[2])
