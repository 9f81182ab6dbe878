"""Imaging through the real programs: the reference cases, checkpoints, refusals, residency. Needs h5py and numpy, and
for most tests the shared data (UNFOLD_SHARED, or the folder `shared` beside the checkout)."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest
import urllib.request

from service import Service, eventually

try:
    import h5py
    import numpy
except ImportError as problem:
    raise SystemExit(f"skipped: {problem}")

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CASES = pathlib.Path(os.environ.get("UNFOLD_SHARED", SOURCE.parent / "shared")) / "data" / "imaging"
TINY = "01_tiny_basic"
ALGORITHMS = {"dc1": "dc1", "dc1_feedback": "dc1-feedback", "em_plain": "em", "em_joint": "em-newton", "cosipy_rl": "cosipy-rl",
              "cosipy_rl_accel": "cosipy-rl"}


def worst(is_, wanted):
    """Largest difference over the largest magnitude wanted."""
    return numpy.max(numpy.abs(is_ - wanted)) / max(numpy.max(numpy.abs(wanted)), 1e-300)


def maps_of(group):
    return {int(name[4:]): group[name] for name in group if name.startswith("map_") and name != "map_0"}


def tolerance(case, algorithm, dataset, last):
    """The dc1 loops' line search is nearly flat at their end (README of the cases)."""
    given = dataset.attrs["tol_rel_max"]
    if not (last and algorithm.startswith("dc1")):
        return given
    return max(given, 1e-2 if case == TINY else 1e-5)


class Imaging(unittest.TestCase):
    def setUp(self):
        if not CASES.is_dir():
            self.skipTest(f"no shared data in {CASES}")
        self.service = Service()
        self.addCleanup(self.service.__exit__)
        self.service.start_scheduler()

    def case(self, name):
        to = self.service.data / f"{name}.h5"
        shutil.copy(CASES / to.name, to)
        return to

    def submit(self, data, output, *arguments):
        return self.service.run("submit", "imaging", "--data", data, "--output", output, *arguments)

    def image(self, data, output, *arguments):
        """Waits for a job; it as JSON."""
        done = self.submit(data, output, *arguments, "--wait", "--output-format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)


class ReferenceCases(Imaging):
    def test_every_algorithm_gives_the_reference_maps(self):
        self.service.start_worker("w1")
        for case in (TINY, "04_two_near_sources", "07_six_background_groups"):
            data = self.case(case)
            with h5py.File(data) as file:
                for group, algorithm in ALGORITHMS.items():
                    with self.subTest(f"{case} {group}"):
                        self.compare(case, data, algorithm, group, file["out"][group], file["in/dOmega"][:])

    def compare(self, case, data, algorithm, name, group, area):
        iterations = int(group.attrs["iterations"])
        wanted = maps_of(group)
        options = ["--algorithm", algorithm, "--iterations", iterations, "--stop", "iterations", "--initial-flux", 0.01,
                   "--save-iterations", ",".join(map(str, wanted))]
        if name == "dc1":
            options += ["--background-prior", group.attrs["fitted_bg"], "--dc1-scale", group.attrs["afl_scl"]]
        if name == "cosipy_rl_accel":
            options += ["--max-step", 10]
        job = self.image(data, f"{case}-{name}.h5", *options)
        with h5py.File(self.service.data / f"{case}-{name}.h5") as product:
            for at, reference in wanted.items():
                limit = tolerance(case, algorithm, reference, at == iterations)
                self.assertLessEqual(worst(product[f"maps/{at}"][:].ravel(), reference[:]), limit, f"map {at}")
            image = product["map"][:].ravel()
            self.assertLessEqual(worst(image, product[f"maps/{iterations}"][:].ravel()), 0)
            self.assertEqual(product["log_likelihood"].shape, (iterations,))
        self.assertEqual(job["summary"]["iterations"], iterations)
        self.assertAlmostEqual(job["summary"]["flux"], float(numpy.sum(image * area)), delta=1e-9)

    def test_a_dense_response_in_its_own_file(self):
        self.service.start_worker("w1")
        data = self.case("08_precision_dense_R")
        response = self.service.data / "R.h5"
        with h5py.File(data) as file, h5py.File(response, "w") as out:
            out.create_group("in").create_dataset("R", data=file["in/R"][:])
        self.image(data, "map.h5", "--response", response, "--algorithm", "dc1", "--iterations", 30)
        with h5py.File(data) as file, h5py.File(self.service.data / "map.h5") as product:
            self.assertLessEqual(worst(product["map"][:].ravel(), file["out/fp64/map_30"][:]), 1e-5)

    def test_no_counts_at_all_make_an_empty_map(self):
        self.service.start_worker("w1")
        data = self.case("10_all_zero_counts")
        for algorithm in ("em", "osem", "map", "dc1", "dc1-feedback", "em-newton", "cosipy-rl"):
            with self.subTest(algorithm):
                self.image(data, f"{algorithm}.h5", "--algorithm", algorithm, "--iterations", 3, "--stop", "iterations")
                with h5py.File(self.service.data / f"{algorithm}.h5") as product:
                    self.assertTrue(numpy.all(numpy.isfinite(product["map"][:])))
        with h5py.File(self.service.data / "em.h5") as product:
            self.assertEqual(numpy.max(product["map"][:]), 0)
            self.assertEqual(numpy.max(product["background_amplitude"][:][-1]), 0)


class Products(Imaging):
    def test_the_map_says_what_made_it_and_other_formats_hold_the_same(self):
        self.service.start_worker("w1")
        data = self.case(TINY)
        job = self.image(data, "map.h5", "--fits", "map.fits", "--png", "map.png", "--bootstrap", 4, "--region", "bulge:0,0,20",
                         "--iterations", 4, "--stop", "iterations")
        self.assertEqual([o["path"] for o in job["outputs"]], ["data:map.h5", "data:map.fits", "data:map.png"])
        self.assertTrue((self.service.data / "map.png").read_bytes().startswith(b"\x89PNG"))
        self.assertTrue((self.service.data / "map.fits").read_bytes().startswith(b"SIMPLE  ="))
        with h5py.File(self.service.data / "map.h5") as product:
            attributes = dict(product.attrs)
            self.assertEqual(product["standard_error"].shape, product["map"].shape)
        for name, value in {"job": job["id"], "algorithm": "osem", "stop": "iterations", "storage": "fp32", "iterations": 4,
                            "bootstrap": 4, "stopped_by": "iterations"}.items():
            found = attributes[name]
            self.assertEqual(found.decode() if isinstance(found, bytes) else found, value, name)
        digest = subprocess.run(["sha256sum", data], capture_output=True, text=True, check=True).stdout.split()[0]
        found = attributes["data_sha256"]
        self.assertEqual(found.decode() if isinstance(found, bytes) else found, digest)

    def test_a_second_job_with_the_same_response_loads_nothing(self):
        self.service.start_worker("w1")
        data = self.case(TINY)
        other = self.service.data / "other.h5"
        shutil.copy(data, other)
        first = self.image(data, "first.h5")
        self.known_to_be_resident(first)
        second = self.image(other, "second.h5")
        self.assertEqual(first["plan"]["responseKey"], second["plan"]["responseKey"])
        self.assertFalse(first["attempts"][0].get("responseHit", False))
        self.assertTrue(second["attempts"][0]["responseHit"])
        self.assertIn("its response was resident", self.service.unfold("explain", second["id"]))
        self.assertEqual(self.placements("load"), 1)
        self.assertEqual(self.placements("hit"), 1)
        keys = [r["key"] for r in self.service.json("responses")["responses"]]
        self.assertIn(first["plan"]["responseKey"], keys)

    def known_to_be_resident(self, job):
        """The scheduler learns it from the next heartbeat."""
        eventually(lambda: job["plan"]["responseKey"] in [r["key"] for r in self.service.json("responses")["responses"]],
                   "the response is resident")

    def placements(self, kind):
        address = re.search(r'"http":"([^"]+)"', self.service.log_of("scheduler"))[1]
        page = urllib.request.urlopen(f"{address}/metrics", timeout=20).read().decode()
        return float(re.search(rf'^unfold_placements_total{{kind="{kind}"}} (\S+)$', page, re.M)[1])

    def test_a_preloaded_response_is_found(self):
        self.service.start_worker("w1")
        data = self.case(TINY)
        first = self.image(data, "first.h5")
        self.known_to_be_resident(first)
        self.service.unfold("responses", "evict", first["plan"]["responseKey"])
        eventually(lambda: first["plan"]["responseKey"] not in [r["key"] for r in self.service.json("responses")["responses"]],
                   "the response is gone")
        self.service.unfold("responses", "preload", first["id"])
        self.known_to_be_resident(first)
        self.assertTrue(self.image(data, "second.h5")["attempts"][0]["responseHit"])


class RawFiles(unittest.TestCase):
    PIXEL = 18
    SOURCE_AT = (63, -27)

    def test_raw_files_give_the_map_of_their_source_by_import_and_without(self):
        with Service() as service:
            service.start_scheduler()
            service.start_worker("w1")
            raw = json.loads(service.unfold("simulate", "imaging", "--preset", "tiny", "--pixel", self.PIXEL, "--source", "63,-27,0.6", "-o",
                                            "truth.h5", "--write-raw", "raw", "--output-format", "json"))
            files = ["--data", raw["raw_events"], "--response", raw["raw_response"], "--background-file", raw["raw_background"],
                     "--attitude", raw["raw_attitude"], "--pixel", self.PIXEL]
            service.unfold("import", "imaging", *files, "-o", "day.h5")
            service.unfold("submit", "imaging", "--data", "day.h5", "-o", "imported.h5", "--wait")
            service.unfold("submit", "imaging", *files, "-o", "direct.h5", "--wait")
            with h5py.File(service.data / "imported.h5") as imported, h5py.File(service.data / "direct.h5") as direct:
                image = imported["map"][:].ravel()
                self.assertLessEqual(worst(direct["map"][:].ravel(), image), 1e-6)
                brightest = int(numpy.argmax(image))
                self.assertEqual((imported["l_deg"][brightest], imported["b_deg"][brightest]), self.SOURCE_AT)


class Interrupted(Imaging):
    LONG = ["--algorithm", "em", "--stop", "iterations", "--iterations", 40000, "--save-iterations", "10,40000",
            "--checkpoint-iterations", 50]

    ENDLESS = ["--algorithm", "em", "--stop", "iterations", "--iterations", 100000, "--checkpoint-iterations", 50]

    def running(self, output, how=LONG):
        data = self.service.data / f"{TINY}.h5"
        job = self.submit(data, output, *how).stdout.strip()
        eventually(lambda: list(self.service.data.glob(f".{output}.{job}.checkpoint")), "a checkpoint is written")
        return job

    def test_a_killed_workers_job_goes_on_and_ends_with_the_same_bits(self):
        self.case(TINY)
        self.service.start_worker("w1")
        job = self.running("resumed.h5")
        self.assertEqual(self.service.state(job), "RUNNING")
        self.service.workers["w1"].kill()
        self.service.start_worker("w2")
        done = self.service.until_state(job, "SUCCEEDED", "FAILED", "QUARANTINED")
        self.assertEqual(done["state"], "SUCCEEDED", done)
        self.assertEqual([a["worker"] for a in done["attempts"]], ["w1", "w2"])
        self.assertIn("going on from the checkpoint", self.service.unfold("logs", job))
        self.assertEqual(list(self.service.data.glob(".resumed.h5*")), [])
        self.image(self.service.data / f"{TINY}.h5", "undisturbed.h5", *self.LONG)
        with h5py.File(self.service.data / "resumed.h5") as one, h5py.File(self.service.data / "undisturbed.h5") as other:
            for name in ("map", "maps/10", "log_likelihood", "background_amplitude"):
                self.assertEqual(one[name][:].tobytes(), other[name][:].tobytes(), name)

    def test_a_foreign_checkpoint_is_ignored(self):
        self.case(TINY)
        self.service.start_worker("w1")
        job = self.running("map.h5")
        worker = self.service.workers["w1"]
        worker.kill()
        worker.wait()
        checkpoint = self.service.data / f".map.h5.{job}.checkpoint"
        content = bytearray(checkpoint.read_bytes())
        content[40] ^= 1  # within the digest of what it was made from
        checkpoint.write_bytes(content)
        self.service.start_worker("w2")
        done = self.service.until_state(job, "SUCCEEDED", "FAILED")
        self.assertEqual(done["state"], "SUCCEEDED", done)
        self.assertIn("the checkpoint is ignored", self.service.unfold("logs", job))

    def test_a_cancelled_job_stops_and_leaves_nothing(self):
        self.case(TINY)
        self.service.start_worker("w1")
        job = self.running("map.h5", self.ENDLESS)
        self.service.unfold("cancel", job)
        self.service.until_state(job, "CANCELLED", patience=20)
        self.assertEqual(self.service.list_workers()[0]["state"], "READY")
        eventually(lambda: list(self.service.data.glob(".map.h5*")) == [], "the checkpoint is gone")
        self.assertFalse((self.service.data / "map.h5").exists())

    def test_a_running_job_shows_its_numbers_and_a_picture_on_request(self):
        self.case(TINY)
        self.service.start_worker("w1")
        job = self.running("map.h5", self.ENDLESS)
        progress = eventually(lambda: (lambda p: p if p.get("previewPng") else None)(self.service.job(job).get("progress", {})),
                              "a preview is there")
        self.assertEqual(progress["unit"], "iterations")
        self.assertIn("logLikelihood", progress)
        self.assertIn("background_amplitude_0", progress["numbers"])
        listed = self.service.json("jobs", "--active")["jobs"][0]
        self.assertEqual(listed["progress"].get("previewPng", ""), "")
        self.service.unfold("cancel", job)


class BadInput(Imaging):
    def changed(self, name, change):
        to = self.service.data / name
        shutil.copy(CASES / f"{TINY}.h5", to)
        with h5py.File(to, "r+") as file:
            change(file)
        return to

    def refused(self, field, data, *arguments):
        done = self.submit(data, "map.h5", *arguments)
        self.assertEqual(done.returncode, 8, f"{data} {arguments}: {done.stdout}{done.stderr}")
        self.assertIn(field, done.stderr)
        self.assertRegex(done.stderr, r"\(.+\)")
        self.assertEqual(done.stdout, "")

    def replace(self, name, change):
        """A case whose dataset in/`name` is what `change` makes of it."""
        def edit(file):
            old = file[f"in/{name}"]
            new, attributes = change(old[:]), dict(old.attrs)
            del file[f"in/{name}"]
            made = file["in"].create_dataset(name, data=new)
            made.attrs.update(attributes)
        return self.changed(f"{name}.h5", edit)

    def test_files_that_are_not_what_they_should_be(self):
        good = CASES / f"{TINY}.h5"
        content = good.read_bytes()

        def written(name, data):
            (self.service.data / name).write_bytes(data)
            return self.service.data / name

        def link_out(file):
            del file["in/counts"]
            file["in/counts"] = h5py.ExternalLink("other.h5", "/in/counts")

        def drop(name):
            return lambda file: file.__delitem__(name)

        def nan(numbers):
            numbers = numbers.astype(float)
            numbers.flat[7] = numpy.nan
            return numbers

        self.assertEqual(self.submit(self.case(TINY), "map.h5", "--dry-run").returncode, 0)
        for what, path in {
                "absent": "absent.h5",
                "truncated": written("cut.h5", content[:len(content) // 2]), "an external link": self.changed("link.h5", link_out),
                "no counts": self.changed("none.h5", drop("in/counts")), "NaN counts": self.replace("counts", nan),
                "negative counts": self.replace("counts", lambda c: c - 100.0),
                "counts of other bins": self.replace("counts", lambda c: c[:, :-1]),
                "a response of other bins": self.replace("instrument_response_cm2", lambda r: r[:, :-3]),
                "lookups of other pixels": self.replace("lookup_k", lambda k: k[:, :-1]),
                "outside the roots": "/etc/hostname"}.items():
            with self.subTest(what):
                self.refused("imaging.data", path)
        for what, content in {"empty": b"", "text": b"hello\n" * 999}.items():  # taken for events without a response
            with self.subTest(what):
                self.refused("imaging.", written("text.h5", content))

    def test_a_response_file_with_other_bins(self):
        response = self.service.data / "response.h5"
        with h5py.File(CASES / "04_two_near_sources.h5") as file, h5py.File(response, "w") as out:
            out.create_group("in").create_dataset("instrument_response_cm2", data=file["in/instrument_response_cm2"][:])
        self.refused("imaging.response", self.case(TINY), "--response", response)

    def test_wrong_units(self):
        def edit(file):
            file["in/instrument_response_cm2"].attrs["unit"] = "m2"
        self.refused("unit", self.changed("unit.h5", edit))

    def test_values_out_of_range(self):
        data = self.case(TINY)
        for field, arguments in (
            ("iterations", ["--iterations", 0]), ("iterations", ["--iterations", -3]), ("subsets", ["--subsets", 49]),
            ("subsets", ["--subsets", 0]), ("initial_flux", ["--initial-flux", "nan"]), ("initial_flux", ["--initial-flux", 0]),
            ("background_prior", ["--algorithm", "dc1", "--background-prior", -1]), ("background", ["--background", "nope"]),
            ("background", ["--background", "background_live", "--background", "background_live"]),
            ("prior", ["--algorithm", "dc1", "--prior", "gamma:0.9"]), ("prior", ["--algorithm", "map", "--prior", "none"]),
            ("prior_weight", ["--algorithm", "map", "--prior", "tsv:-1"]), ("save_iterations", ["--save-iterations", "5,51"]),
            ("storage", ["--storage", "integer"]), ("bootstrap", ["--bootstrap", 1]),
            ("bootstrap", ["--algorithm", "dc1", "--bootstrap", 5]), ("thinning_fraction", ["--thinning-fraction", 1]),
            ("regions", ["--region", "a:0,0,30", "--region", "a:0,0,30"]), ("regions.b", ["--region", "a:0,91,30"]),
            ("regions", ["--region", "a:0,0,0.5"]), ("regions.radius", ["--region", "a:0,0,-3"]),
            ("stop_threshold", ["--stop", "likelihood", "--stop-threshold", "nan"]), ("smooth", ["--smooth", -1]),
            ("max_step", ["--algorithm", "cosipy-rl", "--max-step", 0.5]), ("output", ["--output", "absent/map.h5"]),
            ("png", ["--png", "map.h5"]), ("binning.energy_max", ["--energy", "521,501"]),
        ):
            with self.subTest(" ".join(map(str, arguments))):
                given = [] if "--output" in arguments else ["--output", "map.h5"]
                done = self.service.run("submit", "imaging", "--data", data, *given, *arguments)
                self.assertEqual(done.returncode, 8, f"{arguments}: {done.stdout}{done.stderr}")
                self.assertIn(f"imaging.{field}", done.stderr)

    def test_options_that_do_not_parse_are_usage_errors(self):
        data = self.case(TINY)
        for arguments in (["--algorithm", "best"], ["--prior", "gamma"], ["--prior", "flat:1"], ["--region", "0,0,3"],
                          ["--save-iterations", "a,b"], ["--energy", "501"], ["--storage", "fp8"], ["--no-such-option"]):
            with self.subTest(" ".join(arguments)):
                self.assertEqual(self.submit(data, "map.h5", *arguments).returncode, 2)

    def test_options_without_effect_are_named(self):
        done = self.submit(self.case(TINY), "map.h5", "--algorithm", "em", "--background-prior", 0.5, "--subsets", 4, "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("background_prior has no effect here", done.stdout)
        self.assertIn("subsets has no effect here", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
