#!/usr/bin/env bash
# Installs the Debian packages listed in the given files, as root or through sudo. Says nothing and
# does nothing where all are installed.
set -euo pipefail

mapfile -t wanted < <(grep -hv '^#' "$@" | sort -u)
missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "cannot install packages (not root, and no sudo) [as root: apt-get install ${missing[*]}]" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "installing ${#missing[@]} Debian packages: ${missing[*]}" >&2
"${as_root[@]}" apt-get update -q >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
