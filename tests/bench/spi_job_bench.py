#!/usr/bin/env python3
"""Single-particle jobs through the real service, from random orientations to the published density, with default options:
seconds by the clock and of the worker's CPU, how soon the halves agree to stated resolutions, peak memory, verdict.
Usage: spi_job_bench.py BIN_DIR PATTERNS... [--repeats 3] [--resolutions 12,10]
One JSON object on stdout; nothing is left behind. Run it on a machine that does nothing else."""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import threading
import time

from live_service import LiveService


class Bench(LiveService):
    def reconstruct(self, data, output, resolutions):
        began, cpu = time.monotonic(), self.worker_cpu_seconds()
        job = self.submit("spi", "--data", data, "-o", self.folder / output, "--overwrite")
        reached = {}
        watching = threading.Thread(target=self.watch, args=(job, began, resolutions, reached))
        watching.start()
        done, attempt, seconds = self.finished(job)
        watching.join()
        summary = {name: value for name, value in done["summary"].items() if not math.isnan(float(value))}
        return {"seconds": seconds, "worker_cpu_seconds": self.worker_cpu_seconds() - cpu, "stages": attempt["seconds"],
                "hit": attempt["responseHit"], "seconds_to_half_set_resolution": reached, "summary": summary}

    def watch(self, job, began, resolutions, reached):
        """When the job's progress first tells a half-set resolution of at most each of `resolutions`, Angstrom."""
        lines = subprocess.Popen([self.unfold, "--server", self.server, "watch", job, "--output-format", "jsonl"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        for line in lines:
            numbers = json.loads(line).get("progress", {}).get("numbers", {})
            for limit in resolutions:
                if numbers.get("half_resolution", math.inf) <= limit:
                    reached.setdefault(str(limit), time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("patterns", type=pathlib.Path, nargs="+")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--resolutions", default="12,10")
    options = parser.parse_args()
    resolutions = [float(text) for text in options.resolutions.split(",")]
    bench = Bench(options.bin_dir, roots=[f"given{n}={path.resolve().parent}:ro" for n, path in enumerate(options.patterns)])
    try:
        result = {}
        for path in options.patterns:
            jobs = [bench.reconstruct(path.resolve(), f"{path.stem}-{n}.out.h5", resolutions) for n in range(options.repeats)]
            result[path.stem] = {"median_seconds": statistics.median(job["seconds"] for job in jobs),
                                 "median_worker_cpu_seconds": statistics.median(job["worker_cpu_seconds"] for job in jobs),
                                 "worker_peak_bytes": bench.worker_peak_bytes(), "jobs": jobs}
        print(json.dumps(result, indent=1))
    finally:
        bench.close()


if __name__ == "__main__":
    main()
