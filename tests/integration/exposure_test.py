"""Exposures: a group of cameras submitted as one, with desi_proc's presets; what is missing is named."""

import json
import unittest

from service import Service, eventually

GRID = {"b": (3600, 5800), "r": (5760, 7620), "z": (7520, 9824)}


class Exposures(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.__exit__)
        self.service.start_scheduler()

    def simulate(self, camera, *arguments, expid=42):
        self.service.unfold("simulate", "extraction", "--camera", camera, "--expid", expid, "--night", 20261120,
                            "--nspec", 25, "--dir", self.service.data, *arguments)

    def submit(self, *arguments):
        return self.service.run("submit", "exposure", "--night", 20261120, "--expid", 42, "--input-dir", self.service.data,
                                "--psf-dir", self.service.data, "--output-dir", self.service.data, "--nspec", 25, *arguments)

    def test_dry_run_shows_the_presets_of_each_camera(self):
        for camera in ("b0", "r0", "z0"):
            self.simulate(camera)
        done = self.submit("--dry-run", "--output-format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        specs = {c["camera"]: c["spec"] for c in json.loads(done.stdout)["cameras"]}
        for camera, spec in specs.items():
            self.assertEqual((spec["wavelength"]["min"], spec["wavelength"]["max"]), GRID[camera[0]])
            self.assertEqual(spec["wavelength"]["step"], 0.8)
            self.assertEqual(spec["psferr"], 0.04 if camera == "b0" else 0.01)
            self.assertTrue(spec["barycentricCorrection"])
        self.assertEqual(sorted(specs), ["b0", "r0", "z0"])
        self.assertEqual(self.service.json("jobs").get("jobs", []), [])

    def test_a_missing_camera_is_named_and_the_others_run(self):
        self.simulate("r0")
        self.simulate("z0")
        (self.service.data / "psf-z0-00000042.fits").unlink()
        self.service.start_worker("w1")
        done = self.submit("--cameras", "r0,z0", "--wait")
        self.assertEqual(done.returncode, 11, done.stderr)
        self.assertIn("z0", done.stderr)
        self.assertTrue((self.service.data / "frame-r0-00000042.fits").exists())
        self.assertFalse((self.service.data / "frame-z0-00000042.fits").exists())

    def test_the_same_request_id_gives_the_same_exposure(self):
        self.simulate("r0")
        first = self.submit("--request-id", "night-1")
        again = self.submit("--request-id", "night-1")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(first.stdout, again.stdout)
        self.assertEqual(len(self.service.json("jobs")["jobs"]), 1)

    def test_psfnight_only_when_allowed(self):
        self.simulate("r0")
        (self.service.data / "psf-r0-00000042.fits").rename(self.service.data / "psfnight-r0-20261120.fits")
        refused = self.submit()
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("psf-r0-00000042.fits", refused.stderr)
        allowed = self.submit("--allow-psfnight")
        self.assertEqual(allowed.returncode, 0, allowed.stderr)
        job = eventually(lambda: self.service.json("jobs").get("jobs"), "the job is listed")[0]
        self.assertTrue(job["spec"]["extraction"]["psfIsPsfnight"])

    def test_a_header_that_disagrees_with_the_path_is_refused(self):
        self.simulate("r0", expid=43)
        for kind in ("preproc", "psf"):
            (self.service.data / f"{kind}-r0-00000043.fits").rename(self.service.data / f"{kind}-r0-00000042.fits")
        done = self.submit()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("EXPID", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
