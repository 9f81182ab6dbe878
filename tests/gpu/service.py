#!/usr/bin/env python3
"""Jobs of all three engines through the whole service, on a GPU and on the CPU: do the products agree, and how long does
each take? Everything is simulated in a scratch folder. Prints a table and writes JSON; exit 1 where products differ.
Usage: service.py BIN_DIR [--device cuda:0] [--repeats 5] [--small] [--pdb FILE] [--json FILE]
--small: problems of a few seconds, for an emulated device."""

import argparse
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
from live_service import LiveService  # noqa: E402


class Problem:
    """One kind of job: how its input is made, how it is submitted, and how far two products may be apart."""

    def __init__(self, name, engine, inputs, options, tolerances=(), units=None):
        self.name, self.engine, self.inputs, self.options = name, engine, inputs, options
        self.tolerances, self.units = tolerances, units


def extraction(service, folder, small):
    grid = ["-w", "6000,6060,0.8"] if small else ["-w", "5760,7620,0.8"]
    fibres = ["--nspec", 25] if small else []
    service.run("simulate", "extraction", "--camera", "r0", "--expid", 1, "--cosmics", 100, *fibres, *grid, "--dir", folder)
    files = ["-i", folder / "preproc-r0-00000001.fits", "-p", folder / "psf-r0-00000001.fits"]
    return Problem("frame of an r camera" + (", 25 fibres x 75 bins" if small else ", 500 fibres x 2326 bins"), "extraction",
                   files, [*fibres, *grid], units=("frames an hour", 3600))


def imaging(service, folder, small):
    preset = "tiny" if small else "dc1"
    data = folder / "day.h5"
    service.run("simulate", "imaging", "--preset", preset, "-o", data)
    iterations = 10 if small else 150
    return Problem(f"image of a {preset} data set, {iterations} EM iterations", "imaging", ["--data", data],
                   ["--algorithm", "em", "--stop", "iterations", "--iterations", iterations], ["--map", "1e-4"],
                   units=("iterations a second", iterations))


def single_particle(service, folder, small, pdb):
    data = folder / "patterns.h5"
    frames, size = (60, 16) if small else (2000, 64)
    service.run("simulate", "spi", "--pdb", pdb, "--frames", frames, "--size", size, "--photons", 5000, "-o", data)
    limit = ["--max-generations", 2] if small else []
    return Problem(f"density of {frames} frames of {size} x {size} pixels", "spi", ["--data", data], limit)


class Bench:
    def __init__(self, bin_dir, device, small):
        suffix = [".fits", ".h5"]
        self.suffix = {"extraction": suffix[0], "imaging": suffix[1], "spi": suffix[1]}
        self.inputs = pathlib.Path(tempfile.mkdtemp(prefix="unfold-gpu-"))
        roots = [f"inputs={self.inputs}"]
        self.gpu = LiveService(bin_dir, roots=roots, options=["--device", device])
        self.cpu = LiveService(bin_dir, roots=roots, options=["--device", "cpu"])
        self.small = small

    def product(self, service, problem, number):
        return service.folder / f"{problem.engine}-{number}{self.suffix[problem.engine]}"

    def jobs(self, service, problem, repeats):
        out = []
        for number in range(repeats):
            job = service.submit(problem.engine, *problem.inputs, "-o", self.product(service, problem, number), "--overwrite",
                                 *problem.options)
            _, attempt, seconds = service.finished(job)
            out.append({"seconds": seconds, "stages": attempt["seconds"], "hit": attempt["responseHit"],
                        "device": attempt.get("device", "cpu")})
        return out

    def differences(self, problem):
        """What `unfold diff` says of the CPU's and the GPU's first product; None where it finds them the same."""
        said = subprocess.run([self.gpu.unfold, "diff", self.product(self.cpu, problem, 0), self.product(self.gpu, problem, 0),
                               *problem.tolerances], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return None if said.returncode == 0 else said.stdout

    def both(self, problem, repeats):
        on_gpu, on_cpu = self.jobs(self.gpu, problem, repeats), self.jobs(self.cpu, problem, 1)
        warm = [job["seconds"] for job in on_gpu[1:]] or [on_gpu[0]["seconds"]]
        row = {"problem": problem.name, "device": on_gpu[-1]["device"], "gpu_first_seconds": on_gpu[0]["seconds"],
               "gpu_median_seconds": statistics.median(warm), "cpu_seconds": on_cpu[0]["seconds"], "gpu_jobs": on_gpu, "cpu_jobs": on_cpu,
               "compared": problem.engine != "spi"}  # whose frames between two orientations choose by rounding
        row["differences"] = self.differences(problem) if row["compared"] else None
        if problem.units:
            row[problem.units[0]] = problem.units[1] / row["gpu_median_seconds"]
        return row

    def close(self):
        self.gpu.close()
        self.cpu.close()
        shutil.rmtree(self.inputs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--pdb", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    pdb = options.pdb
    if pdb is None and "UNFOLD_SHARED" in os.environ:
        pdb = pathlib.Path(os.environ["UNFOLD_SHARED"], "data/spi/2cex_a.pdb")
    bench = Bench(options.bin_dir, options.device, options.small)
    try:
        worker = bench.gpu.workers()[0]
        print(f"device: {worker.get('deviceName', worker['device'])}")
        problems = [extraction(bench.gpu, bench.inputs, options.small), imaging(bench.gpu, bench.inputs, options.small)]
        if pdb is not None and pdb.exists():
            problems.append(single_particle(bench.gpu, bench.inputs, options.small, pdb))
        repeats = min(options.repeats, 2) if options.small else options.repeats
        rows = [bench.both(problem, repeats) for problem in problems]
    finally:
        bench.close()
    width = max(len(row["problem"]) for row in rows)
    print(f"{'':<{width}}  first s  median s  on the CPU  ratio  same      computed on")
    for row in rows:
        ratio = row["cpu_seconds"] / row["gpu_median_seconds"]
        same = "no" if row["differences"] else "yes" if row["compared"] else "not asked"
        print(f"{row['problem']:<{width}}  {row['gpu_first_seconds']:>7.3f}  {row['gpu_median_seconds']:>8.3f}  "
              f"{row['cpu_seconds']:>10.3f}  {ratio:>5.1f}  {same:<8}  {row['device']}")
        if row["differences"]:
            print(row["differences"])
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"tier": "service", "device": worker, "rows": rows}, indent=1) + "\n")
    return 1 if any(row["differences"] for row in rows) or not all(math.isfinite(r["cpu_seconds"]) for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
