"""An independent FITS reader and writer (astropy) for the tests of common/formats.

fits_peer.py probe                 exit 0 where astropy can be imported, else 77
fits_peer.py frame PATH            checks the frame that frame_test.cc writes
fits_peer.py masks FOLDER          writes tile-compressed masks that preproc_test.cc reads
fits_peer.py preproc PATH          checks the preproc that preproc_test.cc writes
"""
import sys
import warnings

try:
    import numpy as np
    from astropy.io import fits
except ImportError:
    sys.exit(77)

warnings.simplefilter("error")  # a checksum that does not hold is a warning of astropy's


def check(condition, what):
    if not condition:
        sys.exit(f"not as expected: {what}")


def check_frame(path):
    nspec, nwave, ndiag = 5, 101, 3
    s, j = np.mgrid[0:nspec, 0:nwave]
    with fits.open(path, checksum=True, uint=True, memmap=False) as f:
        f.verify("exception")
        names = [hdu.name for hdu in f]
        check(names == ["FLUX", "IVAR", "MASK", "WAVELENGTH", "RESOLUTION", "FIBERMAP", "CHI2PIX",
                        "SCORES"], names)
        dtypes = {"FLUX": ">f4", "IVAR": ">f4", "MASK": "uint32", "WAVELENGTH": ">f8",
                  "RESOLUTION": ">f4", "CHI2PIX": ">f4"}
        for name, dtype in dtypes.items():
            check(f[name].data.dtype == np.dtype(dtype), (name, f[name].data.dtype))
        check(f["FLUX"].header["BUNIT"] == "electron/Angstrom", "BUNIT of FLUX")
        check(f["WAVELENGTH"].header["BUNIT"] == "Angstrom", "BUNIT of WAVELENGTH")
        check(np.array_equal(f["FLUX"].data, (s + j / 1024).astype("f4")), "FLUX")
        check(np.array_equal(f["IVAR"].data, (1 / (1 + s)).astype("f4")), "IVAR")
        check(np.array_equal(f["MASK"].data, np.where(j == 7, 2**31 + 3, s)), "MASK")
        check(np.array_equal(f["WAVELENGTH"].data, 5760 + 0.8 * np.arange(nwave)), "WAVELENGTH")
        r = np.arange(nspec * (2 * ndiag + 1) * nwave).reshape(nspec, 2 * ndiag + 1, nwave)
        check(np.array_equal(f["RESOLUTION"].data, r.astype("f4")), "RESOLUTION")
        check(np.array_equal(f["CHI2PIX"].data, (1 + 0 * s).astype("f4")), "CHI2PIX")
        check(f["FIBERMAP"].data["FIBER"].tolist() == [0, 1, 2, 3, 4], "FIBER")
        check(f["FIBERMAP"].data["OBJTYPE"].tolist() == ["SKY", "TGT", "TGT", "SKY", "TGT"],
              "OBJTYPE")
        check(f["FIBERMAP"].data.dtype["TARGETID"] == np.dtype(">i8"), "TARGETID")
        check(f["SCORES"].columns.names == ["SUM_RAW_COUNT_R", "MEDIAN_RAW_COUNT_R",
                                            "MEDIAN_RAW_SNR_R"], f["SCORES"].columns.names)
        check(all(f["SCORES"].data.dtype[i] == np.dtype(">f8") for i in range(3)), "SCORES")
        header = f[0].header
        check(header["CAMERA"] == "R0", "CAMERA")
        check(header["WAVEMIN"] == 5760.0 and header["WAVESTEP"] == 0.8, "WAVEMIN")
        check(header["NSPEC"] == nspec, "NSPEC")
        check(header["IN_PSF"] == "calib:" + "long/" * 30 + "psf.fits", header["IN_PSF"])
        check(header["HELIOCOR"] == 1.0000934, "HELIOCOR")
        check(header["DEPNAM00"] == "unfold", "DEPNAM00")
        check(len(header["UFIMGSHA"]) == 64, "UFIMGSHA")
        for hdu in f:
            check("CHECKSUM" in hdu.header and "DATASUM" in hdu.header, hdu.name)


def mask_values(dtype):
    y, x = np.mgrid[0:30, 0:40]
    return np.where((x + y) % 5 == 0, (x * y) % 200, 0).astype(dtype)


def write_masks(folder):
    image = np.ones((30, 40), dtype="f4")
    cases = [(a, d, t) for a in ("RICE_1", "GZIP_1", "GZIP_2")
             for d in ("u1", "i2", "i4") for t in (None, (40, 1), (16, 7))]
    for algorithm, dtype, tile in cases:
        mask = mask_values(dtype)
        options = {} if tile is None else {"tile_size": tile}  # NAXIS1 first
        hdus = fits.HDUList([fits.PrimaryHDU(image), fits.ImageHDU(image, name="IVAR")])
        hdus[0].header["EXTNAME"] = "IMAGE"
        hdus.append(fits.CompImageHDU(mask, name="MASK", compression_type=algorithm, **options))
        label = "none" if tile is None else f"{tile[0]}x{tile[1]}"
        hdus.writeto(f"{folder}/{algorithm}-{dtype}-{label}.fits")


def check_preproc(path):
    with fits.open(path, checksum=True, memmap=False) as f:
        f.verify("exception")
        check([hdu.name for hdu in f] == ["IMAGE", "IVAR", "MASK", "FIBERMAP"], "HDUs")
        y, x = np.mgrid[0:30, 0:40]
        check(np.array_equal(f["IMAGE"].data, (x + 100 * y).astype("f4")), "IMAGE")
        check(f["MASK"].data.dtype == np.dtype(">i2"), "MASK")


warnings.filterwarnings("ignore", category=DeprecationWarning)
verb = sys.argv[1]
if verb == "frame":
    check_frame(sys.argv[2])
elif verb == "masks":
    write_masks(sys.argv[2])
elif verb == "preproc":
    check_preproc(sys.argv[2])
