#!/usr/bin/env bash
# Makes a kernel for the guest. In: a cache folder, a machine (qemu or uml). Out: its last line is the folder made, with
# modules/lib/modules/VERSION and vmlinuz and initrd.gz (qemu) or linux (uml); a second run finds it there and makes nothing.
# Needs no root. To be run under flock(1), so that two test files do not make it at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$1 machine=$2
mkdir -p "$cache"
# One that is there is good enough, however old: tests must not need the network twice.
recipe=$machine-$(sha256sum <"$here/kernel.sh" | cut -c 1-12)
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
name() { if [ "$machine" = qemu ]; then newest; else echo user-mode-linux; fi; }
fetch() { name=$(name) && [ -n "$name" ] && apt-get download -qq "$name" >&2; }
fetch || { apt-get update -qq >&2 && fetch; }
dpkg -x "$name"_*.deb full
from=full/lib/modules
[ "$machine" = qemu ] || from=full/usr/lib/uml/modules
version=$(ls "$from")
mkdir -p made/modules/lib/modules
mv "$from/$version" made/modules/lib/modules/

# Of 400 MB a network needs 60: no sound, and of the drivers only virtio's and the virtual links'.
kernel=made/modules/lib/modules/$version/kernel
rm -rf "$kernel/sound"
find "$kernel/drivers" -mindepth 1 -maxdepth 1 ! -name virtio ! -name char ! -name net -exec rm -rf {} +
find "$kernel/drivers/net" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
depmod -b made/modules "$version" 2>/dev/null

# QEMU's machine gets at the host's root only through modules: these, and what loads them.
make_initrd() {
  local order busybox module plain
  mkdir -p initrd/bin initrd/modules
  order=$(modprobe -d "$PWD/made/modules" -S "$version" --show-depends -a virtio_pci virtio_console 9pnet_virtio 9p |
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
  cat >initrd/init <<'.'
#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /host
$b mount -t proc proc /proc
for module in $($b cat /modules/order); do $b insmod "/modules/$module" || echo "insmod $module failed"; done
$b umount /proc
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host
exec $b switch_root /host /bin/sh "$guest_init"
.
  chmod 755 initrd/init
  (cd initrd && find . | cpio -o -H newc --quiet | gzip -1) >made/initrd.gz
}
if [ "$machine" = qemu ]; then
  mv full/boot/vmlinuz-* made/vmlinuz
  make_initrd
else
  mv full/usr/bin/linux.uml made/linux
fi

target="$cache/${version}_$(dpkg-deb -f "$name"_*.deb Version)_$recipe"
touch made/ready
rm -rf "$target"
mv made "$target"
echo "$target"
