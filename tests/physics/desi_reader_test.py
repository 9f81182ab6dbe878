"""Reads a frame file as DESI's pipeline does (astropy, and R as a scipy.sparse.dia_matrix), without any
code of this project, and checks it against the simulator's truth file.

desi_reader_test.py FRAME TRUTH    exit 0 where all is as expected, 77 without astropy or scipy
"""
import sys
import warnings

try:
    import numpy as np
    import scipy.sparse
    from astropy.io import fits
except ImportError:
    sys.exit(77)

warnings.simplefilter("error")  # a checksum that does not hold is a warning of astropy's

HDUS = ["FLUX", "IVAR", "MASK", "WAVELENGTH", "RESOLUTION", "FIBERMAP", "CHI2PIX", "SCORES"]
DTYPES = {"FLUX": ">f4", "IVAR": ">f4", "MASK": "uint32", "WAVELENGTH": ">f8", "RESOLUTION": ">f4",
          "CHI2PIX": ">f4"}
BANDS = {"b": (4000, 5800), "r": (5800, 7600), "z": (7600, 9800)}


def check(condition, what):
    if not condition:
        sys.exit(f"not as expected: {what}")


class Frame:
    """What a reader of frame files keeps: native doubles, and R per fibre on demand."""

    def __init__(self, path):
        with fits.open(path, checksum=True, uint=True, memmap=False) as f:
            f.verify("exception")
            self.check_layout(f)
            self.header = f["FLUX"].header
            self.flux = f["FLUX"].data.astype("f8")
            self.ivar = f["IVAR"].data.astype("f8")
            self.mask = f["MASK"].data
            self.wave = f["WAVELENGTH"].data.astype("f8")
            self.resolution = f["RESOLUTION"].data.astype("f8")
            self.chi2pix = f["CHI2PIX"].data.astype("f8")
            self.fibermap = np.array(f["FIBERMAP"].data)
            self.scores = np.array(f["SCORES"].data)
        self.nspec, self.nwave = self.flux.shape

    @staticmethod
    def check_layout(f):
        names = [hdu.name for hdu in f]
        check(names == HDUS, names)
        for name, dtype in DTYPES.items():
            check(f[name].data.dtype == np.dtype(dtype), (name, f[name].data.dtype))
        for hdu in f:
            check("CHECKSUM" in hdu.header and "DATASUM" in hdu.header, f"checksums of {hdu.name}")
        check(f["FLUX"].header["BUNIT"] == "electron/Angstrom", "BUNIT of FLUX")
        check(f["WAVELENGTH"].header["BUNIT"] == "Angstrom", "BUNIT of WAVELENGTH")
        shape = f["FLUX"].data.shape
        for name in ("IVAR", "MASK", "CHI2PIX"):
            check(f[name].data.shape == shape, (name, f[name].data.shape))
        check(f["WAVELENGTH"].data.shape == shape[1:], "shape of WAVELENGTH")
        r = f["RESOLUTION"].data.shape
        check(r[0] == shape[0] and r[1] % 2 == 1 and r[2] == shape[1], ("RESOLUTION", r))

    def r(self, spectrum):
        """R of one fibre: row k of its data lies on diagonal ndiag - k, as desispec builds it."""
        diagonals = self.resolution[spectrum]
        ndiag = len(diagonals) // 2
        return scipy.sparse.dia_matrix((diagonals, np.arange(ndiag, -ndiag - 1, -1)),
                                       shape=(self.nwave, self.nwave))


def check_header(frame):
    header = frame.header
    check(header["NSPEC"] == frame.nspec, "NSPEC")
    check(abs(header["WAVEMIN"] - frame.wave[0]) < 1e-6, "WAVEMIN")
    check(abs(header["WAVEMAX"] - frame.wave[-1]) < 1e-6, "WAVEMAX")
    check(np.allclose(np.diff(frame.wave), header["WAVESTEP"], atol=1e-6), "WAVESTEP")
    for key in ("CAMERA", "IN_PSF", "IN_IMG", "EXPTIME", "NIGHT", "EXPID", "SPECTER"):
        check(key in header, f"card {key}")
    check("BZERO" not in header, "FLUX has a zero point")


def check_values(frame):
    """What a frame's reader vets before anything else uses it."""
    for name in ("flux", "ivar", "resolution", "chi2pix"):
        check(np.all(np.isfinite(getattr(frame, name))), f"{name} is finite")
    check(np.all(frame.ivar >= 0), "no negative ivar")
    check(frame.mask.dtype == np.uint32, "mask is unsigned")
    check(np.all((frame.ivar > 0) | (frame.mask != 0)), "bins without ivar have a mask bit")
    check(len(frame.fibermap) == frame.nspec, "a row of FIBERMAP for each spectrum")
    fibre = frame.fibermap["FIBER"].astype(int)
    check(np.array_equal(fibre, fibre[0] + np.arange(frame.nspec)), "FIBER in order")


def check_scores(frame):
    camera = frame.header["CAMERA"].strip().lower()
    low, high = BANDS[camera[0]]
    band = camera[0].upper()
    inside = (frame.wave >= low) & (frame.wave <= high)
    step = np.gradient(frame.wave)[inside]
    flux, ivar = frame.flux[:, inside], frame.ivar[:, inside]
    # As desispec's own frames have them: the sum is not multiplied by the step, the median is divided.
    expected = {f"SUM_RAW_COUNT_{band}": flux.sum(axis=1),
                f"MEDIAN_RAW_COUNT_{band}": np.median(flux / step, axis=1),
                f"MEDIAN_RAW_SNR_{band}": np.median(np.sqrt(ivar) * flux / np.sqrt(step), axis=1)}
    check(list(frame.scores.dtype.names) == list(expected), frame.scores.dtype.names)
    for name, values in expected.items():
        check(np.allclose(frame.scores[name], values, rtol=1e-5), name)


def photons(path, frame):
    """The truth, photons per bin, of the frame's own spectra and bins."""
    with fits.open(path) as f:
        first = int(frame.fibermap["FIBER"][0]) % 500 - f["FLUX"].header["FIBERMIN"]
        check(0 <= first, "the truth has the frame's fibres")
        check(np.allclose(f["WAVELENGTH"].data, frame.wave), "the truth has the frame's bins")
        return f["FLUX"].data[first:first + frame.nspec].astype("f8")


def check_pulls(frame, truth):
    step = np.gradient(frame.wave)
    expected = np.array([frame.r(s).dot(truth[s]) for s in range(frame.nspec)]) / step
    good = (frame.mask == 0) & (frame.ivar > 0)
    pulls = ((frame.flux - expected) * np.sqrt(frame.ivar))[good]
    error = 1 / np.sqrt(len(pulls))
    mean, deviation = pulls.mean(), pulls.std()
    print(f"{len(pulls)} good bins of {good.size}: pull mean {mean:+.4f} +- {error:.4f}, "
          f"standard deviation {deviation:.4f} +- {error / np.sqrt(2):.4f}")
    check(good.mean() > 0.95, "nearly all bins are good")
    check(abs(mean) < 0.02 + 4 * error, "mean of the pulls")
    check(abs(deviation - 1) < 0.03 + 4 * error / np.sqrt(2), "standard deviation of the pulls")
    # A wrong order of R's diagonals would show where light changes from bin to bin.
    flipped = frame.resolution[:, ::-1]
    check(not np.allclose(flipped, frame.resolution, atol=1e-4), "R is not symmetric")


def main():
    frame = Frame(sys.argv[1])
    check_header(frame)
    check_values(frame)
    check_scores(frame)
    check_pulls(frame, photons(sys.argv[2], frame))


main()
