"""The Python client against the real service. Usage: UNFOLD_BIN_DIR=... PYTHONPATH=(build)/python client_test.py SOURCE"""
import io
import os
import pathlib
import sys
import unittest
from contextlib import redirect_stderr

import numpy

SOURCE = pathlib.Path(sys.argv[1]).resolve()
sys.path.insert(0, str(SOURCE / "tests/integration"))
from service import Service  # noqa: E402

import unfold  # noqa: E402
from unfold.v1 import types_pb2  # noqa: E402


class PythonClient(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.__exit__)
        self.service.start_scheduler()
        self.client = unfold.Client(self.service.address, user="ada")
        self.addCleanup(self.client.close)

    def probe(self, **fields):
        return types_pb2.JobSpec(probe=types_pb2.ProbeSpec(**fields))

    def test_a_frame_from_submission_to_arrays(self):
        self.service.start_worker("w1")
        self.service.unfold("simulate", "extraction", "--nspec", 25, "-w", "6500,6580,0.8", "--expid", 5, "--dir", self.service.data)
        data = self.service.data
        job = self.client.submit_extraction(image=data / "preproc-r0-00000005.fits", psf=data / "psf-r0-00000005.fits",
                                            output=data / "frame.fits", wavelength=(6500, 6580, 0.8), nspec=25, labels={"from": "python"})
        said = io.StringIO()
        with redirect_stderr(said):
            frame = job.wait(timeout=120).result()
        self.assertEqual(job.state, "SUCCEEDED")
        self.assertEqual(job.message.submitter, "ada")
        self.assertEqual(dict(job.message.spec.labels), {"from": "python"})
        self.assertEqual(frame.path, data / "frame.fits")
        self.assertEqual(frame.arrays["FLUX"].shape, (25, 101))
        numpy.testing.assert_allclose(frame.arrays["WAVELENGTH"], 6500 + 0.8 * numpy.arange(101))
        self.assertEqual(frame.hdus["FLUX"].header["NAXIS1"], 101)
        self.assertGreater(frame.summary["bins"], 0)
        self.assertEqual([j.id for j in self.client.jobs("state=SUCCEEDED")], [job.id])
        self.assertEqual([w.name for w in self.client.workers()], ["w1"])

    def test_a_map_as_arrays(self):
        self.service.start_worker("w1")
        day = self.service.data / "day.h5"
        self.service.unfold("simulate", "imaging", "--output", day, "--times", 8)
        job = self.client.submit_imaging(data=day, output=self.service.data / "map.h5", algorithm="em", iterations=3)
        image = job.wait(timeout=120, progress=False).result()
        self.assertTrue(any(array.ndim == 1 and array.size > 100 and numpy.all(array >= 0) for array in image.arrays.values()
                            if array.dtype.kind == "f"), {name: array.shape for name, array in image.arrays.items()})
        with self.assertRaises(TypeError):
            image.hdus

    def test_errors_carry_reason_field_and_words(self):
        with self.assertRaises(unfold.UnfoldError) as raised:
            self.client.submit_extraction(image="data:absent.fits", psf="data:absent.fits", output="data:o.fits")
        self.assertEqual(raised.exception.field, "extraction.image")
        self.assertRegex(str(raised.exception), r"\(.+\)")
        with self.assertRaisesRegex(TypeError, "nspectra.*nspec"):
            self.client.submit_extraction(image="a", psf="b", output="c", nspectra=5)
        with self.assertRaisesRegex(ValueError, "osem"):
            self.client.submit_imaging(data="a", output="b", algorithm="magic")
        with self.assertRaises(unfold.UnfoldError) as raised:
            self.client.get("nojob")
        self.assertEqual(raised.exception.code, "NOT_FOUND")

    def test_a_failed_job_raises_with_its_message(self):
        self.service.start_worker("w1")
        job = self.client.submit(self.probe(fault=types_pb2.ProbeSpec.FAULT_INPUT_ERROR))
        with self.assertRaises(unfold.JobFailed) as raised:
            job.wait(timeout=60, progress=False)
        self.assertEqual(raised.exception.reason, "INPUT_ERROR")
        self.assertEqual(raised.exception.job.id, job.id)
        with self.assertRaises(unfold.UnfoldError):
            job.result()

    def test_waiting_times_out_and_the_job_can_be_cancelled(self):
        job = self.client.submit(self.probe())
        with self.assertRaises(TimeoutError):
            job.wait(timeout=0.2, progress=False)
        self.assertEqual(job.refresh().state, "QUEUED")
        self.assertIn("worker", job.explain())
        self.assertEqual(job.cancel().state, "CANCELLED")

    def test_a_request_id_counts_once(self):
        first = self.client.submit(self.probe(), request_id="once")
        self.assertEqual(self.client.submit(self.probe(), request_id="once").id, first.id)

    def test_no_scheduler(self):
        with unfold.Client(f"unix:{self.service.home}/nobody.sock") as nobody:
            with self.assertRaises(unfold.UnfoldError) as raised:
                nobody.get("x")
        self.assertEqual(raised.exception.reason, "SERVER_UNREACHABLE")


class Paths(unittest.TestCase):
    def test_are_the_servers_or_absolute(self):
        from unfold.client import default_server, server_path
        self.assertEqual(server_path("data:night/a.fits"), "data:night/a.fits")
        self.assertEqual(server_path("a.fits"), os.path.abspath("a.fits"))
        self.assertEqual(server_path("./odd:name"), os.path.abspath("odd:name"))
        self.assertTrue(default_server().startswith("unix:") or "UNFOLD_SERVER" in os.environ)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
