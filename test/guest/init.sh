#!/bin/sh
# The guest's first process on the host's root, which it sees read-only. In: guest_modules, guest_node, guest_agent, guest_port and guest_limit
# (seconds) from the kernel's command line. Out: the agent, on a root whose changes go to memory; when it ends the guest is off.
# pivot_root and not chroot: the kernel starts modprobe in the root of process 1, so modules load when they are first used.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
mount -t proc proc /proc
modprobe -d "$guest_modules" overlay
mount -t tmpfs scratch /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work root /mnt/root
cd /mnt/root || exit
mount -t proc proc proc
mount -t sysfs sys sys
mount -t devtmpfs dev dev
mount -t tmpfs run run
mkdir -p lib/modules run/lock run/host
mount -t tmpfs modules lib/modules
ln -s "$guest_modules/lib/modules/$(uname -r)" lib/modules/
pivot_root . run/host
cd /
ip link set lo up
(
  sleep "$guest_limit"
  echo o >/proc/sysrq-trigger
) &
# shellcheck disable=SC2086 # a pattern: the number of the port depends on the machine's other devices
for port in $guest_port; do exec 3<>"$port"; done
if [ -t 3 ]; then stty raw -echo <&3; fi
"$guest_node" "$guest_agent" </dev/null
echo o >/proc/sysrq-trigger
while :; do sleep 1; done
