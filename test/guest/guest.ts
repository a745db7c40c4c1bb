// Boots a Debian kernel in QEMU, on this machine's own files, and runs programs in it. In: nothing. Out: a running guest.
import { execa } from "execa";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { needTool } from "../lab/tool.ts";
import { type Channel, openChannel } from "./channel.ts";
import { type Kernel, makeKernel } from "./kernel.ts";

/** A running guest. Its programs run as its root, in its first network namespace, and see the host's files as they were. */
export type Guest = Pick<Channel, "run" | "start"> & {
  /** The process id of QEMU. */
  readonly pid: number;
  /** Ends it at once, with all that runs in it. Never rejects. */
  readonly stop: () => Promise<void>;
};

/** After `limitSeconds` (default 300) from its start the guest is ended, whatever it does, and all that waits for it rejects. */
export type GuestSettings = { readonly limitSeconds?: number };

/**
 * What a node needs for IPVS mode. Nearly all of them load by themselves when first used; naming them makes a kernel that lacks one fail at boot,
 * and not as a packet that goes astray. Source of the schedulers: ipvsadm(8), option -s.
 */
export const guestModules: readonly string[] = [
  ...[
    "ip_vs",
    ...["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "sed", "nq", "fo", "ovf"].map(scheduler),
  ],
  ...["ip", "ipport", "ipportip", "ipportnet", "net"].map((type) => `ip_set_hash_${type}`),
  ...["ip_set_bitmap_port", "xt_set", "xt_ipvs", "nf_conntrack", "dummy", "veth", "bridge", "br_netfilter"],
];

// From the root of the project, where tests and the bench run: the bench is bundled elsewhere.
const agent = resolve("test/guest/agent.mjs");

/**
 * Boots a guest: 5 s on a free machine, 15 s on a busy one, and some more when the kernel has first to be made. It has a
 * network of its own with no link to the host's. It ends with this process, however that ends. Rejects with what the console said.
 */
export async function startGuest({ limitSeconds = 300 }: GuestSettings = {}): Promise<Guest> {
  const kernel = await makeKernel();
  const folder = await mkdtemp(join(tmpdir(), "rulewright-guest-"));
  const console_ = join(folder, "console");
  const subprocess = execa(await needTool("qemu-system-x86_64"), machine(kernel, console_, limitSeconds), {
    stdin: "pipe",
    stdout: "pipe",
    buffer: { stdout: false, stderr: true },
    reject: false,
    timeout: limitSeconds * 1000,
    killSignal: "SIGKILL",
  });
  const channel = openChannel(subprocess.stdin, subprocess.stdout);
  const over = subprocess.then(async ({ timedOut, stderr }) => {
    const why = timedOut ? `was ended after ${limitSeconds} s` : "is off";
    const said = await readFile(console_, "utf8").catch(() => "");
    await rm(folder, { recursive: true, force: true });
    channel.fail(new Error(`the guest ${why}; QEMU said: ${stderr}; its console: ${said.slice(-2000)}`));
  });
  const stop = async () => {
    subprocess.kill("SIGKILL");
    await over;
  };
  try {
    await channel.ready;
    await loadModules(channel);
  } catch (error) {
    await stop();
    throw error;
  }
  return { run: channel.run, start: channel.start, pid: subprocess.pid ?? 0, stop };
}

// Each of the kernel's words saves time: it is emulated, and protects nobody from anyone.
const quick = "quiet mitigations=off init_on_alloc=0 nokaslr no5lvl tsc=reliable cryptomgr.notests audit=0 apparmor=0";

function machine({ image, initrd, modules }: Kernel, console_: string, limitSeconds: number): string[] {
  const environment = { modules, node: process.execPath, agent, limit: `${limitSeconds}` };
  const words = Object.entries(environment).map(([name, value]) => `"guest_${name}=${value}"`);
  return [
    // One processor: a second one nearly doubles what a test file costs (58 s of CPU time, not 31), in waiting for each other.
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "2048", "-smp", "1", "-cpu", "max"],
    // Never KVM: in a virtual machine there may be a /dev/kvm that fails at once (seen: an assertion in kvm_buf_set_msrs).
    ...["-accel", "tcg"],
    ...["-kernel", image, "-initrd", initrd, "-append", ["console=ttyS0 panic=-1", quick, ...words].join(" ")],
    ...["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"],
    // Standard input is the line to the agent: it breaks when this process dies, and then the guest turns itself off.
    ...["-chardev", "stdio,id=agent,signal=off", "-device", "virtio-serial"],
    ...["-device", "virtserialport,chardev=agent,name=rulewright.agent", "-serial", `file:${console_}`],
  ];
}

async function loadModules({ run }: Channel): Promise<void> {
  const { code, stderr } = await run("modprobe", ["-a", ...guestModules]);
  if (code !== 0) throw new Error(`tried to load what IPVS needs in the guest, modprobe said: ${stderr}`);
}

function scheduler(name: string): string {
  return `ip_vs_${name}`;
}
