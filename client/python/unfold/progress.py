"""Progress of a job, where somebody looks: a bar in a notebook or on a terminal."""

from __future__ import annotations

import sys

from unfold.v1 import types_pb2


class Bar:
    """tqdm's bar where it is installed; else a line on a terminal; else nothing."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar = None
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return
        self._bar = tqdm(total=1.0, desc=name, bar_format="{desc}: {percentage:3.0f}%|{bar}| {postfix}", disable=None)

    def show(self, job: types_pb2.Job) -> None:
        state = types_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_")
        done = 1.0 if job.state >= types_pb2.JOB_STATE_SUCCEEDED else job.progress.fraction
        numbers = {"chi2/dof": job.progress.chi2_per_dof} if job.progress.HasField("chi2_per_dof") else {}
        if job.progress.HasField("log_likelihood"):
            numbers["ln L"] = job.progress.log_likelihood
        words = " ".join([state, *(f"{name} {value:.6g}" for name, value in numbers.items())])
        if self._bar is not None:
            self._bar.n = done
            self._bar.set_postfix_str(words)
        elif sys.stderr.isatty():
            print(f"\r{self._name}: {done:4.0%} {words}\x1b[K", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        elif sys.stderr.isatty():
            print(file=sys.stderr)
