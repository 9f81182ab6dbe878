#!/usr/bin/env bash
# From a fresh Debian 12 to a processed frame: installs, builds, starts the service in a scratch
# folder, simulates one r-camera frame (500 fibres, 5760-7620 Angstrom) with a PSF it makes itself,
# submits it, and shows the result; then makes a small Compton telescope's image and a small
# particle's density likewise.
#   deploy/quickstart.sh                stops the service at the end
#   deploy/quickstart.sh --keep         leaves it running and says how to reach it
#   deploy/quickstart.sh --dir DIR      works in DIR rather than a new scratch folder
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

keep=0 dir=
while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=1 ;;
    --dir) dir=$2 && shift ;;
    -h | --help) sed -n '2,8s/^# \?//p' "$0"; exit 0 ;;
    *) echo "unknown option $1 (quickstart takes --keep, --dir DIR) [see --help]" >&2; exit 2 ;;
  esac
  shift
done
say() { printf '\n\033[1m%s\033[0m\n' "$1"; }

say "1/4 Packages"
"$source_dir/deploy/install-packages.sh" "$source_dir/tests/packages.txt"

say "2/4 Build"
build=$source_dir/build/quickstart
export CCACHE_BASEDIR=$source_dir CCACHE_NOHASHDIR=1
cmake -S "$source_dir" -B "$build" -G Ninja -DUNFOLD_TESTS=OFF -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >/dev/null
cmake --build "$build" -j "$(nproc)"
unfold=$build/bin/unfold

say "3/4 Service"
[ -n "$dir" ] || dir=$(mktemp -d -t unfold-quickstart-XXXXXX)
mkdir -p "$dir/data" "$dir/state"
dir=$(cd "$dir" && pwd)
export UNFOLD_SERVER=unix:$dir/unfold.sock
(cd "$dir" && exec "$unfold" up --dir "$dir/state" --listen "$UNFOLD_SERVER" --root data="$dir/data" >"$dir/up.log" 2>&1) &
service=$!
stop() { kill -TERM "$service" 2>/dev/null && wait "$service" || true; }
[ "$keep" = 1 ] || trap stop EXIT
for _ in $(seq 300); do
  "$unfold" workers >/dev/null 2>&1 && break
  kill -0 "$service" 2>/dev/null || { cat "$dir/up.log" >&2; exit 1; }
  sleep 0.1
done
grep -m 1 -i dashboard "$dir/up.log" || true

say "4/4 One frame: simulate, submit, look"
frame=r0-00000001
"$unfold" simulate extraction --camera r0 --expid 1 --seed 1 --cosmics 400 --dir "$dir/data" --overwrite
started=$(date +%s.%N)
"$unfold" submit extraction \
  --image "$dir/data/preproc-$frame.fits" --psf "$dir/data/psf-$frame.fits" --output "$dir/data/frame-$frame.fits" \
  --wavelength 5760,7620,0.8 --psferr 0.01 --overwrite --wait
awk -v a="$started" -v b="$(date +%s.%N)" 'BEGIN {
  printf "submitted to published: %.1f s, %.0f frames per hour on this machine\n", b - a, 3600 / (b - a) }'
"$unfold" view "$dir/data/frame-$frame.fits" --truth "$dir/data/truth-$frame.fits" \
  --image "$dir/data/preproc-$frame.fits" --output "$dir/frame-$frame.png"

echo "(CHI2PIX of an exact model averages about 0.8: desispec's definition counts no degrees of freedom)"

say "And an image: a small Compton telescope, simulated"
"$unfold" simulate imaging --output "$dir/data/day.h5" --overwrite
"$unfold" submit imaging --data "$dir/data/day.h5" --output "$dir/data/map.h5" --png "$dir/data/map.png" --overwrite --wait

say "And a particle: its patterns, simulated in unknown orientations"
awk 'BEGIN {
  for (i = 0; i < 90; ++i) {  # a lopsided pinwheel of 90 carbon atoms, 39 Angstrom across
    along = (i + 0.5) / 90; turn = 7.3 * along + 2.1 * (i % 3); radius = 24 * sqrt(along) * (i % 3 ? 0.6 : 1)
    printf "ATOM  %5d  CA  ALA A%4d    %8.3f%8.3f%8.3f  1.00 20.00           C  \n", i + 1, i + 1,
      radius * cos(turn), radius * sin(turn) * (1 - 0.4 * along), 17 * (along - 0.5) * (i % 2 ? 1 : -1)
  }
}' >"$dir/data/particle.pdb"
"$unfold" simulate spi --pdb "$dir/data/particle.pdb" --frames 300 --size 24 --photons 5000 --beamstop 1 \
  --output "$dir/data/patterns.h5" --overwrite
"$unfold" submit spi --data "$dir/data/patterns.h5" --output "$dir/data/density.h5" --png "$dir/data/density.png" \
  --reference "$dir/data/particle.pdb" --overwrite --wait

printf '\nFrame:   %s\nPicture: %s\nMap:     %s\nPicture: %s\nDensity: %s\nPicture: %s\n' \
  "$dir/data/frame-$frame.fits" "$dir/frame-$frame.png" \
  "$dir/data/map.h5" "$dir/data/map.png" "$dir/data/density.h5" "$dir/data/density.png"
if [ "$keep" = 1 ]; then
  disown "$service"
  printf 'The service is running (pid %s). Use it:  export UNFOLD_SERVER=%s; %s jobs\nStop it:  kill %s\n' \
    "$service" "$UNFOLD_SERVER" "$unfold" "$service"
fi
