#!/usr/bin/env python3
"""Seconds an iteration of an imaging response: unfold's operators against numba and numpy, same response, same data.

    imaging_compare.py --bench build/tests/imaging_bench [--times 96] [--threads 2] [--repeats 5] [--json FILE]

The response is synthetic: the first `--times` time bins of the bench's problem of the Data Challenge's size, expanded to
R[t, p, d] in fp32 (96: 1.6 GB). The numba pair is written in the style of the accelerated public code: fp32 storage, fp64
sums, the forward product parallel over time bins, the back product parallel over latitude; fastmath lets its reduction
use vectors. numpy.tensordot contracts R[p, t, d], the order in which it is a plain matrix-vector product of BLAS, in fp64
(as cosipy does) and in fp32.
Both sides run on the same cores with the same number of threads; JITs are warm; repeats are interleaved; medians.
An iteration is the E-step, the ratio and the M-step's numerator over all bins ("all_bins": each has counts).
"""
import argparse
import json
import os
import subprocess
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bench", required=True)
parser.add_argument("--times", type=int, default=96)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--repeats", type=int, default=5)
parser.add_argument("--json")
options = parser.parse_args()

os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:options.threads]))
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = str(options.threads)

import numba
import numpy as np


@numba.njit(parallel=True, fastmath=True)
def forward(response, image, out):
    times, latitudes, longitudes, bins = response.shape
    for t in numba.prange(times):
        row = np.zeros(bins)
        for b in range(latitudes):
            for l in range(longitudes):
                x = image[b, l]
                for d in range(bins):
                    row[d] += x * response[t, b, l, d]
        out[t] = row


@numba.njit(parallel=True, fastmath=True)
def back(response, data, out):
    times, latitudes, longitudes, bins = response.shape
    for b in numba.prange(latitudes):
        for l in range(longitudes):
            out[b, l] = 0
        for t in range(times):
            for l in range(longitudes):
                total = 0.0
                for d in range(bins):
                    total += response[t, b, l, d] * data[t, d]
                out[b, l] += total


@numba.njit(parallel=True)
def copy(source, target):
    for t in numba.prange(source.shape[0]):
        target[t] = source[t]


def bench(folder=None):
    command = [options.bench, "--times", str(options.times), "--dense", str(options.times), "--threads",
               str(options.threads), "--repeats", "1", "--replicates", "1", "--storages", "fp32"]
    done = subprocess.run(command + (["--dump", folder] if folder else []), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def build(folder, pixels, bins):
    """R[t, p, d] of the bench's dump, fp32."""
    read = lambda name, kind: np.fromfile(os.path.join(folder, name), kind)
    instrument = read("instrument.f8", "f8").reshape(-1, bins)
    lookup, live = read("lookup.u2", "u2").reshape(-1, pixels), read("live_time.f8", "f8")
    area = read("solid_angle.f8", "f8")
    instrument = np.vstack([instrument, np.zeros((1, bins))])
    response = np.zeros((options.times, pixels, bins), "f4")
    per_bin = len(live) // options.times
    for t in range(options.times):
        total = np.zeros((pixels, bins))
        for v in range(t * per_bin, (t + 1) * per_bin):
            total += live[v] * instrument[np.where(lookup[v] == 65535, len(instrument) - 1, lookup[v])]
        response[t] = total * area[:, None]
    return response


def seconds(f, *arguments):
    start, cpu = time.perf_counter(), time.process_time()
    f(*arguments)
    return {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}


with tempfile.TemporaryDirectory() as folder:
    first = bench(folder)
    response = build(folder, first["pixels"], first["bins"])
pixels, bins = first["pixels"], first["bins"]
grid = response.reshape(options.times, pixels // 60, 60, bins)
image = np.full((pixels // 60, 60), 0.01)
data = np.ones((options.times, bins))
expectation, numerator = np.zeros_like(data), np.zeros_like(image)
target = np.empty_like(response)
galactic = target.reshape(pixels, options.times, bins)
galactic64 = np.empty(galactic.shape)
image32, data32 = image.astype("f4").ravel(), data.astype("f4")


def iteration():
    forward(grid, image, expectation)
    back(grid, data / (expectation + 1), numerator)


def blas_iteration(response, x, y):
    model = np.tensordot(x, response, axes=([0], [0]))
    np.tensordot(response, y / (model + 1), axes=([1, 2], [0, 1]))


def fill(galactic):
    for p in range(pixels):
        galactic[p] = response[:, p]


fill(galactic64)
forward(grid, image, expectation), back(grid, data, numerator), copy(response[:1], target[:1])
samples = {"wall": {}, "cpu": {}}


def note(name, value):
    for clock, table in samples.items():
        table.setdefault(name, []).append(value[clock])


for _ in range(options.repeats):
    note("copy", seconds(copy, response, target))
    note("numba forward", seconds(forward, grid, image, expectation))
    note("numba back", seconds(back, grid, data, numerator))
    note("numba iteration", seconds(iteration))
    fill(galactic)
    note("tensordot fp32 iteration", seconds(blas_iteration, galactic, image32, data32))
    note("tensordot fp64 iteration", seconds(blas_iteration, galactic64, image.ravel(), data))
    run = bench()["slice"]
    last = lambda measured: {clock: measured[clock]["minimum"] for clock in samples}  # one repeat after a warm one
    note("unfold dense forward", last(run["dense"]["products"]["forward"]))
    note("unfold dense back", last(run["dense"]["products"]["back"]))
    note("unfold dense iteration", last(run["dense"]["all_bins"]["pass"]))
    note("unfold dense iteration, events", last(run["dense"]["pass"]))
    note("unfold factored iteration, events", last(run["factored"]["pass"]))

gigabytes = response.nbytes / 1e9
report = {"response": "synthetic", "gigabytes": gigabytes, "times": options.times, "pixels": pixels, "bins": bins,
          "threads": options.threads, "events": run["events"], "load": os.getloadavg(),
          "blas": "openblas" if "openblas" in open("/proc/self/maps").read() else "other", "samples": samples}
for clock, table in samples.items():  # cpu: of all threads together
    median = {name: float(np.median(values)) for name, values in table.items()}
    report[clock] = {
        "median_seconds": median,
        "gigabytes_a_second": {"copy, read and written": 2 * gigabytes / median["copy"],
                               **{name: gigabytes / median[name] for name in median
                                  if name.startswith("unfold dense") and not name.endswith("events")}},
        "ratios": {f"{peer} / {ours}": median[f"{peer} iteration"] / median[name]
                   for peer in ("numba", "tensordot fp64", "tensordot fp32")
                   for ours, name in (("dense", "unfold dense iteration"),
                                      ("factored", "unfold factored iteration, events"))}}
text = json.dumps(report, indent=2)
print(text)
if options.json:
    with open(options.json, "w", encoding="utf-8") as out:
        out.write(text + "\n")
