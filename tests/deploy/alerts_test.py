"""The alert rules: promtool's unit tests, that every metric they ask for is one that the scheduler has, and that each
has its entry in the runbook. Usage: UNFOLD_BIN_DIR=... alerts_test.py SOURCE"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

SOURCE = pathlib.Path(sys.argv[1]).resolve()
sys.path.insert(0, str(SOURCE / "tests/integration"))
from service import Service  # noqa: E402

RULES = SOURCE / "deploy/prometheus/alerts.yml"


class Alerts(unittest.TestCase):
    def promtool(self, *arguments, cwd=None):
        done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, cwd=cwd)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_rule_is_raised_by_its_fault_alone(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        tests = shutil.copy(SOURCE / "tests/deploy/alerts_test.yml", folder)
        shutil.copy(RULES, folder)
        self.promtool("check", "config", SOURCE / "deploy/prometheus/prometheus.yml")
        self.promtool("test", "rules", tests, cwd=folder)
        for alert in re.findall(r"alert: (\w+)", RULES.read_text()):
            self.assertIn(f'alertname="{alert}"', pathlib.Path(tests).read_text(), "has no test")

    def test_each_metric_exists(self):
        with Service() as service:
            service.start_scheduler()
            text = urllib.request.urlopen(service.http() + "/metrics").read().decode()
        families = set(re.findall(r"^# TYPE (\w+)", text, re.M))
        asked = set(re.findall(r"\b(unfold_[a-z0-9_]+?)(?:_bucket)?\b", RULES.read_text()))
        self.assertGreater(len(asked), 9)
        self.assertLessEqual(asked, families)

    def test_each_has_its_entry_in_the_runbook(self):
        runbook = (SOURCE / "docs/operations.md").read_text()
        anchors = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", runbook, re.M)}
        asked = re.findall(r"docs/operations.md#([\w-]+)", RULES.read_text())
        self.assertEqual(len(asked), RULES.read_text().count("alert: "))
        self.assertLessEqual(set(asked), anchors)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
