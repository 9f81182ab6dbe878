#!/usr/bin/env python3
"""Whole r frames (500 fibres x 2326 bins, .fits in and out) through the real service, and what residency gives on two
kinds of night: every exposure with a PSF file of its own, and one PSF for all. Usage: frame_bench.py BIN_DIR [--frames 5]
One JSON object on stdout; nothing is left behind. Run it on a machine that does nothing else."""

import argparse
import json
import pathlib
import shutil
import statistics

from live_service import LiveService


class Bench(LiveService):
    def frame(self, name, psf, *options):
        """Extracts one frame: seconds from submission to the published file, the load of the response, hit or not."""
        job = self.submit("extraction", "-i", self.folder / "preproc-r0-00000001.fits", "-p", psf, "-o",
                          self.folder / f"{name}.fits", "-w", "5760,7620,0.8", "--overwrite", *options)
        _, attempt, seconds = self.finished(job)
        return {"seconds": seconds, "stages": attempt["seconds"], "hit": attempt["responseHit"]}


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
        result["worker_peak_bytes"] = bench.worker_peak_bytes()
        print(json.dumps(result, indent=1))
    finally:
        bench.close()


if __name__ == "__main__":
    main()
