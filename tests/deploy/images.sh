#!/usr/bin/env bash
# Builds the images of docker/Dockerfile on a bare Debian 12 without a container engine (buildah, chroots), and extracts
# a frame between them. Needs root, buildah, debootstrap and Debian's archive as this machine's apt has it.
# Usage: tests/deploy/images.sh [BUILD_DIR]: with BUILD_DIR, its packages (cpack) stand for the stage that compiles.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export BUILDAH_ISOLATION=chroot
scratch=$(mktemp -d)
trap 'jobs -p | xargs -r kill 2>/dev/null; wait; buildah rm --all >/dev/null 2>&1 || true; rm -rf "$scratch"' EXIT

# image NAME DIR PLACE: an image that holds DIR at PLACE.
image() {
  local container
  container=$(buildah from scratch)
  buildah add -q "$container" "$2" "$3" >/dev/null
  buildah commit -q "$container" "localhost/$1" >/dev/null
  buildah rm "$container" >/dev/null
}

debootstrap --variant=minbase bookworm "$scratch/bare" >"$scratch/log" 2>&1 || { tail "$scratch/log" >&2; exit 1; }
cp /etc/apt/apt.conf.d/* "$scratch/bare/etc/apt/apt.conf.d/"
image unfold-test-base "$scratch/bare" /
compiled=()
if [ $# -gt 0 ]; then
  image unfold-test-packages "$1/packages" /src/build/release/packages
  compiled=(--build-context build=container-image://localhost/unfold-test-packages)
fi
for target in cli scheduler worker-cpu; do
  buildah bud -f docker/Dockerfile --target "$target" -t "unfold-test-$target" --build-arg BASE=localhost/unfold-test-base \
    "${compiled[@]}" . >"$scratch/log" 2>&1 || { tail -n 30 "$scratch/log" >&2; exit 1; }
  echo "$target: built"
done

mkdir "$scratch/run" "$scratch/data" "$scratch/state"
chown 990 "$scratch/run" "$scratch/data" "$scratch/state"
# within TARGET COMMAND...: in the image, as its user.
within() {
  local container
  container=$(buildah from "localhost/unfold-test-$1")
  shift
  buildah run --volume "$scratch/run:/run/unfold" --volume "$scratch/data:/data" --volume "$scratch/state:/var/lib/unfold" "$container" "$@"
}
server=unix:/run/unfold/unfold.sock
within scheduler unfold-scheduler --dir /var/lib/unfold --listen $server --http 127.0.0.1:0 --root data=/data >"$scratch/scheduler.log" 2>&1 &
for _ in $(seq 100); do [ -S "$scratch/run/unfold.sock" ] && break; sleep 0.1; done
within worker-cpu unfold-worker --root data=/data --name w1 >"$scratch/worker.log" 2>&1 &
within cli unfold simulate extraction --nspec 25 -w 6500,6580,0.8 --expid 5 --dir /data
within cli unfold submit extraction --server $server -i /data/preproc-r0-00000005.fits -p /data/psf-r0-00000005.fits -o /data/frame.fits \
  -n 25 -w 6500,6580,0.8 --wait || { cat "$scratch"/*.log >&2; exit 1; }
[ "$(stat -c %u "$scratch/data/frame.fits")" = 990 ] || { echo "the product is not the user's" >&2; exit 1; }
echo "the images extract a frame on a bare Debian 12"
