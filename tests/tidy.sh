#!/usr/bin/env bash
# clang-tidy on the sources that changed since the last few landings (at most 6), or
# on those named. Usage: tests/tidy.sh BUILD_DIR [FILE ...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$1
shift
files=("$@")
if [ "${#files[@]}" -eq 0 ]; then
  # gRPC and generated code cost a minute a file; the compiler's own warnings cover those adapters.
  mapfile -t files < <(tests/changed.sh 'common/*.cc' 'server/*.cc' 'workers/*.cc' 'client/*.cc' |
    grep -vE '/rpc/|^workers/agent/session' | head -n "${UNFOLD_TIDY_FILES:-6}")
fi
[ "${#files[@]}" -eq 0 ] && { echo "clang-tidy: nothing changed"; exit 0; }
# The compile commands without what only g++ reads: its precompiled headers and its own warnings.
commands=$(mktemp -d)
trap 'rm -rf "$commands"' EXIT
sed -E 's/ -Winvalid-pch//g; s/( -Xclang)? -include(-pch)?( -Xclang)? [^ ]*cmake_pch[^ ]*//g; s/ -Wno-(restrict|stringop-over[a-z]+)//g' \
  "$build/compile_commands.json" >"$commands/compile_commands.json"
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy-14 -p "$commands" --quiet 2>/dev/null
echo "clang-tidy: ${#files[@]} files ok"
