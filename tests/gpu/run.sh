#!/usr/bin/env bash
# The suites and benchmarks that need a GPU, in two tiers. Each prints a table and writes JSON.
#   kernels   configures compute, kernels and the CUDA module alone (no gRPC, protobuf, HDF5 or
#             CFITSIO), builds them and runs every kernel suite, with the devices' own required
#             where one is found, then the kernels' benchmarks. Takes Eigen, TBB, FFTW and GoogleTest
#             from the folder that tests/gpu/pack.sh made, where there is one.
#   service   builds nothing: unpacks and runs the GPU suites and the programs that
#             `tests/gpu/pack.sh service` packed: reference cases, then jobs of all engines on the
#             GPU and on the CPU through the whole service, compared and timed (service.py).
#   tests/gpu/run.sh [kernels|service] [--build DIR] [--json FILE] [--architectures LIST]
#                    [--require-gpu] [--memcheck] [--device cuda:0] [--small]
# --memcheck: kernels: the device suites again under compute-sanitizer, memcheck and racecheck.
# --small: service: problems of a few seconds on an emulated device. Exit 0 where nothing failed;
# skipped suites are counted and shown.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
pack=$source/build/gpu-pack
tier=kernels build=$source/build/gpu json= architectures=90 require= memcheck= service=()
while [ $# -gt 0 ]; do
  case $1 in
    kernels | service) tier=$1; shift ;;
    --build) build=$2; shift 2 ;;
    --json) json=$2; shift 2 ;;
    --architectures) architectures=$2; shift 2 ;;
    --require-gpu) require=1; shift ;;
    --memcheck) memcheck=1; shift ;;
    --device) service+=(--device "$2"); shift 2 ;;
    --small) service+=(--small); shift ;;
    *) echo "unknown argument $1 (see the head of $0)" >&2; exit 2 ;;
  esac
done
json=${json:-$build/gpu-$tier.json}
mkdir -p "$(dirname "$json")"
if [ -n "$require" ]; then export UNFOLD_REQUIRE_GPU=1; fi
device=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1 || true)

run_kernels() {
  local packed=() cuda=AUTO status=0 suite
  if [ -n "$require" ]; then cuda=ON; fi
  if [ -d "$pack/usr" ]; then
    packed=(-DCMAKE_PREFIX_PATH="$pack/usr" -DUNFOLD_GOOGLETEST_SOURCE="$pack/usr/src/googletest")
  fi
  # Another compiler than ours may warn of other things.
  cmake -S "$source" -B "$build" "${packed[@]}" -DUNFOLD_SERVICE=OFF -DUNFOLD_CUDA=$cuda -DUNFOLD_WARNINGS_ARE_ERRORS=OFF \
    -DUNFOLD_CUDA_ARCHITECTURES="$architectures" >"$build.configure.log" 2>&1 ||
    { cat "$build.configure.log" >&2; exit 1; }
  cmake --build "$build" --parallel "$(nproc)"
  ctest --test-dir "$build" --output-junit "$build/junit.xml" --output-on-failure -j 4 >"$build/ctest.log" 2>&1 ||
    status=$?
  if [ $status -ne 0 ]; then tail -n 60 "$build/ctest.log" >&2; fi
  if [ -n "$memcheck" ]; then
    for suite in "$build"/tests/*_cuda_test; do
      for tool in memcheck racecheck; do
        echo "== compute-sanitizer $tool $(basename "$suite")"
        compute-sanitizer --tool "$tool" --error-exitcode 3 "$suite" >"$build/$(basename "$suite").$tool.log" 2>&1 ||
          { status=1; tail -n 30 "$build/$(basename "$suite").$tool.log"; }
      done
    done
  fi
  rm -f "$build"/*_device_bench.json
  if [ -n "$device" ]; then
    for suite in "$build"/tests/*_device_bench; do
      timeout 300 "$suite" >"$build/$(basename "$suite").json" || status=1
    done
  fi
  shopt -s nullglob
  python3 "$source/tests/gpu/summary.py" --junit "$build/junit.xml" --device "${device:-none}" --json "$json" \
    --benches "$build"/*_device_bench.json
  return $status
}

run_service() {
  local here=$pack/service status=0 suite
  if [ -f "$here.tar.xz" ]; then rm -rf "$here" && tar -C "$pack" -xJf "$here.tar.xz"; fi
  [ -d "$here" ] || { echo "nothing packed ($here is absent) [tests/gpu/pack.sh service]" >&2; exit 2; }
  export LD_LIBRARY_PATH=$here/lib UNFOLD_CUDA_MODULE=${UNFOLD_CUDA_MODULE:-$here/bin/libunfold_cuda.so}
  if [ -d "$here/shared" ]; then export UNFOLD_SHARED=$here/shared; fi
  for suite in "$here"/tests/*; do
    echo "== $(basename "$suite")"
    "$suite" --gtest_brief=1 || status=1
  done
  python3 "$source/tests/gpu/service.py" "$here/bin" --json "$json" "${service[@]}" || status=1
  return $status
}

"run_$tier"
