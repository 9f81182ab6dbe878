#!/usr/bin/env python3
"""CPU seconds of one bundle: unfold's kernels against gpu_specter's own CPU path, on the same image.

    kernels_compare.py --bench build/tests/kernels_bench --psf PSF.fits --gpu-specter CHECKOUT/py
                       [--n-wave 2326] [--spec-min 250] [--repeats 5] [--core 1] [--json FILE]

The image is made by the bench from the PSF. Both sides run pinned to one core with one BLAS thread;
the peer's JIT is warmed first; repeats are interleaved; medians are reported, with the largest
differences of the results. The peer's numpy must run on OpenBLAS (Debian: libopenblas0-pthread); on
the reference BLAS, which Debian installs by default, it is three times slower, and is refused here.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import types

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bench", required=True)
parser.add_argument("--psf", required=True)
parser.add_argument("--gpu-specter", required=True, help="folder that holds the gpu_specter package")
parser.add_argument("--n-wave", type=int, default=2326)
parser.add_argument("--spec-min", type=int, default=250)
parser.add_argument("--repeats", type=int, default=5)
parser.add_argument("--core", type=int, default=1)
parser.add_argument("--json")
options = parser.parse_args()

os.sched_setaffinity(0, {options.core})
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"
sys.path.insert(0, options.gpu_specter)
try:
    import desiutil.log  # noqa: F401
except ImportError:  # a logger is all that the peer takes from it
    import logging
    log = types.ModuleType("desiutil.log")
    log.get_logger = lambda *a, **k: logging.getLogger("peer")
    package = types.ModuleType("desiutil")
    package.log = log
    sys.modules["desiutil"], sys.modules["desiutil.log"] = package, log

import numpy as np

np.dot(np.ones((2, 2)), np.ones((2, 2)))
if "openblas" not in open("/proc/self/maps").read():
    sys.exit("the comparison would be unfair (numpy runs on the reference BLAS) [apt-get install libopenblas0-pthread]")

from gpu_specter.core import extract_frame
from gpu_specter.io import read_psf


def cpu():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


def ours(repeats, folder):
    command = [options.bench, "--psf", options.psf, "--spec-min", str(options.spec_min), "--n-wave",
               str(options.n_wave), "--repeats", str(repeats)]
    done = subprocess.run(command + (["--dump", folder] if folder else []), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["runs"]


def peer(image, psf, n_wave):
    start = cpu()
    frame = extract_frame(image, psf, 25, options.spec_min, 25, wavelength=(5760.0, 5760 + 0.8 * (n_wave - 1), 0.8),
                          nwavestep=50, nsubbundles=5, gpu=False, wavepad=10, pixpad_frac=0.8, wavepad_frac=0.2,
                          psferr=0.01)
    return frame, cpu() - start


psf = read_psf(options.psf)
with tempfile.TemporaryDirectory() as folder:
    ours(1, folder)
    shape = (psf["PSF"].meta["NPIX_Y"], psf["PSF"].meta["NPIX_X"])
    read = lambda name, kind: np.fromfile(os.path.join(folder, name), kind)
    image = {"image": read("image.f4", "f4").reshape(shape).astype("f8"),
             "ivar": read("pixel_ivar.f4", "f4").reshape(shape).astype("f8")}
    flux, ivar = read("flux.f8", "f8").reshape(25, -1) / 0.8, read("ivar.f8", "f8").reshape(25, -1) * 0.64
    resolution = read("resolution.f4", "f4").reshape(25, -1, options.n_wave)

peer(image, psf, 60)
peers, mine = [], {}
for _ in range(options.repeats):
    frame, seconds = peer(image, psf, options.n_wave)
    peers.append(seconds)
    for run in ours(1, None):
        mine.setdefault((run["isa"], run["mode"]), []).append(run["median_cpu_seconds"])

keep = frame["specivar"] > 1e-6 * np.median(frame["specivar"])
pull = np.abs(flux - frame["specflux"]) * np.sqrt(frame["specivar"])
report = {
    "bins": options.n_wave, "fibres": 25, "peer": "gpu_specter, CPU path",
    "peer_cpu_seconds": peers, "peer_median": float(np.median(peers)),
    "unfold": [{"isa": isa, "mode": mode, "cpu_seconds": s, "median": float(np.median(s)),
                "ratio": float(np.median(peers) / np.median(s))} for (isa, mode), s in sorted(mine.items())],
    "patches_against_peer": {
        "bins_compared": int(keep.sum()), "max_pull": float(pull[keep].max()),
        "rms_pull": float(np.sqrt((pull[keep] ** 2).mean())),
        "max_relative_ivar": float(np.abs(ivar / frame["specivar"] - 1)[keep].max()),
        "max_resolution": float(np.abs(resolution - frame["Rdiags"]).transpose(0, 2, 1)[keep].max())}}
text = json.dumps(report, indent=2)
print(text)
if options.json:
    with open(options.json, "w", encoding="utf-8") as out:
        out.write(text + "\n")
