"""Workers with GPUs, in the real programs: the devices are emulated (UNFOLD_CUDA_MODULE), what they tell of
themselves is a text file (UNFOLD_NVML, support/fake_nvml.cc)."""

import json
import os
import re
import signal
import subprocess
import unittest
import urllib.request

from service import BIN, Service, eventually

HEALTHY = "uuid GPU-00000000-0000-0000-0000-000000000000\ntemperature 54\npower 300000\ntotal 8589934592\nused 1000\n"


class Gpu(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.__exit__)
        self.gpu = self.service.home / "gpu"
        self.gpu.write_text(HEALTHY)

    def start_gpu_worker(self, name="g1", *extra):
        return self.service.start_worker(name, *extra, device="cuda:0", env={**os.environ, "UNFOLD_FAKE_NVML": str(self.gpu)})

    def worker(self, name):
        return next((w for w in self.service.list_workers() if w["name"] == name), {})

    def metrics(self):
        address = re.search(r'"http":"([^"]+)"', self.service.log_of("scheduler"))[1]
        with urllib.request.urlopen(f"{address}/metrics", timeout=30) as page:
            return page.read().decode()

    def test_a_gpu_is_offered_by_name_memory_and_what_it_does_not_compute(self):
        self.service.start_scheduler()
        self.start_gpu_worker("g1", "--memory", "1GiB")
        worker = self.worker("g1")
        self.assertEqual((worker["device"], worker["deviceName"]), ("cuda:0", "Emulated GPU"))
        self.assertEqual(int(worker["memoryBytes"]), 2**30)
        self.assertNotIn("probe", worker.get("cpuEngines", []))
        self.assertEqual(worker["health"]["temperatureCelsius"], 54)
        job = self.service.until_state(self.service.probe("--run", "10ms"), "SUCCEEDED", "FAILED")
        self.assertEqual(job["attempts"][0]["device"], "cuda:0")

    def test_a_gpu_that_is_not_there_is_refused(self):
        worker = self.service.spawn_worker("g9", device="cuda:9")
        self.assertEqual(worker.wait(60), 8)
        self.assertIn("no GPU cuda:9 (there are 1)", self.service.log_of("g9"))

    def test_up_starts_a_worker_for_each_gpu(self):
        environment = {**os.environ, "UNFOLD_EMULATED_DEVICES": "2", "UNFOLD_FAKE_NVML": str(self.gpu)}
        up = self.service.spawn("up", BIN / "unfold", "up", "--device", "cuda", "--dir", self.service.home / "state", "--listen",
                                self.service.address, "--http", "127.0.0.1:0", env=environment)
        listed = eventually(lambda: (lambda w: w if len(w) == 2 else None)(self.service.list_workers()), "two workers")
        self.assertEqual(sorted(w["device"] for w in listed), ["cuda:0", "cuda:1"])
        up.send_signal(signal.SIGTERM)
        self.assertEqual(up.wait(60), 0)

    def test_up_without_a_gpu_says_so(self):
        environment = {**os.environ, "UNFOLD_EMULATED_DEVICES": "0"}
        up = subprocess.run([BIN / "unfold", "up", "--device", "cuda", "--dir", self.service.home / "state", "--listen", self.service.address],
                            capture_output=True, text=True, env=environment, timeout=60)
        self.assertNotEqual(up.returncode, 0)
        self.assertIn("there is no GPU for a worker", up.stderr)

    def test_a_job_too_large_for_every_device_waits_and_says_why(self):
        self.service.start_scheduler()
        self.start_gpu_worker("g1", "--memory", "1GiB")
        job = self.service.probe("--device-size", "2GiB")
        explained = self.service.json("explain", job)
        self.assertIn("fits into the memory of no connected worker", explained["summary"])
        self.assertIn("2048.0 MiB on the device, its cuda:0 has 1024.0 MiB", explained["details"][0])
        self.start_gpu_worker("g2", "--memory", "3GiB")
        self.service.until_state(job, "SUCCEEDED")

    def test_a_job_that_outgrows_a_device_goes_to_a_larger_one(self):
        self.service.start_scheduler()
        self.start_gpu_worker("g1", "--memory", "1GiB")
        self.start_gpu_worker("g2", "--memory", "2GiB")
        job = self.service.probe("--fault", "device-out-of-memory", "--fault-attempts", 1)  # to the first by name
        done = self.service.until_state(job, "SUCCEEDED", "FAILED")
        self.assertEqual([a["worker"] for a in done["attempts"]], ["g1", "g2"])
        self.assertEqual(done["attempts"][0]["errorClass"], "OUT_OF_MEMORY")

    def test_a_job_that_outgrows_the_largest_device_fails_and_says_so(self):
        self.service.start_scheduler()
        self.start_gpu_worker()
        done = self.service.until_state(self.service.probe("--fault", "device-out-of-memory"), "SUCCEEDED", "FAILED")
        self.assertEqual(done["state"], "FAILED")
        self.assertIn("no connected worker has a larger one", done["message"])

    def test_a_cuda_error_restarts_the_worker_and_charges_one_attempt(self):
        self.service.start_scheduler()
        worker = self.start_gpu_worker()
        bad = self.service.probe("--run", "2s", "--fault", "device-error", "--fault-attempts", 1, "--output", "bad.bin", "--output-size", 10)
        self.service.until_state(bad, "RUNNING")
        neighbour = self.service.probe("--run", "10ms", "--output", "good.bin", "--output-size", 10)
        eventually(lambda: self.service.job(neighbour).get("attempts"), "the neighbour is prefetched")
        self.assertEqual(worker.wait(60), 75)
        self.assertIn("the device failed", self.service.log_of("g1"))
        self.start_gpu_worker()
        bad, neighbour = (self.service.until_state(job, "SUCCEEDED", "FAILED") for job in (bad, neighbour))
        self.assertEqual([a["errorClass"] for a in bad["attempts"]], ["DEVICE_ERROR", "UNSPECIFIED"])
        self.assertTrue(bad["attempts"][0]["charged"])
        self.assertFalse(bad["attempts"][0].get("killedWorker", False))
        self.assertEqual(neighbour["attempts"][0]["errorClass"], "PREEMPTED")
        self.assertFalse(neighbour["attempts"][0].get("charged", False))

    def test_a_gpu_where_two_jobs_in_a_row_hang_is_cordoned(self):
        self.service.start_scheduler()
        jobs = []
        for _ in range(2):
            worker = self.start_gpu_worker()
            jobs.append(self.service.probe("--fault", "hang"))
            eventually(lambda: self.service.job(jobs[-1]).get("attempts", [{}])[0].get("errorClass") == "WORKER_LOST", "it hung")
            self.service.unfold("cancel", jobs[-1])
            self.assertEqual(worker.wait(60), 70)
        attempts = [self.service.job(job)["attempts"][0] for job in jobs]
        self.assertEqual([a.get("charged", False) for a in attempts], [True, False])
        self.assertIn("its engine hung on cuda:0", attempts[0]["message"])
        last = self.service.probe("--run", "10ms")
        self.service.spawn_worker("g1", device="cuda:0", env={**os.environ, "UNFOLD_FAKE_NVML": str(self.gpu)})
        eventually(lambda: self.worker("g1").get("state") == "CORDONED", "the GPU is cordoned for the next process too")
        self.assertIn(f"2 jobs in a row hung there: {', '.join(jobs)}", self.worker("g1")["cordon"])
        self.assertRegex(self.metrics(), r'unfold_worker_gpu_errors_total\{gpu="cuda:0",host="[^"]+",kind="hang"\} 2')
        self.service.unfold("workers", "drain", "g1", "--undo")
        self.service.until_state(last, "SUCCEEDED")

    def test_up_starts_a_worker_again_whose_gpu_failed(self):
        environment = {**os.environ, "UNFOLD_FAKE_NVML": str(self.gpu)}
        up = self.service.spawn("up", BIN / "unfold", "up", "--device", "cuda", "--dir", self.service.home / "state", "--listen",
                                self.service.address, "--http", "127.0.0.1:0", "--enable-probe-engine", env=environment)
        eventually(self.service.list_workers, "a worker")
        job = self.service.probe("--fault", "device-error", "--fault-attempts", 1)
        done = self.service.until_state(job, "SUCCEEDED", "FAILED")
        self.assertEqual([a["errorClass"] for a in done["attempts"]], ["DEVICE_ERROR", "UNSPECIFIED"])
        self.assertIn("worker-0 ended (exit code 75)", self.service.log_of("up"))
        up.send_signal(signal.SIGTERM)
        self.assertEqual(up.wait(60), 0)

    def test_jobs_say_whether_they_were_warm_and_how_soon_they_computed(self):
        self.service.start_scheduler()
        self.start_gpu_worker()
        warm = ["--response", "psf", "--response-size", "1MiB", "--load", "500ms", "--run", "500ms"]
        first = self.service.until_state(self.service.probe(*warm), "SUCCEEDED")
        eventually(lambda: self.service.json("responses")["responses"], "the response is resident")
        second, third = self.service.probe(*warm), self.service.probe(*warm)
        second, third = (self.service.until_state(job, "SUCCEEDED") for job in (second, third))
        cold, hit, waited = (job["attempts"][0] for job in (first, second, third))
        self.assertFalse(cold.get("responseHit", False))
        self.assertGreaterEqual(cold["startSeconds"], 0.5)
        self.assertTrue(hit["responseHit"])
        self.assertIn("startSeconds", hit)
        self.assertIn("idleSeconds", waited)
        explained = "".join(self.service.json("explain", second["id"])["details"])
        self.assertRegex(explained, r"cuda:0, its response was resident, computing [0-9.]+ ms after it came")
        page = self.metrics()
        for line in ('unfold_job_start_duration_seconds_count{engine="probe",response="load"} 1',
                     'unfold_job_start_duration_seconds_count{engine="probe",response="hit"} 1',
                     'unfold_slot_idle_duration_seconds_count{engine="probe"} 1'):
            self.assertIn(line, page)

    def test_patterns_are_reconstructed_on_the_gpu_and_stay_there_for_the_next_job(self):
        self.service.start_scheduler()
        self.start_gpu_worker()
        self.assertNotIn("spi", self.worker("g1").get("cpuEngines", []))
        atoms = [(12, 0, 0), (-9, 5, 2), (-3, -10, 4), (1, 3, -11), (4, 8, 6)]
        lines = [f"ATOM  {i + 1:5d}  CA  ALA A{i + 1:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00 20.00           C  " for i, (x, y, z) in enumerate(atoms)]
        (self.service.data / "particle.pdb").write_text("\n".join([*lines, "END", ""]))
        self.service.unfold("simulate", "spi", "--pdb", "particle.pdb", "--size", 14, "--corner-resolution", 10, "--frames", 40, "--photons", 300, "-o", "patterns.h5")
        tiny = ["--data", self.service.data / "patterns.h5", "--grid", 11, "--max-generations", 2, "--phasing-starts", 1, "--coarse-references", 100]
        done = [json.loads(self.service.run("submit", "spi", *tiny, "--output", f"{name}.h5", "--wait", "--output-format", "json", timeout=600).stdout)
                for name in ("cold", "warm")]
        self.assertEqual([job["attempts"][0]["device"] for job in done], ["cuda:0", "cuda:0"])
        self.assertTrue(done[1]["attempts"][0]["responseHit"])

    def test_a_fatal_xid_cordons_the_gpu_and_takes_its_job_elsewhere_uncharged(self):
        self.service.start_scheduler()
        self.start_gpu_worker()
        job = self.service.probe("--run", "3s", "--output", "out.bin", "--output-size", 10)
        self.service.until_state(job, "RUNNING")
        self.assertIn('unfold_worker_gpu_errors_total{gpu="cuda:0",', self.metrics())
        self.gpu.write_text(HEALTHY + "xid 79\n")
        eventually(lambda: self.worker("g1").get("state") == "CORDONED", "the worker is cordoned")
        self.assertIn("Xid 79", self.worker("g1")["cordon"])
        self.service.until_state(job, "QUEUED")
        self.assertIn("cordoned: Xid 79", "".join(self.service.json("explain", job)["details"]))
        self.assertIn("is cordoned (Xid 79", self.service.unfold("logs", job))
        page = self.metrics()
        self.assertIn('unfold_workers{state="cordoned"} 1', page)
        self.assertRegex(page, r'unfold_worker_gpu_errors_total\{gpu="cuda:0",host="[^"]+",kind="xid"\} 1')
        self.assertRegex(page, r'unfold_worker_gpu_temperature_celsius\{gpu="cuda:0",host="[^"]+"\} 54')
        self.service.start_worker("c1")
        done = self.service.until_state(job, "SUCCEEDED", "FAILED")
        self.assertEqual([a["worker"] for a in done["attempts"]], ["g1", "c1"])
        self.assertFalse(done["attempts"][0].get("charged", False))
        self.service.unfold("workers", "drain", "g1", "--undo")
        self.assertEqual(self.worker("g1")["state"], "READY")

    def test_a_cuda_error_of_a_faulty_gpu_is_not_the_jobs_and_its_worker_stays_cordoned(self):
        self.service.start_scheduler()
        worker = self.start_gpu_worker()
        job = self.service.probe("--run", "2s", "--fault", "device-error")
        self.service.until_state(job, "RUNNING")
        self.gpu.write_text(HEALTHY + "xid 95\n")
        self.service.until_state(job, "QUEUED")
        self.assertEqual(self.worker("g1")["state"], "CORDONED")
        self.assertFalse(self.service.job(job)["attempts"][0].get("charged", False))
        self.assertIsNone(worker.poll())


if __name__ == "__main__":
    unittest.main(verbosity=2)
