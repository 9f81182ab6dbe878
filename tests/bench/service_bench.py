#!/usr/bin/env python3
"""Marks of the service itself with probe jobs: durable submission, dispatch to a free worker, listing by
page. Usage: service_bench.py BIN_DIR [--queued 100000]. One JSON object on stdout; nothing is left behind.
Run it on a machine that does nothing else."""

import argparse
import json
import pathlib

from live_service import LiveService

TARGETS = {
    "submit_p50_ms_1_client": ("at most", 3.0),
    "submits_per_second_64_clients": ("at least", 1000.0),
    "dispatch_p99_ms": ("at most", 50.0),
    "list_page_p99_ms": ("at most", 50.0),
}


def with_service(bin_dir, workers, measure):
    service = LiveService(bin_dir, workers, options=["--enable-probe-engine"])
    try:
        return measure(service)
    finally:
        service.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("--queued", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=20_000, help="submissions with 64 clients")
    options = parser.parse_args()

    one = with_service(options.bin_dir, 0, lambda s: s.json("bench", "submit", "--jobs", "2000"))
    many = with_service(options.bin_dir, 0, lambda s: s.json(
        "bench", "submit", "--clients", "64", "--jobs", str(options.jobs), "--fill", str(options.queued)))
    dispatch = with_service(options.bin_dir, 1, lambda s: s.json("bench", "dispatch", "--jobs", "500"))

    measured = {
        "submit_p50_ms_1_client": one["submit_ms"]["p50"],
        "submits_per_second_64_clients": many["per_second"],
        "dispatch_p99_ms": dispatch["dispatch_ms"]["p99"],
        "list_page_p99_ms": many["list_page_ms"]["p99"],
    }
    met = {name: measured[name] <= bound if kind == "at most" else measured[name] >= bound
           for name, (kind, bound) in TARGETS.items()}
    print(json.dumps({"measured": measured, "targets": {n: f"{k} {b:g}" for n, (k, b) in TARGETS.items()},
                      "met": met, "runs": {"one": one, "many": many, "dispatch": dispatch}}, indent=2))


if __name__ == "__main__":
    main()
