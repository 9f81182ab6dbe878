"""Rules of the house, each a function that returns a list of complaints. Run one by its name."""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77
CODE = (".h", ".cc", ".cu", ".cuh")

# Module -> modules of ours whose headers it may include (its own always may be). DESIGN: acyclic.
BASE = {"proto", "common/base"}
SMALL = BASE | {"common/sky", "common/config", "common/log", "common/metrics", "common/roots", "common/publish"}
FORMATS = SMALL | {"common/formats"}
PLAN = FORMATS | {"common/plan"}
JOBS = BASE | {"server/jobs"}
CORE = JOBS | {"server/fleet", "server/scheduler"}
WORK = PLAN | {"workers/compute", "workers/nufft", "workers/kernels", "workers/residency", "workers/engines", "workers/cuda", "workers/health"}
ALLOWED = {
    "common/base": {"proto"},
    "common/sky": set(),
    "common/config": BASE,
    "common/log": BASE,
    "common/manager": BASE,
    "common/metrics": BASE,
    "common/roots": BASE,
    "common/publish": BASE,
    "common/formats": SMALL,
    "common/plan": FORMATS,
    "common/simulate": PLAN,
    "common/compare": PLAN | {"common/simulate"},
    "common/render": PLAN | {"common/simulate", "common/compare"},
    "server/jobs": BASE | {"common/roots"},
    "server/fleet": JOBS,
    "server/scheduler": CORE,
    "server/rpc": CORE | PLAN,
    "server/http": CORE | SMALL,
    "server": CORE | PLAN | {"common/manager", "server/rpc", "server/http"},
    "workers/compute": set(),
    "workers/nufft": {"workers/compute"},
    "workers/kernels": {"workers/compute", "workers/nufft"},
    "workers/cuda": {"workers/compute", "workers/nufft", "workers/kernels"},
    "workers/health": BASE,
    "workers/residency": BASE,
    "workers/engines": WORK | {"common/render"},
    "workers/agent": WORK,
    "workers": WORK | {"common/manager", "workers/agent"},
    "client": PLAN | {"client/rpc", "client/cli", "client/supervise", "common/simulate", "common/render", "common/compare"},
    "client/rpc": SMALL,
    "client/supervise": SMALL,
    "client/cli": PLAN | {"client/rpc", "client/supervise", "common/simulate", "common/render", "common/compare"},
}
# System headers that only some modules may know.
FENCED = {
    r"grpcpp/": {"server/rpc", "workers/agent", "client/rpc"},
    r"fitsio\.h": {"common/formats"},
    r"hdf5|H5": {"common/formats"},
    r"sqlite3\.h": {"server/jobs"},
    r"httplib\.h": {"server/http"},
    r"prometheus/": {"common/metrics", "server/http", "server/rpc"},
    r"lz4|libdeflate\.h": {"common/formats"},
    r"zlib\.h": {"common/formats", "common/simulate"},
    r"png\.h": {"common/render"},
    r"yaml-cpp/": {"client/cli"},
    r"CLI/": {"common/config", "server", "workers", "client", "client/cli"},
    r"spdlog/": {"common/log"},
    r"erfa": {"common/plan"},
    r"openssl/": {"common/base"},
    r"tbb/|oneapi/tbb/": {"common/sky", "common/simulate", "workers/compute", "workers/nufft", "workers/kernels"},
    r"fftw3": {"workers/nufft", "workers/kernels"},
    r"nlohmann/": {"common/compare", "common/log", "client/cli", "server/http"},
    r"toml\+\+": {"common/config"},
    r"systemd/": {"common/manager"},
    r"absl/|google/protobuf|unfold/v1": None,  # None: every module but compute, kernels and cuda
}
BARE = {"workers/compute", "workers/nufft", "workers/kernels", "workers/cuda"}


def tracked(options, suffixes=CODE, under=("",)):
    names = subprocess.run(["git", "-C", options.source, "ls-files", "-co", "--exclude-standard"],
                           check=True, capture_output=True, text=True).stdout.split("\n")
    return [n for n in names if n.endswith(suffixes) and n.startswith(under)
            and os.path.exists(os.path.join(options.source, n))]


def text_of(options, name):
    return pathlib.Path(options.source, name).read_text(encoding="utf-8")


def module_of(path):
    parts = path.split("/")
    if parts[0] == "unfold":
        return "proto"
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def layers(options):
    complaints = []
    for name in tracked(options, under=("common/", "server/", "workers/", "client/")):
        here = module_of(name)
        for line in text_of(options, name).split("\n"):
            quoted = re.match(r'\s*#include "([^"]+)"', line)
            angled = re.match(r"\s*#include [<\"]([^>\"]+)[>\"]", line)
            if quoted:
                there = module_of(quoted[1])
                ours = there == "proto" or there.split("/")[0] in ("common", "server", "workers", "client", "tests")
                if ours and there != here and there not in ALLOWED.get(here, set()):
                    complaints.append(f"{name}: {here} may not include {quoted[1]} of {there}")
            if angled:
                for pattern, homes in FENCED.items():
                    if re.match(pattern, angled[1]):
                        if here in BARE if homes is None else here not in homes:
                            complaints.append(f"{name}: {here} may not know {angled[1]}")
        kernel = re.match(r"workers/kernels/([^/]+)/", name)
        for other in re.findall(r'#include "workers/kernels/([^/]+)/', text_of(options, name)):
            if kernel and other != kernel[1]:
                complaints.append(f"{name}: kernels/{kernel[1]} may not include kernels/{other}")
    return complaints


def package_folders():
    """Where packages keep their headers that the compiler does not look into by itself."""
    folders = ["/usr/include/eigen3"]
    if shutil.which("pkg-config"):
        told = subprocess.run(["pkg-config", "--cflags-only-I", "hdf5"], capture_output=True, text=True).stdout
        folders += [word[2:] for word in told.split() if word.startswith("-I")]
    return [word for folder in folders for word in ("-isystem", folder)]


def worth_compiling(options, headers):
    """All with UNFOLD_LONG or outside of a checkout, else those that changed lately: a second a header adds up."""
    script = pathlib.Path(options.source, "tests", "changed.sh")
    if os.environ.get("UNFOLD_LONG") or not script.exists():
        return headers
    done = subprocess.run([script, "*.h"], capture_output=True, text=True)
    changed = set(done.stdout.split())
    return headers if done.returncode else [h for h in headers if h in changed]


def headers_compile_alone(options):
    headers = worth_compiling(options, tracked(options, (".h",), ("common/", "server/", "workers/", "client/")))
    headers = [h for h in headers if not h.endswith(".inl.h")]
    flags = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++",
             f"-I{options.source}", "-isystem", f"{options.build}/generated", *package_folders()]

    def check(header):
        # Included from a source of its own, so that `#pragma once` is no warning.
        done = subprocess.run([options.compiler, *flags, "-"], input=f'#include "{header}"\n',
                              capture_output=True, text=True)
        return [] if done.returncode == 0 else [f"{header} does not compile alone:\n{done.stderr[:800]}"]

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [c for found in pool.map(check, headers) for c in found]


def format(options):
    tool = shutil.which("clang-format-14")
    if tool is None:
        sys.exit(SKIPPED)
    done = subprocess.run([tool, "--dry-run", "-Werror", *tracked(options)], cwd=options.source,
                          capture_output=True, text=True)
    return [] if done.returncode == 0 else [done.stderr[:4000]]


def grep(options, pattern, suffixes=CODE, under=("",), allowed=()):
    found = []
    for name in tracked(options, suffixes, under):
        if name in allowed or name.startswith("tests/hygiene/rules"):
            continue
        for number, line in enumerate(text_of(options, name).split("\n"), 1):
            if re.search(pattern, line):
                found.append(f"{name}:{number}: {line.strip()[:120]}")
    return found


def no_fits_open_file(options):
    return grep(options, r"\b(fits_open_file|ffopen|fits_open_data|fits_open_image|fits_open_table|fits_create_file|ffinit)\b")


def no_feature_if(options):
    """Feature switches are CMake's choice of files; a few headers hold what only a compiler can tell."""
    allowed = ("workers/compute/host_device.h", "server/jobs/sabotage.h", "common/base/mutex.h")
    return grep(options, r"^\s*#\s*(if|ifdef|ifndef|elif|else)\b", allowed=allowed)


def no_machine_paths(options):
    everything = CODE + (".md", ".txt", ".py", ".sh", ".cmake", ".json", ".toml", ".proto", ".yml", "run")
    return grep(options, r"(^|[^\w.])/(work|farm|root)/|pyenv", everything)


def no_sleeps_in_tests(options):
    return grep(options, r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|\bsleep\(", under=("tests/",), suffixes=(".cc", ".h", ".py"),
                allowed=("tests/support/eventually.h", "tests/support/eventually.py"))


def no_openmp(options):
    return grep(options, r"#pragma omp|OpenMP::")


def no_native_flags(options):
    return grep(options, r"-march=native|-ffast-math", CODE + (".cmake", "CMakeLists.txt", ".json", ".sh"))


def short_files(options):
    """A file beyond 600 lines has parts without a name."""
    return [f"{n}: {len(text_of(options, n).splitlines())} lines" for n in tracked(options, CODE + (".py",))
            if len(text_of(options, n).splitlines()) > 600]


def cuda_module_border(options):
    modules = list(pathlib.Path(options.build).rglob("libunfold_cuda.so"))
    if not modules:
        print("the CUDA module was not built here (no nvcc)")
        sys.exit(SKIPPED)
    complaints = []
    dynamic = subprocess.run(["readelf", "-dW", modules[0]], check=True, capture_output=True, text=True).stdout
    for needed in re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic):
        if not re.match(r"(libcudart|libcufft|libcublas|libcusolver|libcusparse|libnvJitLink|libstdc\+\+|libgcc_s|"
                        r"libm\.so|libc\.so|ld-linux|libtbb|libpthread|libdl|librt)", needed):
            complaints.append(f"libunfold_cuda.so needs {needed}")
    symbols = subprocess.run(["nm", "-D", "--defined-only", modules[0]], check=True, capture_output=True, text=True).stdout
    exported = [line.split()[-1] for line in symbols.splitlines() if line.strip()]
    foreign = [s for s in exported if not s.startswith("unfold_cuda_")]
    if foreign:
        complaints.append(f"libunfold_cuda.so exports {foreign[:10]}, not only its entry")
    if not any(s.startswith("unfold_cuda_") for s in exported):
        complaints.append("libunfold_cuda.so has no entry")
    return complaints


def reasons_documented(options):
    """The reasons of errors are a closed set: code and docs/operations.md name the same ones."""
    used = set()
    for name in tracked(options, CODE, ("common/", "server/", "workers/", "client/")):
        text = text_of(options, name)
        for value in re.findall(r'\breason = ([^,;]*)', text):  # one literal, or a choice of them
            used |= set(re.findall(r'"([A-Z][A-Z0-9_]+)"', value))
        used |= set(re.findall(r'\b(?:bad_file|bad_object|problem|wrong|refuse|Refused|cannot_write|folder_error)[({][^;]*?'
                               r'"([A-Z][A-Z0-9_]{4,})"', text))
        used |= set(re.findall(r'StatusCode::k\w+,\s*"([A-Z][A-Z0-9_]+)"', text))  # rows of a table
    table = text_of(options, "docs/operations.md").split("## Error reasons")[1].split("\n## ")[0]
    listed = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", table, re.M))
    return [f"{r} is not in docs/operations.md" for r in sorted(used - listed)] + \
           [f"{r} of docs/operations.md is in no source" for r in sorted(listed - used)]


def one_definition(options):
    """A type's name is defined in one file of its namespace: two would share the functions of std::vector<name>."""
    files = collections.defaultdict(set)
    for name in tracked(options, (".h", ".cc", ".cuh", ".cu")):
        text = text_of(options, name)
        space = re.search(r"^namespace ([\w:]+) \{", text, re.M)
        if space is None:
            continue
        outside = re.sub(r"^namespace \{$.*?^\}  // namespace$", "", text, flags=re.M | re.S)
        for found in re.findall(r"^(?:struct|class|enum class) (\w+)(?: final)?(?: :|\s*\{)", outside, re.M):
            files[f"{space[1]}::{found}"].add(name)
    return [f"{name} is defined in {' and in '.join(sorted(where))} [rename one]"
            for name, where in sorted(files.items()) if len(where) > 1]


def packages_listed(options):
    """Every package that CMake asks for has a Debian package in the list that the scripts install."""
    known = {"Threads": "g++", "Eigen3": "libeigen3-dev", "TBB": "libtbb-dev", "GTest": "libgtest-dev",
             "absl": "libabsl-dev", "Protobuf": "libprotobuf-dev", "gRPC": "libgrpc++-dev",
             "prometheus-cpp": "prometheus-cpp-dev", "SQLite3": "libsqlite3-dev", "CLI11": "libcli11-dev",
             "spdlog": "libspdlog-dev", "nlohmann_json": "nlohmann-json3-dev", "OpenSSL": "libssl-dev",
             "PNG": "libpng-dev", "ZLIB": "zlib1g-dev", "PkgConfig": "pkg-config", "cfitsio": "libcfitsio-dev",
             "erfa": "liberfa-dev", "cpp-httplib": "libcpp-httplib-dev", "libdeflate": "libdeflate-dev",
             "CUDAToolkit": None, "Python3": "python3", "benchmark": "libbenchmark-dev", "tomlplusplus": "libtomlplusplus-dev",
             "libseccomp": "libseccomp-dev", "FFTW3": "libfftw3-dev", "HDF5": "libhdf5-dev", "hdf5": "libhdf5-dev",
             "liblz4": "liblz4-dev", "libsystemd": "libsystemd-dev", "yaml-cpp": "libyaml-cpp-dev"}
    listed = set(text_of(options, "tests/packages.txt").split("\n"))
    complaints = []
    for name in tracked(options, (".cmake", "CMakeLists.txt")):
        text = text_of(options, name)
        asked = re.findall(r"find_package\((\S+?)[\s)]", text)
        asked += re.findall(r"pkg_check_modules\(\S+ REQUIRED IMPORTED_TARGET (\S+?)\)", text)
        for package in asked:
            if package not in known:
                complaints.append(f"{name}: {package} has no Debian package here [add it to packages_listed]")
            elif known[package] is not None and known[package] not in listed:
                complaints.append(f"{name}: {package} needs {known[package]}, which tests/packages.txt lacks")
    return complaints


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rule")
    parser.add_argument("--source", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--compiler", default="g++")
    options = parser.parse_args()
    complaints = globals()[options.rule](options)
    print("\n".join(complaints) if complaints else f"{options.rule}: ok")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
