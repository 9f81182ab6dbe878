"""The real programs for black-box tests: a scheduler and workers in a scratch folder, at a tenth of the
time scale of production. Waits are on conditions; nothing sleeps for a fixed time to be right."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from eventually import PATIENCE, eventually  # noqa: E402

BIN = pathlib.Path(os.environ["UNFOLD_BIN_DIR"])
SCALE = ["--heartbeat", "0.2s", "--lease", "1.5s", "--adoption", "3s"]


class Failed(Exception):
    def __init__(self, done):
        super().__init__(f"{done.args} exited {done.returncode}: {done.stderr}")
        self.code = done.returncode
        self.stderr = done.stderr


class Service:
    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="unfold-test-"))
        self.data = self.home / "data"
        self.data.mkdir()
        self.address = f"unix:{self.home}/unfold.sock"
        self.processes = []
        self.scheduler = None
        self.workers = {}
        self.starts = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def spawn(self, name, *command, **how):
        self.starts += 1
        with open(self.home / f"{self.starts:02d}-{name}.log", "wb") as log:
            process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, cwd=self.home, **how)
        self.processes.append(process)
        return process

    def log_of(self, name):
        return "\n".join(p.read_text(errors="replace") for p in sorted(self.home.glob(f"*-{name}.log")))

    def start_scheduler(self, *extra, **how):
        self.scheduler = self.spawn("scheduler", BIN / "unfold-scheduler", "--dir", self.home / "state", "--listen", self.address,
                                    "--http", "127.0.0.1:0", "--root", f"data={self.data}", "--enable-probe-engine", *SCALE, *extra, **how)
        eventually(lambda: self.scheduler.poll() is not None or self.answers(), "the scheduler answers")
        assert self.scheduler.poll() is None, self.log_of("scheduler")

    def spawn_worker(self, name, *extra, device="cpu", **how):
        self.workers[name] = self.spawn(name, BIN / "unfold-worker", "--scheduler", self.address, "--name", name, "--device", device,
                                        "--root", f"data={self.data}", *extra, **how)
        return self.workers[name]

    def start_worker(self, name="w1", *extra, **how):
        worker = self.spawn_worker(name, *extra, **how)
        eventually(lambda: worker.poll() is not None or any(w["name"] == name and w["state"] == "READY" for w in self.list_workers()),
                   f"worker {name} is ready")
        assert worker.poll() is None, self.log_of(name)
        return worker

    def kill_scheduler(self):
        self.scheduler.kill()
        self.scheduler.wait()

    # ---- the CLI ----

    def run(self, *arguments, timeout=120):
        return subprocess.run([str(BIN / "unfold"), *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                              cwd=self.data, env={**os.environ, "UNFOLD_SERVER": self.address})

    def unfold(self, *arguments):
        done = self.run(*arguments)
        if done.returncode != 0:
            raise Failed(done)
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.unfold(*arguments, "--output-format", "json"))

    def http(self):
        """The scheduler's page, from its own words."""
        return next(json.loads(line)["http"] for line in self.log_of("scheduler").splitlines()[::-1] if '"ready"' in line)

    def answers(self):
        return self.run("workers").returncode == 0

    def list_workers(self):
        done = self.run("workers", "--output-format", "json")
        if done.returncode != 0:
            return []
        listed = json.loads(done.stdout)
        return listed.get("workers", []) if isinstance(listed, dict) else listed

    def probe(self, *arguments):
        """Submits a probe job; its id."""
        return self.unfold("submit", "probe", *arguments).strip()

    def job(self, job_id):
        return self.json("jobs", "get", job_id)

    def state(self, job_id):
        return self.job(job_id)["state"]

    def until_state(self, job_id, *states, patience=PATIENCE):
        return eventually(lambda: (lambda j: j if j["state"] in states else None)(self.job(job_id)), f"{job_id} is {states}", patience)

    def holder(self, job_id):
        """The process of the worker that runs the job."""
        return self.workers[self.job(job_id)["attempts"][-1]["worker"]]

    def parts(self):
        return sorted(self.data.rglob(".*.part"))
