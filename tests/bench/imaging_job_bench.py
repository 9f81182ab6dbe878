#!/usr/bin/env python3
"""Imaging jobs of the size of COSI's Data Challenge 1 through the real service: from submission to the published map, what a
resident response saves, 150 dc1 iterations, the worker's memory. The response is synthetic: whoever has the Data
Challenge's own files runs `unfold import imaging` on them and gives the result as --data (and --response).
Usage: imaging_job_bench.py BIN_DIR [--data FILE] [--response FILE] [--jobs 5]
One JSON object on stdout; nothing is left behind. Run it on a machine that does nothing else."""

import argparse
import json
import pathlib
import shutil
import statistics
import time

from live_service import LiveService


class Bench(LiveService):
    def image(self, name, data, *options):
        began, cpu = time.monotonic(), self.worker_cpu_seconds()
        job = self.submit("imaging", "--data", data, "-o", self.folder / f"{name}.h5", "--overwrite", *options)
        accepted = time.monotonic() - began
        done, attempt, seconds = self.finished(job)
        return {"seconds": seconds, "validation_seconds": accepted, "worker_cpu_seconds": self.worker_cpu_seconds() - cpu,
                "stages": attempt["seconds"], "hit": attempt["responseHit"], "summary": done["summary"]}


def several(jobs):
    return {"median_seconds": statistics.median(j["seconds"] for j in jobs),
            "median_first_iteration_seconds": statistics.median(j["summary"]["first_iteration_seconds"] for j in jobs),
            "hit_rate": sum(j["hit"] for j in jobs) / len(jobs), "jobs": jobs}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--response", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=5)
    options = parser.parse_args()
    given = [path for path in (options.data, options.response) if path]
    bench = Bench(options.bin_dir, roots=[f"given{n}={path.resolve().parent}:ro" for n, path in enumerate(given)])
    try:
        data, response = options.data, options.response
        if data is None:
            data, response = bench.folder / "day.h5", bench.folder / "response.h5"
            bench.run("simulate", "imaging", "--preset", "dc1", "-o", data, "--response", response)
        files = ["--response", response] if response else []
        result = {"response": "given" if options.data else "synthetic",
                  "first": bench.image("first", data, *files), "worker_peak_bytes_osem": bench.worker_peak_bytes(),
                  "resident": several([bench.image(f"osem{n}", data, *files) for n in range(options.jobs)])}
        copy = bench.folder / "another-day.h5"
        shutil.copy(data, copy)
        result["another day, the same response"] = bench.image("another", copy, *files)
        result["map"] = bench.image("map", data, *files, "--algorithm", "map")
        result["em fp64, 50 iterations"] = bench.image("em", data, *files, "--algorithm", "em", "--stop", "iterations", "--iterations", 50)
        result["dc1, 150 iterations"] = bench.image("dc1", data, *files, "--algorithm", "dc1", "--iterations", 150)
        result["worker_peak_bytes"] = bench.worker_peak_bytes()
        print(json.dumps(result, indent=1))
    finally:
        bench.close()


if __name__ == "__main__":
    main()
