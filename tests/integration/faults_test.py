"""Every fault that the design promises to survive, injected into the real programs."""

import concurrent.futures
import hashlib
import signal
import subprocess
import unittest
import uuid

from service import Failed, Service, eventually


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Faults(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.__exit__)

    def published_once(self, job, name):
        """The product is whole, is the one on record, and nothing half-done lies beside it."""
        final = self.service.data / name
        self.assertEqual(job["state"], "SUCCEEDED", job)
        self.assertEqual(job["outputs"][0]["sha256"], sha256(final))
        self.assertEqual(self.service.parts(), [])

    def test_a_killed_workers_job_finishes_on_another(self):
        self.service.start_scheduler()
        self.service.start_worker("w1")
        job = self.service.probe("--run", "1s", "--output", "out.bin", "--output-size", 100000)
        self.service.until_state(job, "RUNNING")
        self.service.start_worker("w2")
        self.service.workers["w1"].kill()
        done = self.service.until_state(job, "SUCCEEDED", "FAILED", "QUARANTINED")
        self.published_once(done, "out.bin")
        self.assertEqual([a["worker"] for a in done["attempts"]], ["w1", "w2"])
        self.assertEqual(done["attempts"][0]["errorClass"], "WORKER_LOST")

    def test_a_killed_workers_job_finishes_on_the_same_worker_restarted(self):
        self.service.start_scheduler()
        self.service.start_worker("w1")
        job = self.service.probe("--run", "1s", "--output", "out.bin", "--output-size", 1000)
        self.service.until_state(job, "RUNNING")
        self.service.workers["w1"].kill()
        self.service.workers["w1"].wait()
        self.service.start_worker("w1")
        self.published_once(self.service.until_state(job, "SUCCEEDED", "FAILED"), "out.bin")

    def test_a_frame_whose_worker_is_killed_midway_is_extracted_elsewhere(self):
        """Dense noise decorrelation, so that a small frame takes seconds."""
        self.service.start_scheduler()
        self.service.start_worker("w1")
        self.service.unfold("simulate", "extraction", "--nspec", 25, "-w", "6500,6580,0.8", "--expid", 5, "--dir", self.service.data)
        data = self.service.data
        job = self.service.unfold("submit", "extraction", "-i", data / "preproc-r0-00000005.fits", "-p", data / "psf-r0-00000005.fits",
                                  "-o", data / "frame.fits", "-n", 25, "-w", "6500,6580,0.8", "--decorrelate", "noise").strip()
        eventually(lambda: self.service.job(job).get("progress", {}).get("done", "0") != "0", "some patches are done")
        self.service.start_worker("w2")
        self.service.workers["w1"].kill()
        done = self.service.until_state(job, "SUCCEEDED", "FAILED", "QUARANTINED")
        self.published_once(done, "frame.fits")
        self.assertEqual([a["worker"] for a in done["attempts"]], ["w1", "w2"])

    def test_a_frozen_workers_late_publish_is_refused(self):
        self.service.start_scheduler()
        self.service.start_worker("w1")
        job = self.service.probe("--run", "1s", "--output", "out.bin", "--output-size", 100000)
        self.service.until_state(job, "RUNNING")
        frozen = self.service.workers["w1"]
        frozen.send_signal(signal.SIGSTOP)
        self.service.start_worker("w2")
        done = self.service.until_state(job, "SUCCEEDED", "FAILED", "QUARANTINED")
        self.published_once(done, "out.bin")
        before = (self.service.data / "out.bin").stat()
        frozen.send_signal(signal.SIGCONT)
        # The zombie is back when the scheduler hears it; then another job shows that it works again.
        eventually(lambda: all(w["state"] == "READY" for w in self.service.list_workers()), "both workers are ready")
        after = self.service.probe("--run", "10ms")
        self.service.until_state(after, "SUCCEEDED")
        self.assertEqual((self.service.data / "out.bin").stat().st_ino, before.st_ino)
        self.assertEqual(len(self.service.job(job)["attempts"]), 2)
        self.published_once(self.service.job(job), "out.bin")

    def test_running_work_is_adopted_after_the_scheduler_is_killed(self):
        self.service.start_scheduler()
        self.service.start_worker("w1")
        job = self.service.probe("--run", "4s", "--output", "out.bin", "--output-size", 1000)
        self.service.until_state(job, "RUNNING")
        self.service.kill_scheduler()
        self.service.start_scheduler()
        done = self.service.until_state(job, "SUCCEEDED", "FAILED")
        self.published_once(done, "out.bin")
        self.assertEqual(len(done["attempts"]), 1)

    def test_the_scheduler_killed_twenty_times_under_load_loses_and_doubles_nothing(self):
        self.service.start_scheduler()
        self.service.start_worker("w1")
        self.service.start_worker("w2")
        acknowledged = {}

        def submit_until_acknowledged(number):
            request, name = str(uuid.uuid4()), f"out{number}.bin"

            def once():
                try:
                    return self.service.probe("--run", "20ms", "--output", name, "--output-size", 500, "--request-id", request)
                except Failed as failed:
                    self.assertIn(failed.code, (5, 70), failed)  # unreachable, nothing else
                    return None

            acknowledged[number] = (eventually(once, f"job {number} is acknowledged"), name)

        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            for kill in range(20):
                batch = [clients.submit(submit_until_acknowledged, kill * 4 + n) for n in range(4)]
                eventually(lambda: any(b.done() for b in batch), "a submission under load")
                self.service.kill_scheduler()
                self.service.start_scheduler()
                for b in batch:
                    b.result()
        self.assertEqual(len({job for job, _ in acknowledged.values()}), 80)
        for job, name in acknowledged.values():
            done = self.service.until_state(job, "SUCCEEDED", "FAILED", "QUARANTINED")
            self.assertEqual(done["state"], "SUCCEEDED", done)
            self.assertEqual(done["outputs"][0]["sha256"], sha256(self.service.data / name))
        self.assertEqual(self.service.parts(), [])

    def test_a_full_disk_at_publish_fails_clearly_and_recovers(self):
        small = self.service.data / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"cannot mount a small file system here ({mounted.stderr.strip()})")
        self.addCleanup(subprocess.run, ["umount", "-l", small])
        self.service.start_scheduler()
        self.service.start_worker("w1")
        ballast = small / "ballast"
        ballast.write_bytes(b"x" * 900_000)
        job = self.service.probe("--run", "10ms", "--output", "small/out.bin", "--output-size", 500_000)

        def failed_attempt():
            attempt = self.service.job(job).get("attempts", [{}])[0]
            return attempt if attempt.get("errorClass") else None

        attempt = eventually(failed_attempt, "an attempt fails")
        self.assertEqual(attempt["errorClass"], "OUTPUT_ERROR")
        self.assertIn("space", attempt["message"].lower())
        self.assertEqual(sorted(p.name for p in small.iterdir()), ["ballast"])
        ballast.unlink()
        done = self.service.until_state(job, "SUCCEEDED", "FAILED")
        if done["state"] == "FAILED":  # the attempts were used up before there was space
            self.service.unfold("retry", job)
            done = self.service.until_state(job, "SUCCEEDED", "FAILED")
        self.published_once(done, "small/out.bin")

    def test_a_running_job_is_cancelled_and_leaves_nothing(self):
        self.service.start_scheduler()
        self.service.start_worker("w1")
        job = self.service.probe("--run", "100s", "--output", "out.bin", "--output-size", 1000)
        self.service.until_state(job, "RUNNING")
        self.service.unfold("cancel", job)
        self.service.until_state(job, "CANCELLED")
        self.assertEqual(list(self.service.data.iterdir()), [])
        self.service.until_state(self.service.probe("--run", "10ms"), "SUCCEEDED")  # the slot is free again

    def test_an_engine_without_progress_loses_its_lease(self):
        self.service.start_scheduler()
        self.service.start_worker("w1")
        self.service.start_worker("w2")
        job = self.service.probe("--run", "100ms", "--fault", "hang", "--fault-attempts", 1, "--output", "out.bin", "--output-size", 100)
        done = self.service.until_state(job, "SUCCEEDED", "FAILED", "QUARANTINED")
        self.published_once(done, "out.bin")
        self.assertEqual(len(done["attempts"]), 2)

    def test_a_job_that_kills_three_workers_is_quarantined_and_its_neighbours_are_not(self):
        self.service.start_scheduler()
        poison = self.service.probe("--fault", "crash")
        innocent = [self.service.probe("--run", "10ms", "--output", f"ok{n}.bin", "--output-size", 10) for n in range(3)]

        def tend():
            worker = self.service.workers.get("w1")
            if worker is None or worker.poll() is not None:
                self.service.spawn_worker("w1")
            return self.service.state(poison) in ("QUARANTINED", "FAILED", "SUCCEEDED")

        eventually(tend, "the poison job is out of the way")
        self.assertEqual(self.service.state(poison), "QUARANTINED")
        self.assertEqual(len(self.service.job(poison)["attempts"]), 3)

        def innocent_done():
            tend()
            return all(self.service.state(j) == "SUCCEEDED" for j in innocent)

        eventually(innocent_done, "the neighbours are done")

    def test_a_drained_worker_finishes_its_job_and_leaves(self):
        self.service.start_scheduler()
        worker = self.service.start_worker("w1")
        job = self.service.probe("--run", "1s", "--output", "out.bin", "--output-size", 100)
        self.service.until_state(job, "RUNNING")
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(60), 0)
        self.published_once(self.service.until_state(job, "SUCCEEDED", "QUEUED"), "out.bin")

    def test_a_second_scheduler_on_the_same_folder_is_refused(self):
        self.service.start_scheduler()
        second = self.service.spawn("second", self.service.scheduler.args[0], "--dir", self.service.home / "state",
                                    "--listen", f"unix:{self.service.home}/other.sock", "--http", "127.0.0.1:0")
        self.assertNotEqual(second.wait(60), 0)
        self.assertTrue(self.service.answers())


if __name__ == "__main__":
    unittest.main(verbosity=2)
