#!/bin/busybox sh
# The guest's first process. In: guest_modules, guest_node, guest_agent, guest_limit (seconds) from the kernel's command line; the host's root over 9p.
# Out: the agent, running on that root; when it ends the guest is off. All that it writes goes to memory.
# switch_root and not chroot: the kernel starts modprobe in the root of process 1, so modules load when they are first used.
b=/bin/busybox
$b mkdir -p /proc /host /scratch /root2
$b mount -t proc proc /proc
for module in $($b cat /modules/order); do $b insmod "/modules/$module" || echo "insmod $module failed"; done
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host
$b mount -t tmpfs scratch /scratch
$b mkdir /scratch/upper /scratch/work
$b mount -t overlay -o lowerdir=/host,upperdir=/scratch/upper,workdir=/scratch/work root /root2
$b mount -t proc proc /root2/proc
$b mount -t sysfs sys /root2/sys
$b mount -t devtmpfs dev /root2/dev
$b mount -t tmpfs run /root2/run
$b mkdir -p /root2/lib/modules /root2/run/lock
$b mount -t tmpfs modules /root2/lib/modules
$b ln -s "$guest_modules/lib/modules/$($b uname -r)" /root2/lib/modules/
$b umount /proc
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
# shellcheck disable=SC2016 # the variables are the inner shell's
exec $b switch_root /root2 /bin/sh -c 'cd /; (sleep "$guest_limit"; echo o >/proc/sysrq-trigger) & ip link set lo up; "$guest_node" "$guest_agent" </dev/null; echo o >/proc/sysrq-trigger; while :; do :; done'
