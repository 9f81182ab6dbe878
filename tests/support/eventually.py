"""Waiting for a condition, with a bound; the only place of the Python tests and benches that looks again and again."""

import time

PATIENCE = 60.0  # seconds; how long a condition may take on a loaded machine before it counts as never


def eventually(condition, what, patience=PATIENCE):
    """The first true value of condition(), or an AssertionError that says what never came."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")
