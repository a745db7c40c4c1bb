// The two machines that a guest can be. In: a kernel, an environment for its first process. Out: the command that boots it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Variant } from "../../src/kernel/kernel.ts";
import { needTool } from "../lab/tool.ts";

/**
 * `qemu`: an emulated x86-64 machine with the kernel that Debian's nodes run. `uml`: the same kernel as a process of this machine
 * (User Mode Linux), in which a program costs a quarter; its nf_tables has no IPv4 and no IPv6 family, so only iptables-legacy works in it.
 */
export type MachineName = "qemu" | "uml";

/** What a guest needs to know of its machine. */
export type Machine = {
  /** Programs that the host must have to make its kernel and to boot it. */
  readonly tools: readonly string[];
  /** The iptables that works in it. */
  readonly variant: Variant;
  /** For Node.js in it. */
  readonly nodeOptions: readonly string[];
  /** The guest's end of its standard input and output: a path, or a pattern that one path matches. */
  readonly port: string;
  /**
   * Whether requests go by files, of which the port carries only the names: a terminal of User Mode Linux takes nothing any more once
   * 4 KiB wait in it (seen with Linux 6.1: it is throttled, and never released).
   */
  readonly byFiles: boolean;
  /** Its standard input and output are the line to the agent. What else it says goes to standard error and to `console`. */
  readonly command: (
    kernel: string,
    scratch: Scratch,
    words: readonly string[],
  ) => Promise<readonly [string, string[]]>;
};

/** A folder for what the machine writes while it runs. */
export type Scratch = { readonly folder: string; readonly console: string };

/** All of them. */
export const machines: Readonly<Record<MachineName, Machine>> = {
  qemu: {
    tools: ["qemu-system-x86_64", "busybox", "cpio"],
    variant: "nft",
    // Code that V8 compiles is translated once more by the emulator; without its compilers attempts take a third less.
    nodeOptions: ["--jitless"],
    port: "/dev/vport*p1",
    byFiles: false,
    command: async (kernel, scratch, words) => [await needTool("qemu-system-x86_64"), emulated(kernel, scratch, words)],
  },
  uml: {
    tools: ["stty", "taskset"],
    variant: "legacy",
    nodeOptions: [],
    port: "/dev/tty1",
    byFiles: true,
    // On one processor, since every system call in it is two switches between processes: across two they take four times as long.
    command: async (kernel, scratch, words) => [
      await needTool("taskset"),
      ["--cpu-list", await oneProcessor(), join(kernel, "linux"), ...ofUserMode(scratch, words)],
    ],
  },
};

/** The last one that this process may run on. Source: proc(5), Cpus_allowed_list, as in `0-3,7`. */
async function oneProcessor(): Promise<string> {
  const allowed = /^Cpus_allowed_list:\s*(?:.*[,-])?(\d+)$/m.exec(await readFile("/proc/self/status", "utf8"))?.[1];
  if (allowed === undefined) throw new Error("bug: /proc/self/status names no processor");
  return allowed;
}

// Each of the kernel's words saves time: it is emulated, and protects nobody from anyone.
const quick = "quiet mitigations=off init_on_alloc=0 nokaslr no5lvl tsc=reliable cryptomgr.notests audit=0 apparmor=0";

function emulated(kernel: string, scratch: Scratch, words: readonly string[]): string[] {
  return [
    // One processor: a second one nearly doubles what a test file costs (58 s of CPU time, not 31), in waiting for each other.
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "2048", "-smp", "1", "-cpu", "max"],
    // Never KVM: in a virtual machine there may be a /dev/kvm that fails at once (seen: an assertion in kvm_buf_set_msrs).
    ...["-accel", "tcg", "-kernel", join(kernel, "vmlinuz"), "-initrd", join(kernel, "initrd.gz")],
    ...["-append", ["console=ttyS0 panic=-1", quick, ...words.map((word) => `"${word}"`)].join(" ")],
    ...["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"],
    // Standard input is the line to the agent: it breaks when this process dies, and then the guest turns itself off.
    ...["-chardev", "stdio,id=agent,signal=off", "-device", "virtio-serial", "-device", "virtserialport,chardev=agent"],
    ...["-serial", `file:${scratch.console}`],
  ];
}

/** Its root is the host's, read-only (hostfs). Source of the words: the kernel's Documentation/virt/uml/user_mode_linux_howto_v2.rst. */
function ofUserMode(scratch: Scratch, words: readonly string[]): string[] {
  return [
    ...["mem=2G", `uml_dir=${scratch.folder}/`, "umid=guest", "rootfstype=hostfs", "rootflags=/", "ro", "panic=-1"],
    ...["con=null", "con0=null,fd:2", "con1=fd:0,fd:1", "quiet", "audit=0", "apparmor=0"],
    ...words,
  ];
}
