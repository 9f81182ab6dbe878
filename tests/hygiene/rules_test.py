"""Each rule must be able to complain: a tree that breaks all of them, and one that breaks none."""

import argparse
import pathlib
import subprocess
import tempfile
import unittest

import rules

BAD = {
    "client/cli/reach.cc": '#include "server/jobs/life.h"\n#include <grpcpp/grpcpp.h>\n',
    "common/plan/packed.cc": "#include <lz4.h>\n#include <yaml-cpp/yaml.h>\n",
    "workers/kernels/imaging/a.cc": '#include "workers/kernels/extraction/b.h"\n#include "absl/status/status.h"\n',
    "common/base/open.cc": "int f() { return fits_open_file(0); }\n#ifdef FAST\n#endif\n",
    "common/base/lonely.h": "inline std::string f();\n",
    "common/base/crooked.cc": "int  f( ) {return 1;}\n",
    "tests/common/nap_test.cc": "void f() { std::this_thread::sleep_for(one); }\n",
    "common/base/twin_a.h": "#pragma once\nnamespace unfold::x {\nstruct Twin {\n  int a;\n};\n}  // namespace unfold::x\n",
    "common/base/twin_b.h": "#pragma once\nnamespace unfold::x {\nstruct Twin {\n  long b;\n};\n}  // namespace unfold::x\n",
    "docs/where.md": "see /" + "work/somewhere\n",
    "workers/compute/loop.cc": "#pragma omp parallel for\n",
    "workers/CMakeLists.txt": "set(F -march=native)\nfind_package(Mystery REQUIRED)\n",
    "common/base/long.cc": "\n" * 700,
    "tests/packages.txt": "g++\n",
    "common/base/why.cc": 'auto p = Problem{.reason = "NEVER_HEARD_OF"};\n',
    "common/base/table.cc": 'Row kRows[] = {{1, absl::StatusCode::kNotFound, "IN_A_TABLE"}};\n',
    "docs/operations.md": "## Error reasons\n| `GONE` | no longer used |\n",
}


class Rules(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.options = argparse.Namespace(source=self.folder.name, build=self.folder.name, compiler="g++")
        subprocess.run(["git", "init", "-q", self.folder.name], check=True)

    def tearDown(self):
        self.folder.cleanup()

    def write(self, files):
        for name, text in files.items():
            path = pathlib.Path(self.folder.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def test_each_rule_finds_its_violation(self):
        self.write(BAD)
        for rule in (rules.layers, rules.headers_compile_alone, rules.no_fits_open_file, rules.no_feature_if,
                     rules.no_machine_paths, rules.no_sleeps_in_tests, rules.no_openmp, rules.no_native_flags,
                     rules.short_files, rules.packages_listed, rules.format,
                     rules.reasons_documented, rules.one_definition):
            with self.subTest(rule.__name__):
                self.assertTrue(rule(self.options))

    def test_layers_names_every_kind_of_breach(self):
        self.write(BAD)
        self.assertEqual(len(rules.layers(self.options)), 6)

    def test_headers_of_packages_in_folders_of_their_own_are_found(self):
        self.write({"common/formats/a.h": "#pragma once\n#include <hdf5.h>\n#include <Eigen/Core>\n"})
        self.assertEqual(rules.headers_compile_alone(self.options), [])

    def test_reasons_are_found_wherever_they_stand(self):
        self.write(BAD)
        complaints = "\n".join(rules.reasons_documented(self.options))
        for reason in ("NEVER_HEARD_OF", "IN_A_TABLE", "GONE"):
            self.assertIn(reason, complaints)

    def test_an_innocent_tree_passes(self):
        self.write({"common/base/a.h": "#pragma once\nint f();\n", "tests/packages.txt": "g++\n",
                    "CMakeLists.txt": "find_package(Threads REQUIRED)\n"})
        for rule in (rules.layers, rules.headers_compile_alone, rules.no_feature_if, rules.no_machine_paths,
                     rules.packages_listed, rules.format, rules.one_definition):
            with self.subTest(rule.__name__):
                self.assertEqual(rule(self.options), [])


if __name__ == "__main__":
    unittest.main()
