#!/usr/bin/env python3
"""Points a CPU-second of unfold's NUFFT beside FINUFFT's, same points, same tolerance, one thread.

    nufft_compare.py --bench build/tests/nufft_bench --peer libfinufft.so [--repeats 5] [--points 1000000,10000000]
                     [--json FILE]

The peer is a shared library of FINUFFT with its C interface, built for one thread or held to one by OMP_NUM_THREADS. Both
sides run in one process on one core, their executes interleaved (points are set once on both sides, and not counted);
medians of CPU seconds; errors of 50 outputs against direct sums, relative to the largest. Ratios above 1: unfold is faster.
"""
import argparse
import json
import os
import subprocess

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bench", required=True)
parser.add_argument("--peer", required=True)
parser.add_argument("--repeats", type=int, default=5)
parser.add_argument("--points", default="1000000,10000000")
parser.add_argument("--json")
options = parser.parse_args()

os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
os.environ["OMP_NUM_THREADS"] = "1"
CASES = [(precision, tolerance, modes, kind)
         for precision, tolerance in (("single", "1e-5"), ("double", "1e-6"), ("double", "1e-12"))
         for modes in (81, 128) for kind in ("slices", "uniform")]


def measure(precision, tolerance, modes, kind, points):
    command = [options.bench, "--peer", os.path.abspath(options.peer), "--modes", str(modes), "--points", str(points),
               "--set", kind, "--precision", precision, "--tolerance", tolerance, "--repeats", str(options.repeats),
               "--check", "50" if points <= 1000000 else "0"]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    seconds = found["cpu_seconds"]
    found["ratios"] = {name: seconds[f"peer {name}"] / seconds[name] for name in ("type1", "type2")}
    found["ratios"]["cosine1"] = seconds["peer type1"] / seconds["cosine1"]  # what a complex peer is used for
    found["ratios"]["cosine2"] = seconds["peer type2"] / seconds["cosine2"]
    print(precision, tolerance, modes, kind, points,
          {name: round(ratio, 2) for name, ratio in found["ratios"].items()}, flush=True)
    return found


report = {"load": os.getloadavg(), "cases": [
    measure(*case, points) for points in map(int, options.points.split(","))
    for case in CASES if case[3] == "slices" or points <= 1000000]}
report["worst_ratio"] = min(case["ratios"][name] for case in report["cases"] for name in ("type1", "type2"))
print("worst of types 1 and 2:", round(report["worst_ratio"], 2))
if options.json:
    with open(options.json, "w", encoding="utf-8") as out:
        json.dump(report, out, indent=2)
        out.write("\n")
