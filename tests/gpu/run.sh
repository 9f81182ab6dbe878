#!/usr/bin/env bash
# The suites that need a GPU, in tiers. Tier 1 (kernels): configures compute, kernels and the CUDA
# module alone (no gRPC, protobuf, HDF5 or CFITSIO), builds them and runs every kernel suite, with
# the devices' own required where one is found. Takes Eigen, TBB, FFTW and GoogleTest from the
# folder that tests/gpu/pack.sh made, where there is one. Prints a table and writes JSON.
#   tests/gpu/run.sh [--build DIR] [--json FILE] [--architectures LIST] [--require-gpu]
# Exit 0 where nothing failed; skipped suites are counted and shown.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
pack=$source/build/gpu-pack
build=$source/build/gpu json= architectures=90 require=
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=$2; shift 2 ;;
    --json) json=$2; shift 2 ;;
    --architectures) architectures=$2; shift 2 ;;
    --require-gpu) require=1; shift ;;
    *) echo "unknown argument $1 (see the head of $0)" >&2; exit 2 ;;
  esac
done
json=${json:-$build/gpu.json}
cuda=AUTO
if [ -n "$require" ]; then cuda=ON; export UNFOLD_REQUIRE_GPU=1; fi

packed=()
if [ -d "$pack" ]; then
  packed=(-DCMAKE_PREFIX_PATH="$pack/usr" -DUNFOLD_GOOGLETEST_SOURCE="$pack/usr/src/googletest")
fi
cmake -S "$source" -B "$build" "${packed[@]}" -DUNFOLD_SERVICE=OFF -DUNFOLD_CUDA=$cuda \
  -DUNFOLD_CUDA_ARCHITECTURES="$architectures" >"$build.configure.log" 2>&1 ||
  { cat "$build.configure.log" >&2; exit 1; }
cmake --build "$build" --parallel "$(nproc)"
status=0
ctest --test-dir "$build" --output-junit "$build/junit.xml" --output-on-failure >"$build/ctest.log" 2>&1 ||
  status=$?
if [ $status -ne 0 ]; then tail -n 60 "$build/ctest.log" >&2; fi
device=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1 || true)
python3 "$source/tests/gpu/summary.py" --junit "$build/junit.xml" --device "${device:-none}" --json "$json"
exit $status
