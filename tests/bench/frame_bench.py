#!/usr/bin/env python3
"""Whole r frames (500 fibres x 2326 bins, .fits in and out) through the real service, and what residency gives on two
kinds of night: every exposure with a PSF file of its own, and one PSF for all. Usage: frame_bench.py BIN_DIR [--frames 5]
One JSON object on stdout; nothing is left behind. Run it on a machine that does nothing else."""

import argparse
import json
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
    def __init__(self, bin_dir):
        self.unfold = bin_dir / "unfold"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="unfold-frames-"))
        self.server = f"unix:{self.folder}/s"
        self.service = subprocess.Popen([self.unfold, "up", "--dir", self.folder / "state", "--listen", self.server, "--http",
                                         "127.0.0.1:0", "--root", f"data={self.folder}"], stderr=subprocess.DEVNULL)
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

    def frame(self, name, psf, *options):
        """Extracts one frame: seconds from submission to the published file, the load of the response, hit or not."""
        job = self.run("submit", "extraction", "-i", self.folder / "preproc-r0-00000001.fits", "-p", psf, "-o",
                       self.folder / f"{name}.fits", "-w", "5760,7620,0.8", "--overwrite", *options).strip()
        self.run("wait", job)
        done = json.loads(self.run("jobs", "get", job, "--output-format", "json"))
        attempt = done["attempts"][-1]
        return {"seconds": seconds_between(done["submittedAt"], done["finishedAt"]), "stages": attempt["seconds"],
                "hit": attempt["responseHit"]}

    def peak_bytes(self):
        status = pathlib.Path("/proc", str(self.workers()[0]["pid"]), "status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def close(self):
        self.service.terminate()
        self.service.wait()
        shutil.rmtree(self.folder)


def night(frames):
    return {"median_seconds": statistics.median(f["seconds"] for f in frames),
            "median_load_seconds": statistics.median(f["stages"]["load"] for f in frames),
            "hit_rate": sum(f["hit"] for f in frames) / len(frames), "frames": frames}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("--frames", type=int, default=5)
    options = parser.parse_args()
    bench = Bench(options.bin_dir)
    try:
        bench.run("simulate", "extraction", "--camera", "r0", "--expid", 1, "--cosmics", 400, "--dir", bench.folder)
        psf = bench.folder / "psf-r0-00000001.fits"
        own = []
        for number in range(options.frames):
            copy = bench.folder / f"psf-{number}.fits"
            shutil.copy(psf, copy)
            own.append(copy)
        result = {
            "patches, a PSF file for every exposure": night([bench.frame(f"own{n}", p) for n, p in enumerate(own)]),
            "patches, one PSF for all": night([bench.frame(f"one{n}", psf) for n in range(options.frames)]),
            "strips": night([bench.frame(f"strips{n}", psf, "--mode", "strips") for n in range(options.frames)]),
        }
        result["worker_peak_bytes"] = bench.peak_bytes()
        print(json.dumps(result, indent=1))
    finally:
        bench.close()


if __name__ == "__main__":
    main()
