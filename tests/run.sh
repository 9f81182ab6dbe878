#!/usr/bin/env bash
# Installs what is missing, builds and runs every test. From a fresh Debian 12, alone.
#   tests/run.sh            release build with all tests, sanitizer build of the units and of the kernels
#                           that changed, a short fuzz, clang-tidy on what changed
#   tests/run.sh --long     also all kernels sanitized, the thread sanitizer, 10,000 simulation seeds, full statistics
#   tests/run.sh --quick    release build and its tests only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

long=0 quick=0
for argument in "$@"; do
  case $argument in
    --long) long=1 ;;
    --quick) quick=1 ;;
    -h | --help) sed -n '2,6s/^# \?//p' "$0"; exit 0 ;;
    *) echo "unknown option $argument (tests/run.sh takes --long, --quick) [see --help]" >&2; exit 2 ;;
  esac
done

deploy/install-packages.sh tests/packages.txt tests/packages-image.txt tests/packages-test.txt
jobs=$(nproc)
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
# A cold ccache only costs.
launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=)
if [ -d "${CCACHE_DIR:-$HOME/.cache/ccache}" ]; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
started=$SECONDS
say() { printf '\n== %s (%d s so far)\n' "$1" $((SECONDS - started)); }
passed=0 failed=0 skipped=0

# run_tests BUILD_DIR CTEST_ARGS...: runs them and adds to the totals.
run_tests() {
  local build=$1 log
  shift
  log=$build/ctest.log
  ctest --test-dir "$build" --output-on-failure -j "$jobs" "$@" 2>&1 | tee "$log" | grep -vE '^ *[0-9]+/[0-9]+ Test|^ *Start' || true
  local all bad skip
  all=$(grep -cE '^ *[0-9]+/[0-9]+ Test' "$log" || true)
  skip=$(grep -cE '^ *[0-9]+/[0-9]+ Test.*\*\*\*Skipped' "$log" || true)
  bad=$(grep -E '^ *[0-9]+/[0-9]+ Test' "$log" | grep -cvE ' Passed |\*\*\*Skipped' || true)
  grep -q 'tests passed' "$log" || bad=$((bad + 1))
  passed=$((passed + all - bad - skip)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

# slow_cases LOG SECONDS: a pattern of the cases that took longer, as ctest wrote it down.
slow_cases() {
  awk -v limit="$2" '$1 ~ /^[0-9]+\/[0-9]+$/ && $2 == "Test" && $(NF - 1) > limit { print $4 }' "$1" |
    sed 's/[][().*+?^$|\]/\\&/g' | paste -sd '|' -
}

# areas_to_sanitize: those whose kernels changed in the last few landings; what stands under all, all.
areas_to_sanitize() {
  if [ "$long" = 1 ]; then
    printf '%s\n' extraction imaging spi nufft compute
    return
  fi
  tests/changed.sh workers tests/workers tests/support | while read -r file; do
    case $file in
      workers/compute/* | tests/workers/compute/* | tests/support/emulated_*) printf '%s\n' extraction imaging spi nufft compute ;;
      */nufft/* | *fourier*) printf '%s\n' nufft spi ;;
      workers/agent/* | workers/health/* | workers/residency/* | tests/workers/agent/* | tests/workers/health/*) ;;
      *imaging*) echo imaging ;;
      */spi* | *match_device*) echo spi ;;
      *extraction* | tests/workers/kernels/*) echo extraction ;;
    esac
  done | sort -u
}

# fuzz PROGRAM: for so many `seconds`.
fuzz() {
  local name fresh limit=2048
  name=$(basename "$1") fresh=$(mktemp -d)
  # libhdf5 1.10 asks for what a damaged file says, terabytes, before it looks; it takes a refusal well.
  case $name in *_raw | *_spi) limit=1000000000 ;; esac
  if ASAN_OPTIONS=allocator_may_return_null=1 "$1" -malloc_limit_mb=$limit -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
    -artifact_prefix=build/sanitize/ "$fresh" tests/fuzz/corpus >"build/sanitize/$name.log" 2>&1; then
    echo "$name: ok"
  else
    tail -40 "build/sanitize/$name.log"
  fi
  rm -rf "$fresh"
}

say "release build"
cmake --preset cpu -B build/release -DUNFOLD_CUDA=AUTO -DUNFOLD_CUDA_ARCHITECTURES=90 "${launcher[@]}"
cmake --build build/release -j "$jobs"
say "all tests"
if [ "$long" = 1 ]; then export UNFOLD_LONG=1; fi
run_tests build/release

if [ "$quick" = 0 ]; then
  say "address and undefined-behaviour sanitizers: build of the units and fuzzers"
  cmake --preset sanitize "${launcher[@]}"
  mapfile -t areas < <(areas_to_sanitize)
  echo "kernels: ${areas[*]:-none changed}"
  cmake --build build/sanitize -j "$jobs" --target unit_tests fuzzers "${areas[@]/#/kernels_tests.}"
  say "address and undefined-behaviour sanitizers: units"
  # A refused allocation is to be a null pointer; and the slowest cases (over half a second above) only prove
  # numbers, by code that others run too.
  export LSAN_OPTIONS=suppressions=$PWD/tests/leaks.supp:print_suppressions=0
  slow=$(slow_cases build/release/ctest.log 0.5)
  ASAN_OPTIONS=allocator_may_return_null=1 run_tests build/sanitize -L '^(unit|kernels)$' -E "isa_objects|\.Backward$|^($slow)( |\$)"

  say "short fuzz"
  for fuzzer in build/sanitize/fuzzers/fuzz_*; do echo "$fuzzer"; done >build/sanitize/fuzzers.txt
  export -f fuzz
  seconds=$((long == 1 ? 300 : 20)) xargs -P "$jobs" -I{} bash -c 'fuzz {}' <build/sanitize/fuzzers.txt | tee build/sanitize/fuzz.log
  passed=$((passed + $(grep -c ': ok$' build/sanitize/fuzz.log || true)))
  failed=$((failed + $(wc -l <build/sanitize/fuzzers.txt) - $(grep -c ': ok$' build/sanitize/fuzz.log || true)))

  say "clang-tidy on what changed"
  if tests/tidy.sh build/release; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
fi

if [ "$long" = 1 ]; then
  say "10,000 simulation seeds"
  if build/release/tests/unfold_simulation --seeds 10000; then passed=$((passed + 1)); else failed=$((failed + 1)); fi

  # gRPC and abseil of Debian are not instrumented, so the programs that use them report false races.
  say "thread sanitizer: scheduler core and loop, response cache, session core"
  cmake --preset tsan "${launcher[@]}"
  cmake --build build/tsan -j "$jobs" --target scheduler_test response_cache_test session_core_test
  run_tests build/tsan -R '^(Explain|JobQueue|LoopTest|Placement|Requests|ResponseCacheTest|Sessions?|ShortLease)\.'
fi

say "done"
[ "$failed" -eq 0 ] || echo "see the output above, and build/*/Testing/Temporary/LastTest.log"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
