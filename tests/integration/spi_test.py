"""Single-particle imaging through the real programs: a small particle from simulated patterns, checkpoints, refusals,
residency. Needs h5py and numpy."""

import json
import math
import re
import shutil
import unittest
import urllib.request

from service import Service, eventually

try:
    import h5py
    import numpy
except ImportError as problem:
    raise SystemExit(f"skipped: {problem}")

SMALL = ["--size", 20, "--corner-resolution", 9, "--frames", 120]
QUICK = ["--diameter", 36, "--max-generations", 6, "--phasing-starts", 2, "--coarse-references", 600]


def pinwheel():
    """A lopsided particle some 36 Angstrom across, as a PDB file."""
    lines = []
    for i in range(90):
        along = (i + 0.5) / 90
        turn, radius = 7.3 * along + (i % 3) * 2.1, 18 * math.sqrt(along) * (1 if i % 3 == 0 else 0.6)
        x, y = radius * math.cos(turn), radius * math.sin(turn) * (1 - 0.4 * along)
        z = 12.6 * (along - 0.5) * ((i % 2) * 2 - 1)
        lines.append(f"ATOM  {i + 1:5d}  CA  ALA A{i + 1:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00 20.00           C  ")
    return "\n".join(lines + ["END", ""])


class Spi(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.__exit__)
        self.service.start_scheduler()
        (self.service.data / "particle.pdb").write_text(pinwheel())

    def patterns(self, name="patterns.h5", photons=800):
        """Simulates; the path of the patterns."""
        self.service.unfold("simulate", "spi", "--pdb", "particle.pdb", *SMALL, "--photons", photons, "-o", name)
        return self.service.data / name

    def submit(self, data, output, *arguments):
        return self.service.run("submit", "spi", "--data", data, "--output", output, *arguments, timeout=600)

    def density(self, data, output, *arguments):
        """Waits for a job; it as JSON."""
        done = self.submit(data, output, *arguments, "--wait", "--output-format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)


class Products(Spi):
    def test_patterns_become_a_density_that_can_be_looked_at(self):
        self.service.start_worker("w1")
        data = self.patterns()
        job = self.density(data, "density.h5", *QUICK, "--mrc", "density.mrc", "--png", "density.png", "--dragonfly-output", "out",
                           "--parents", "--reference", "particle.pdb")
        self.assertEqual([o["path"] for o in job["outputs"]], ["data:density.h5", "data:density.mrc", "data:density.png",
                                                               "data:out/output_006.h5", "data:out/EMC.log"])
        self.assertTrue((self.service.data / "density.png").read_bytes().startswith(b"\x89PNG"))
        self.assertEqual((self.service.data / "density.mrc").read_bytes()[208:211], b"MAP")
        self.assertIn("reference_correlation", job["summary"])
        with h5py.File(self.service.data / "density.h5") as product:
            density, turns = product["density"][:], product["orientations"][:]
            self.assertEqual(turns.shape, (120, 4))
            self.assertTrue(numpy.allclose(numpy.linalg.norm(turns, axis=1), 1))
            self.assertEqual(len(set(density.shape)), 1)
            self.assertTrue(numpy.all(numpy.isfinite(density)) and density.max() > 0)
        with h5py.File(self.service.data / "out" / "output_006.h5") as iterate:
            self.assertIn("intens", iterate)
        for name in ("density.h5", "density.mrc"):
            self.service.unfold("view", name, "-o", "look.png")
            self.assertTrue((self.service.data / "look.png").read_bytes().startswith(b"\x89PNG"))

    def test_the_same_job_gives_the_same_density_and_a_reference_changes_nothing(self):
        self.service.start_worker("w1")
        data = self.patterns()
        self.density(data, "one.h5", *QUICK)
        self.density(data, "two.h5", *QUICK, "--reference", "particle.pdb")
        self.assertEqual(self.service.run("diff", "one.h5", "one.h5").returncode, 0)
        self.assertEqual(self.service.run("diff", "one.h5", "two.h5").returncode, 1)  # one has no reference
        with h5py.File(self.service.data / "one.h5") as one, h5py.File(self.service.data / "two.h5") as two:
            for name in ("density", "orientations"):
                self.assertEqual(one[name][:].tobytes(), two[name][:].tobytes(), name)

    def test_a_second_job_on_the_same_patterns_loads_nothing(self):
        self.service.start_worker("w1")
        data = self.patterns()
        first = self.density(data, "first.h5", *QUICK, "--no-halves")
        key = first["plan"]["responseKey"]
        eventually(lambda: key in [r["key"] for r in self.service.json("responses")["responses"]], "the patterns are resident")
        second = self.density(data, "second.h5", *QUICK, "--no-halves", "--seed", 2)
        self.assertEqual(second["plan"]["responseKey"], key)
        self.assertFalse(first["attempts"][0].get("responseHit", False))
        self.assertTrue(second["attempts"][0]["responseHit"])
        address = re.search(r'"http":"([^"]+)"', self.service.log_of("scheduler"))[1]
        page = urllib.request.urlopen(f"{address}/metrics", timeout=20).read().decode()
        self.assertIn('unfold_placements_total{kind="hit"} 1', page)

    def test_dragonflys_config_names_the_data(self):
        self.service.start_worker("w1")
        with h5py.File(self.patterns()) as file:
            frames = file["photons"].shape[0]
        self.service.unfold("simulate", "spi", "--pdb", "particle.pdb", *SMALL, "--format", "emc", "-o", "photons.emc")
        done = self.service.run("submit", "spi", "--config", "photons.ini", "--output", "d.h5", "--dry-run", "--output-format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        plan = json.loads(done.stdout)["plan"]
        self.assertIn(f"{frames} of", plan["facts"]["patterns"])


class Interrupted(Spi):
    LONG = ["--diameter", 36, "--phasing-starts", 2, "--checkpoint-generations", 1]

    def running(self, output):
        job = self.submit("patterns.h5", output, *self.LONG).stdout.strip()
        eventually(lambda: list(self.service.data.glob(f".{output}.{job}.checkpoint")), "a checkpoint is written")
        return job

    def counted(self, job, unit):
        """The job's progress if it counts in that unit by now."""
        progress = self.service.job(job).get("progress", {})
        return progress if progress.get("unit") == unit else None

    def test_a_killed_workers_job_goes_on_and_ends_with_the_same_bits(self):
        self.patterns()
        self.service.start_worker("w1")
        job = self.running("resumed.h5")
        self.assertEqual(self.service.state(job), "RUNNING")
        self.service.workers["w1"].kill()
        self.service.start_worker("w2")
        done = self.service.until_state(job, "SUCCEEDED", "FAILED", "QUARANTINED", patience=600)
        self.assertEqual(done["state"], "SUCCEEDED", done)
        self.assertIn("going on from the checkpoint", self.service.unfold("logs", job))
        self.assertEqual(list(self.service.data.glob(".resumed.h5*")), [])
        self.density("patterns.h5", "undisturbed.h5", *self.LONG)
        with h5py.File(self.service.data / "resumed.h5") as one, h5py.File(self.service.data / "undisturbed.h5") as other:
            for name in ("density", "orientations", "fluences", "autocorrelation"):
                self.assertEqual(one[name][:].tobytes(), other[name][:].tobytes(), name)

    def test_a_cancelled_job_stops_and_leaves_nothing(self):
        self.patterns()
        self.service.start_worker("w1")
        job = self.running("density.h5")
        progress = eventually(lambda: self.counted(job, "generations"), "progress counts generations")
        self.assertIn("logLikelihood", progress)
        self.service.unfold("cancel", job)
        self.service.until_state(job, "CANCELLED", patience=30)
        eventually(lambda: list(self.service.data.glob(".density.h5*")) == [], "the checkpoint is gone")
        self.assertFalse((self.service.data / "density.h5").exists())


class BadInput(Spi):
    def changed(self, change):
        to = self.service.data / "changed.h5"
        shutil.copy(self.service.data / "patterns.h5", to)
        with h5py.File(to, "r+") as file:
            change(file)
        return to

    def refused(self, field, data, *arguments):
        done = self.submit(data, "density.h5", *arguments)
        self.assertEqual(done.returncode, 8, f"{data} {arguments}: {done.stdout}{done.stderr}")
        self.assertIn(field, done.stderr)
        self.assertRegex(done.stderr, r"\(.+\) \[.+\]")  # problem (why) [what to do]
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_contents_that_cannot_be_are_refused_at_submit(self):
        self.patterns(photons=0)

        def put(name, change):
            def edit(file):
                old = file[name]
                new, attributes = change(old[:]), dict(old.attrs)
                del file[name]
                file.create_dataset(name, data=new).attrs.update(attributes)
            return edit

        def not_a_number(values):
            values[7, 0, 3, 5] = numpy.nan
            return values

        def ambiguous(file):
            for name in list(file):
                del file[name]
            file["intensities"] = numpy.ones((120, 3, 3, 3), "f4")
            file["pixel_position_reciprocal"] = numpy.full((3, 3, 3, 3), 1e8)

        self.assertEqual(self.submit("patterns.h5", "density.h5", "--dry-run").returncode, 0)
        for what, change, word in (
                ("NaN pixels", put("intensities", not_a_number), "frame 7"),
                ("no photons", put("intensities", lambda i: 0 * i), "photon"),
                ("an axis order that cannot be told", ambiguous, "does not tell which axis is x, y, z"),
                ("a mask of all pixels", put("mask", lambda m: 0 * m + 2), "mask")):
            with self.subTest(what):
                self.assertIn(word, self.refused("spi.", self.changed(change)))
        self.refused("10 patterns", "patterns.h5", "--selection", "0-9")

    def test_fewer_patterns_than_directions_is_a_warning(self):
        self.patterns()
        for arguments in (["--dry-run"], []):
            done = self.submit("patterns.h5", "density.h5", "--diameter", 60, *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stderr, r"120 patterns are few: about \d+ fill every direction")

    def test_files_and_options_that_cannot_be(self):
        data = self.patterns()
        (self.service.data / "text.h5").write_text("hello\n" * 999)
        (self.service.data / "cut.h5").write_bytes(data.read_bytes()[:20000])
        for field, file, arguments in (
                ("spi.data", "absent.h5", []), ("spi.detector", "text.h5", []), ("spi.data", "cut.h5", []),
                ("spi.data", "/etc/hostname", []), ("spi.grid", data, ["--grid", 36]), ("spi.diameter", data, ["--diameter", -1]),
                ("spi.reduction", data, ["--bin", 5]), ("spi.selection", data, ["--selection", "0-500"]),
                ("spi.reference", data, ["--reference", "text.h5"]), ("spi.background", data, ["--background", "text.h5"])):
            with self.subTest(f"{field} {arguments}"):
                self.refused(field, file, *arguments)

    def test_a_dry_run_tells_what_the_patterns_ask_for_and_draws_them(self):
        self.patterns()
        done = self.submit("patterns.h5", "density.h5", "--dry-run", "--png", "look.png")
        self.assertEqual(done.returncode, 0, done.stderr)
        for fact in ("voxel", "angular_spacing_needed", "references_needed", "images_per_shannon_voxel"):
            self.assertIn(fact, done.stdout)
        self.assertTrue((self.service.data / "look.png").read_bytes().startswith(b"\x89PNG"))
        self.assertFalse((self.service.data / "density.h5").exists())


if __name__ == "__main__":
    unittest.main()
