#!/usr/bin/env python3
"""Imaging jobs of the size of COSI's Data Challenge 1 through the real service: from submission to the published map, what a
resident response saves, 150 dc1 iterations, the worker's memory. The response is synthetic: whoever has the Data
Challenge's own files runs `unfold import imaging` on them and gives the result as --data (and --response).
Usage: imaging_job_bench.py BIN_DIR [--data FILE] [--response FILE] [--jobs 5]
One JSON object on stdout; nothing is left behind. Run it on a machine that does nothing else."""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from datetime import datetime


def seconds_between(first, last):
    def parse(text):
        whole, _, fraction = text.rstrip("Z").partition(".")
        return datetime.fromisoformat(whole).timestamp() + float("0." + (fraction or "0"))

    return parse(last) - parse(first)


class Bench:
    def __init__(self, bin_dir, outside):
        self.unfold = bin_dir / "unfold"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="unfold-imaging-"))
        self.server = f"unix:{self.folder}/s"
        roots = [f"data={self.folder}"] + [f"given{n}={path.resolve().parent}:ro" for n, path in enumerate(outside)]
        self.service = subprocess.Popen([self.unfold, "up", "--dir", self.folder / "state", "--listen", self.server, "--http",
                                         "127.0.0.1:0", *sum((["--root", root] for root in roots), [])], stderr=subprocess.DEVNULL)
        while not self.run("workers", "--output-format", "json", check=False) or not self.workers():
            if self.service.poll() is not None:
                raise SystemExit("the service did not start")
            time.sleep(0.05)

    def run(self, *arguments, check=True):
        done = subprocess.run([self.unfold, "--server", self.server, *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=check)
        return done.stdout

    def workers(self):
        return json.loads(self.run("workers", "--output-format", "json"))["workers"]

    def worker_cpu_seconds(self):
        fields = pathlib.Path("/proc", str(self.workers()[0]["pid"]), "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def image(self, name, data, *options):
        began, cpu = time.monotonic(), self.worker_cpu_seconds()
        job = self.run("submit", "imaging", "--data", data, "-o", self.folder / f"{name}.h5", "--overwrite", *options).strip()
        accepted = time.monotonic() - began
        self.run("wait", job)
        done = json.loads(self.run("jobs", "get", job, "--output-format", "json"))
        attempt = done["attempts"][-1]
        return {"seconds": seconds_between(done["submittedAt"], done["finishedAt"]), "validation_seconds": accepted,
                "worker_cpu_seconds": self.worker_cpu_seconds() - cpu,
                "stages": attempt["seconds"], "hit": attempt["responseHit"], "summary": done["summary"]}

    def peak_bytes(self):
        status = pathlib.Path("/proc", str(self.workers()[0]["pid"]), "status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def close(self):
        self.service.terminate()
        self.service.wait()
        shutil.rmtree(self.folder)


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
    bench = Bench(options.bin_dir, [path for path in (options.data, options.response) if path])
    try:
        data, response = options.data, options.response
        if data is None:
            data, response = bench.folder / "day.h5", bench.folder / "response.h5"
            bench.run("simulate", "imaging", "--preset", "dc1", "-o", data, "--response", response)
        files = ["--response", response] if response else []
        result = {"response": "given" if options.data else "synthetic",
                  "first": bench.image("first", data, *files), "worker_peak_bytes_osem": bench.peak_bytes(),
                  "resident": several([bench.image(f"osem{n}", data, *files) for n in range(options.jobs)])}
        copy = bench.folder / "another-day.h5"
        shutil.copy(data, copy)
        result["another day, the same response"] = bench.image("another", copy, *files)
        result["map"] = bench.image("map", data, *files, "--algorithm", "map")
        result["em fp64, 50 iterations"] = bench.image("em", data, *files, "--algorithm", "em", "--stop", "iterations", "--iterations", 50)
        result["dc1, 150 iterations"] = bench.image("dc1", data, *files, "--algorithm", "dc1", "--iterations", 150)
        result["worker_peak_bytes"] = bench.peak_bytes()
        print(json.dumps(result, indent=1))
    finally:
        bench.close()


if __name__ == "__main__":
    main()
