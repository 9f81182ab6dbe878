"""What summary.py makes of a report and of benchmarks."""
import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import summary


class Summary(unittest.TestCase):
    def test_counts_suites_and_lists_benchmarks(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "junit.xml").write_text(
                '<testsuite><testcase name="Band.A" time="1"/><testcase name="Band.B"><failure/></testcase>'
                '<testcase name="Band.C"><skipped/></testcase></testsuite>', encoding="utf-8")
            (folder / "extraction_device_bench.json").write_text(
                '{"device_seconds": 0.04, "dense": {"device_seconds": 8}, "dense_over_banded": 200}', encoding="utf-8")
            (folder / "broken_bench.json").write_text("no GPU", encoding="utf-8")
            benches = [str(folder / f"{b}_bench.json") for b in ("extraction_device", "broken")]
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                summary.main(["--junit", str(folder / "junit.xml"), "--device", "toy", "--json", str(folder / "out.json"),
                              "--benches", *benches])
            written = json.loads((folder / "out.json").read_text(encoding="utf-8"))
        self.assertEqual(written["total"], {"passed": 1, "failed": 1, "skipped": 1})
        self.assertEqual(written["benches"]["extraction_device_bench"]["dense"]["device_seconds"], 8)
        self.assertEqual(written["benches"]["broken_bench"], {"failed": "no GPU"})
        self.assertRegex(printed.getvalue(), r"dense\.device_seconds +8\n +dense_over_banded +200")


unittest.main()
