#!/usr/bin/env bash
# What tests/gpu/run.sh needs on a machine that has a compiler, CMake and CUDA only, gathered in a
# folder that git ignores and that travels there. By tier:
#   kernels   headers and libraries of the Debian packages below; everything else is built there
#   service   programs and GPU suites of a build made here with nvcc, stripped, the libraries they
#             need, and the reference cases of UNFOLD_SHARED [../shared]; as service.tar.xz
#   tests/gpu/pack.sh [kernels|service] [--output DIR] [--build DIR]     [build/gpu-pack, build/release]
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
tier=kernels output=$source/build/gpu-pack build=$source/build/release
while [ $# -gt 0 ]; do
  case $1 in
    kernels | service) tier=$1; shift ;;
    --output) output=$2; shift 2 ;;
    --build) build=$2; shift 2 ;;
    *) echo "unknown argument $1 (see the head of $0)" >&2; exit 2 ;;
  esac
done

pack_kernels() {
  local packages=(libeigen3-dev libtbb-dev libtbb12 libtbbmalloc2 libtbbbind-2-5 libfftw3-dev libfftw3-double3 libfftw3-single3 googletest)
  for package in "${packages[@]}"; do
    dpkg -s "$package" >/dev/null 2>&1 ||
      { echo "$package is missing (not installed) [deploy/install-packages.sh tests/packages.txt tests/packages-test.txt, then apt-get install $package]" >&2; exit 1; }
  done
  # No documents, examples, Fortran, static libraries, or FFTW's threads and other precisions.
  dpkg -L "${packages[@]}" | sort -u |
    grep -vE '^/usr/share/(doc|lintian|man)|/unsupported/|\.a$|\.f03$|\.f$|libfftw3(l|q|_|f_)|/(samples|test|docs)/' |
    while read -r path; do if [ -f "$path" ] || [ -L "$path" ]; then printf '%s\n' "${path#/}"; fi; done |
    tar -C / -cf - --no-recursion -T - | tar -C "$output" -xf -
}

pack_service() {
  local scratch here program suites
  scratch=$(mktemp -d)
  here=$scratch/service
  [ -f "$build/bin/libunfold_cuda.so" ] ||
    { echo "no GPU build (no $build/bin/libunfold_cuda.so) [build with nvcc: cmake --preset cuda, or give --build]" >&2; exit 1; }
  mkdir -p "$here"/{bin,tests,lib}
  for program in unfold unfold-scheduler unfold-worker libunfold_cuda.so; do
    strip -o "$here/bin/$program" "$build/bin/$program"
    chmod +x "$here/bin/$program"
  done
  # Suites that run through the module: those of label gpu that CTest knows, by their programs.
  suites=$(ctest --test-dir "$build" -L '^gpu$' --show-only=json-v1 |
    python3 -c 'import json, sys
print("\n".join(sorted({t["command"][0] for t in json.load(sys.stdin)["tests"] if "command" in t})))')
  for program in $suites; do strip -o "$here/tests/$(basename "$program")" "$program"; done
  # What the machine has is its own: the C library, the compiler's, and CUDA's (cuFFT, cuBLAS, and
  # cuSOLVER with cuSPARSE and nvJitLink: 1 GB, of its toolkit).
  { ldd "$here"/bin/* "$here"/tests/* 2>/dev/null || true; } | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
    grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv|libstdc\+\+|libgcc_s|libcu[A-Za-z]+|libnv[A-Za-z]+|libunfold_cuda)\.' |
    while read -r library; do install -m 644 -s "$library" "$here/lib/"; done
  local shared=${UNFOLD_SHARED:-$source/../shared}
  if [ -d "$shared/data" ]; then mkdir -p "$here/shared" && cp -rL --no-preserve=mode "$shared/data" "$here/shared/"; fi
  # Cases that no GPU suite reads.
  rm -rf "$here"/shared/data/spi/c[58]_* "$here"/shared/data/imaging/real
  tar -C "$scratch" -cf - service | xz -6 -T0 >"$output/service.tar.xz"
  rm -rf "$scratch"
}

if [ "$tier" = kernels ]; then rm -rf "$output/usr"; else rm -rf "$output"/service*; fi
mkdir -p "$output"
"pack_$tier"
du -sh "$output"/*
