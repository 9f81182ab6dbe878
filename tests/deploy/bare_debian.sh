#!/usr/bin/env bash
# Installs the packages of BUILD_DIR (made with cpack) on a bare Debian 12 and extracts a frame there.
# Needs root, debootstrap and Debian's archive as this machine's apt has it.
# Usage: tests/deploy/bare_debian.sh BUILD_DIR
set -euo pipefail
build=$1
packages=("$build"/packages/*.deb)
[ -e "${packages[0]}" ] || { echo "no packages in $build/packages [make them: cd $build && cpack]" >&2; exit 1; }
scratch=$(mktemp -d)
root=$scratch/root
trap 'umount "$root/proc" "$root/dev" 2>/dev/null || true; rm -rf "$scratch"' EXIT

debootstrap --variant=minbase bookworm "$root" >"$scratch/debootstrap.log" 2>&1 || { tail "$scratch/debootstrap.log" >&2; exit 1; }
cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

mkdir "$root/packages"
for package in "${packages[@]}"; do
  case $package in *-cuda_*) ;; *) cp "$package" "$root/packages" ;; esac
done
inside apt-get update -q >"$scratch/apt.log" 2>&1
inside sh -c 'apt-get install -y -q --no-install-recommends /packages/*.deb' >"$scratch/apt.log" 2>&1 || { tail "$scratch/apt.log" >&2; exit 1; }
echo "installed: $(inside dpkg-query -W -f '${Package} ' 'unfold*')"
inside test -e /etc/unfold/scheduler.toml -a -e /usr/lib/systemd/system/unfold-worker@.service
inside unfold version

mkdir "$root/data"
inside bash -euc '
  cd /data
  unfold up --root data=/data --dir /state --http 127.0.0.1:0 --listen unix:/run/unfold.sock >/up.log 2>&1 &
  export UNFOLD_SERVER=unix:/run/unfold.sock
  for _ in $(seq 100); do unfold workers --output-format json 2>/dev/null | grep -q READY && break; sleep 0.1; done
  unfold simulate extraction --nspec 25 -w 6500,6580,0.8 --expid 5 --dir /data
  unfold submit extraction -i preproc-r0-00000005.fits -p psf-r0-00000005.fits -o frame.fits -n 25 -w 6500,6580,0.8 --wait
  kill %1
  wait %1
'
test -s "$root/data/frame.fits"
inside python3 -c 'import unfold; print(unfold.Client("unix:/nobody").server)'
inside apt-get purge -y -q unfold unfold-scheduler unfold-worker python3-unfold >"$scratch/apt.log" 2>&1
if inside sh -c 'ls /etc/unfold /usr/bin/unfold* /usr/lib/sysusers.d/unfold*' 2>/dev/null; then
  echo "purged packages leave files behind" >&2
  exit 1
fi
echo "packages install, extract a frame and are purged on a bare Debian 12"
