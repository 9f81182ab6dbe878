#!/usr/bin/env bash
# The tracked files that changed since the last few landings (four hours), one a line, for checks too slow to
# do on all; all of them where history is too short to tell. Usage: tests/changed.sh [PATHSPEC ...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
base=$(git rev-list -1 --before='4 hours ago' HEAD)
[ -n "$base" ] || base=$(git hash-object -t tree /dev/null)
git diff --name-only --diff-filter=AM "$base" -- "$@"
