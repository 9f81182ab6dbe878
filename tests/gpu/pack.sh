#!/usr/bin/env bash
# What the suites need on a machine that has a compiler, CMake and CUDA only, gathered in a folder
# that git ignores and that travels there: headers and libraries of the Debian packages below.
# tests/gpu/run.sh uses the folder where it finds it.
#   tests/gpu/pack.sh [kernels] [--output DIR]     [build/gpu-pack]
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
output=$source/build/gpu-pack
while [ $# -gt 0 ]; do
  case $1 in
    kernels) shift ;;
    --output) output=$2; shift 2 ;;
    *) echo "unknown argument $1 (see the head of $0)" >&2; exit 2 ;;
  esac
done
packages=(libeigen3-dev libtbb-dev libtbb12 libtbbmalloc2 libtbbbind-2-5 libfftw3-dev libfftw3-double3 libfftw3-single3 googletest)
for package in "${packages[@]}"; do
  dpkg -s "$package" >/dev/null 2>&1 ||
    { echo "$package is missing (not installed) [deploy/install-packages.sh tests/packages.txt tests/packages-test.txt, then apt-get install $package]" >&2; exit 1; }
done
rm -rf "$output"
mkdir -p "$output"
# No documents, examples, Fortran, static libraries, or FFTW's threads and other precisions.
dpkg -L "${packages[@]}" | sort -u |
  grep -vE '^/usr/share/(doc|lintian|man)|/unsupported/|\.a$|\.f03$|\.f$|libfftw3(l|q|_|f_)|/(samples|test|docs)/' |
  while read -r path; do if [ -f "$path" ] || [ -L "$path" ]; then printf '%s\n' "${path#/}"; fi; done |
  tar -C / -cf - --no-recursion -T - | tar -C "$output" -xf -
du -sh "$output"
