"""The Debian packages: made by cpack, complete, and needing what their programs link. That they install and run on
a bare system is tests/deploy/bare_debian.sh. Usage: packages_test.py BUILD_DIR"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv[1]).resolve()
HOLDS = {
    "unfold": ["usr/bin/unfold", "usr/share/doc/unfold/operations.md", "usr/share/bash-completion/completions/unfold"],
    "unfold-scheduler": ["usr/bin/unfold-scheduler", "usr/lib/systemd/system/unfold-scheduler.service", "usr/share/unfold/scheduler.toml"],
    "python3-unfold": ["usr/lib/python3/dist-packages/unfold/client.py", "usr/lib/python3/dist-packages/unfold/v1/types_pb2.pyi"],
    "unfold-worker": ["usr/bin/unfold-worker", "usr/lib/systemd/system/unfold-worker@.service", "usr/share/unfold/worker.toml"],
}


def output(*command, **how):
    return subprocess.run(command, check=True, capture_output=True, text=True, **how).stdout


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder)
        output("cpack", "-G", "DEB", "-B", folder, cwd=BUILD)
        cls.packages = {output("dpkg-deb", "-f", package, "Package").strip(): package for package in folder.glob("*.deb")}

    def test_each_is_made_and_holds_its_files(self):
        for name, files in HOLDS.items():
            held = output("dpkg-deb", "-c", self.packages[name])
            for file in files:
                self.assertIn(f"./{file}\n", held, name)

    def test_each_asks_for_the_libraries_it_links(self):
        for name, library in (("unfold", "libgrpc++1"), ("unfold-scheduler", "libsqlite3-0"), ("unfold-worker", "libhdf5-103"),
                              ("python3-unfold", "python3-grpcio")):
            self.assertIn(library, output("dpkg-deb", "-f", self.packages[name], "Depends"), name)

    def test_the_module_of_kernels_asks_for_its_own_build_of_the_worker(self):
        if "unfold-worker-cuda" not in self.packages:
            self.skipTest("built without nvcc")
        self.assertIn("unfold-worker (= ", output("dpkg-deb", "-f", self.packages["unfold-worker-cuda"], "Depends"))
        self.assertIn("./usr/lib/unfold/libunfold_cuda.so\n", output("dpkg-deb", "-c", self.packages["unfold-worker-cuda"]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
