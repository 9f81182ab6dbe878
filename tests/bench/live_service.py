"""`unfold up` in a scratch folder of its own, for benches: commands, finished jobs, the worker's cost."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from eventually import eventually  # noqa: E402


def seconds_between(first, last):
    """Of two UTC times as protobuf's JSON writes them, with up to nine digits of a second."""
    def parse(text):
        whole, _, fraction = text.rstrip("Z").partition(".")
        return datetime.fromisoformat(whole).timestamp() + float("0." + (fraction or "0"))

    return parse(last) - parse(first)


class LiveService:
    """Root `data` is the folder; `roots` are more, "NAME=DIR[:ro]"."""

    def __init__(self, bin_dir, workers=1, roots=(), options=()):
        self.unfold = bin_dir / "unfold"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="unfold-bench-"))
        self.server = f"unix:{self.folder}/s"
        more = [word for root in roots for word in ("--root", root)]
        with open(self.folder / "up.err", "wb") as messages:
            self.process = subprocess.Popen(
                [self.unfold, "up", "--dir", self.folder / "state", "--listen", self.server, "--http", "127.0.0.1:0",
                 "--root", f"data={self.folder}", "--workers", str(workers), *more, *options], stderr=messages)
        eventually(lambda: self.process.poll() is not None or self.ready(workers), "the service is up")
        if self.process.poll() is not None:
            raise SystemExit("the service did not start: " + (self.folder / "up.err").read_text(errors="replace"))

    def ready(self, workers):
        return "unfold is up" in (self.folder / "up.err").read_text(errors="replace") and len(self.workers()) == workers

    def run(self, *arguments):
        return subprocess.run([self.unfold, "--server", self.server, *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=True).stdout

    def json(self, *arguments):
        return json.loads(self.run(*arguments))

    def workers(self):
        return self.json("workers", "--output-format", "json")["workers"]

    def submit(self, *arguments):
        return self.run("submit", *arguments).strip()

    def finished(self, job):
        """The job as JSON once it has ended, its last attempt, and the seconds from submission to the published file."""
        self.run("wait", job)
        done = self.json("jobs", "get", job, "--output-format", "json")
        return done, done["attempts"][-1], seconds_between(done["submittedAt"], done["finishedAt"])

    def of_worker(self, file):
        """Text of a file under the first worker's /proc folder."""
        return pathlib.Path("/proc", str(self.workers()[0]["pid"]), file).read_text()

    def worker_cpu_seconds(self):
        fields = self.of_worker("stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def worker_peak_bytes(self):
        return int(re.search(r"VmHWM:\s+(\d+) kB", self.of_worker("status"))[1]) * 1024

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)
