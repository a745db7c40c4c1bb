#!/usr/bin/env bash
# Makes a kernel and an initrd for the guest. In: a cache folder, init.sh beside this file. Out: its last line is the folder made,
# with vmlinuz, initrd.gz and modules/lib/modules/VERSION; a second run finds it there and makes nothing.
# Needs no root. To be run under flock(1), so that two test files do not make it at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$1
mkdir -p "$cache"
# One that is there is good enough, however old: tests must not need the network twice.
recipe=$(cat "$here/init.sh" "$here/kernel.sh" | sha256sum | cut -c 1-12)
ready=$(find "$cache" -mindepth 2 -maxdepth 2 -path "*_$recipe/ready" | sort -V | tail -1)
if [ -n "$ready" ]; then
  dirname "$ready"
  exit
fi

scratch=$(mktemp -d "$cache/making-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
# The metapackage names the newest. Lists of packages may be missing (images of containers have none), or older than the mirror.
newest() { apt-cache depends linux-image-amd64 2>/dev/null | grep -o 'linux-image-6[^ ]*' | sort -V | tail -1; }
fetch() { name=$(newest) && [ -n "$name" ] && apt-get download -qq "$name" >&2; }
fetch || { apt-get update -qq >&2 && fetch; }
dpkg -x "$name"_*.deb full
version=$(ls full/lib/modules)
mkdir -p made/modules/lib/modules initrd/bin initrd/modules
mv full/boot/vmlinuz-* made/vmlinuz
mv "full/lib/modules/$version" made/modules/lib/modules/

# Of 400 MB a network needs 60: no sound, and of the drivers only virtio's and the virtual links'.
kernel=made/modules/lib/modules/$version/kernel
rm -rf "$kernel/sound"
find "$kernel/drivers" -mindepth 1 -maxdepth 1 ! -name virtio ! -name char ! -name net -exec rm -rf {} +
find "$kernel/drivers/net" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
depmod -b made/modules "$version" 2>/dev/null

order=$(modprobe -d "$PWD/made/modules" -S "$version" --show-depends -a virtio_pci virtio_console 9pnet_virtio 9p overlay |
  awk '$1 == "insmod" && !seen[$2]++ { print $2 }')
for module in $order; do
  plain=$(basename "${module%.xz}")
  case $module in *.xz) xz -dc "$module" >"initrd/modules/$plain" ;; *) cp "$module" "initrd/modules/$plain" ;; esac
  echo "$plain" >>initrd/modules/order
done
busybox=$(command -v busybox)
if ldd "$busybox" >/dev/null 2>&1; then
  echo "$busybox needs libraries, which an initrd has not: install busybox-static" >&2
  exit 1
fi
cp "$busybox" initrd/bin/busybox
install -m 755 "$here/init.sh" initrd/init
(cd initrd && find . | cpio -o -H newc --quiet | gzip -1) >made/initrd.gz

target="$cache/${version}_$(dpkg-deb -f "$name"_*.deb Version)_$recipe"
touch made/ready
rm -rf "$target"
mv made "$target"
echo "$target"
