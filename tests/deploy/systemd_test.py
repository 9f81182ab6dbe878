"""systemd's own checks of the units: that they load, that their programs start and answer to the manager, and
that each is confined. Usage: systemd_test.py SOURCE BIN_DIR"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, BIN_DIR = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
UNITS = ("unfold-scheduler.service", "unfold-worker@.service")
# systemd-analyze security: 0 is confined in every way, 10 in none. A worker needs its GPU and CUDA's own code.
MOST_EXPOSED = {"unfold-scheduler.service": 20, "unfold-worker@.service": 25}


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True)


class Systemd(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        for unit in UNITS:
            text = (SOURCE / "deploy/systemd" / unit).read_text()
            self.assertIn("ExecStart=/usr/bin/unfold-", text)
            (self.folder / unit).write_text(text.replace("/usr/bin/unfold-", f"{BIN_DIR}/unfold-"))

    def test_units_load(self):
        instance = shutil.copy(self.folder / "unfold-worker@.service", self.folder / "unfold-worker@cpu.service")
        done = analyze("verify", "--man=no", self.folder / "unfold-scheduler.service", instance)
        complaints = [line for line in done.stderr.splitlines() if "unfold" in line]
        self.assertEqual(complaints, [])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_wrong_unit_is_found(self):
        unit = self.folder / "unfold-scheduler.service"
        unit.write_text(unit.read_text().replace("Restart=on-failure", "Restart=on-a-whim"))
        self.assertIn("on-a-whim", analyze("verify", "--man=no", unit).stderr)

    def test_units_are_confined(self):
        for unit, most in MOST_EXPOSED.items():
            done = analyze("security", "--offline=true", f"--threshold={most}", self.folder / unit)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_options_of_the_units_and_files_exist(self):
        for program, config in (("unfold-scheduler", "scheduler.toml"), ("unfold-worker", "worker.toml")):
            known = subprocess.run([BIN_DIR / program, "--help"], capture_output=True, text=True).stdout
            unit = next(u for u in UNITS if u.startswith(program))
            line = next(s for s in (self.folder / unit).read_text().splitlines() if s.startswith("ExecStart="))
            used = [word for word in line.split() if word.startswith("--")]
            used += ["--" + s.split("=")[0].strip() for s in (SOURCE / "deploy/systemd" / config).read_text().splitlines()
                     if "=" in s and not s.startswith("#")]
            for option in used:
                self.assertIn(option + " ", known, program)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
