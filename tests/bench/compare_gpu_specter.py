"""unfold's extraction against gpu_specter's CPU path: the same image, PSF and options, one core each, interleaved.

    compare_gpu_specter.py --gpu-specter CHECKOUT --bench build/tests/extract_bench \
        --image preproc.fits --psf psf.fits [--wavelength 5760,7620,0.8] [--specmin 0] [--nspec 25] [--repeats 5]

Both sides are pinned to the processor named by --processor, BLAS threads 1, gpu_specter's compiled functions warmed
up on a short range first; the figure is CPU seconds of the extraction alone (no reading or writing), medians of
the repeats. Prints one JSON object: seconds, ratios, and how far the answers differ. Needs Debian's python3-numpy,
python3-scipy, python3-numba, python3-astropy and python3-fitsio. Nothing of gpu_specter is in this repository."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

MODES = ("patches", "strips")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu-specter", required=True)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--psf", required=True)
    parser.add_argument("--wavelength", default="5760,7620,0.8")
    parser.add_argument("--specmin", type=int, default=0)
    parser.add_argument("--nspec", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--processor", type=int, default=0)
    return parser.parse_args()


def reference(options):
    """A function that extracts once with gpu_specter and returns (CPU seconds, flux, ivar)."""
    sys.path.insert(0, os.path.join(options.gpu_specter, "py"))
    import numpy
    from astropy.io import fits
    from gpu_specter.core import extract_frame
    from gpu_specter.io import read_psf

    with fits.open(options.image) as hdus:
        image = hdus["IMAGE"].data.astype("f8")
        ivar = hdus["IVAR"].data.astype("f8") * (hdus["MASK"].data == 0)
    frame = {"image": image, "ivar": ivar}
    psf = read_psf(options.psf)

    def extract(wavelength, nspec):
        started = time.process_time()
        with numpy.errstate(all="ignore"):
            result = extract_frame(frame, psf, 25, options.specmin, nspec, wavelength=wavelength, nwavestep=50, nsubbundles=5,
                                   loglevel="error")
        step = float(wavelength.split(",")[2])
        return time.process_time() - started, result["specflux"] * step, result["specivar"] / step**2

    low, _, step = (float(v) for v in options.wavelength.split(","))
    extract(f"{low + 100},{low + 100 + 60 * step},{step}", 25)  # compiles
    return lambda: extract(options.wavelength, options.nspec)


def ours(options, mode, dump):
    """One run of the bench program in a process of its own: its JSON, and flux and ivar."""
    import numpy

    done = subprocess.run([options.bench, "--image", options.image, "--psf", options.psf, "--wavelength", options.wavelength,
                           "--specmin", str(options.specmin), "--nspec", str(options.nspec), "--mode", mode, "--threads", "1",
                           "--dump", dump], check=True, capture_output=True, text=True)
    values = numpy.fromfile(dump, "f8").reshape(2, options.nspec, -1)
    return json.loads(done.stdout), values[0], values[1]


def main():
    options = arguments()
    os.sched_setaffinity(0, {options.processor})
    import numpy

    extract = reference(options)
    seconds = {"gpu_specter": [], **{mode: [] for mode in MODES}}
    answers = {}
    with tempfile.NamedTemporaryFile() as dump:
        for _ in range(options.repeats):
            spent, flux, ivar = extract()
            seconds["gpu_specter"].append(spent)
            answers["gpu_specter"] = (flux, ivar)
            for mode in MODES:
                told, *answers[mode] = ours(options, mode, dump.name)
                seconds[mode].append(told["cpu_seconds"])
    result = {"bins": int(answers["gpu_specter"][0].size), "repeats": options.repeats,
              "commit": subprocess.run(["git", "-C", options.gpu_specter, "rev-parse", "--short", "HEAD"], capture_output=True,
                                       text=True).stdout.strip()}
    for who, spent in seconds.items():
        result[who] = {"cpu_seconds_median": statistics.median(spent), "cpu_seconds": spent}
    flux, ivar = answers["gpu_specter"]
    good = ivar > 1e-6 * numpy.median(ivar[ivar > 0])
    for mode in MODES:
        theirs = (answers[mode][0] - flux)[good] * numpy.sqrt(ivar[good])
        result[mode]["times_faster"] = result["gpu_specter"]["cpu_seconds_median"] / result[mode]["cpu_seconds_median"]
        result[mode]["largest_flux_difference_sigma"] = float(numpy.abs(theirs).max())
        result[mode]["rms_flux_difference_sigma"] = float(numpy.sqrt(numpy.mean(theirs**2)))
        result[mode]["largest_relative_ivar_difference"] = float(numpy.abs(answers[mode][1][good] / ivar[good] - 1).max())
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
