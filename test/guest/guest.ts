// Boots a Debian kernel on this machine's own files, and runs programs in it. In: nothing. Out: a running guest.
import { execa } from "execa";
import { writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Writable } from "node:stream";
import { type Channel, openChannel } from "./channel.ts";
import { makeKernel } from "./kernel.ts";
import { machines, type Machine, type MachineName } from "./machines.ts";

/** A running guest. Its programs run as its root, in its first network namespace, and see the host's files as they were. */
export type Guest = Pick<Channel, "run" | "start"> &
  Pick<Machine, "variant" | "nodeOptions"> & {
    /** The process id of its machine. */
    readonly pid: number;
    /** Ends it at once, with all that runs in it. Never rejects. */
    readonly stop: () => Promise<void>;
  };

/** `machine`: default `qemu`. After `limitSeconds` (default 300) from its start the guest is ended, whatever it does, and all that waits for it rejects. */
export type GuestSettings = { readonly machine?: MachineName; readonly limitSeconds?: number };

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
const [agent, init] = [resolve("test/guest/agent.mjs"), resolve("test/guest/init.sh")];

/**
 * Boots a guest: 3 s as `uml` on a free machine, 6 s as `qemu`, thrice that on a busy one, and some more when the kernel has first to be made.
 * It has a network of its own with no link to the host's. It ends with this process, however that ends. Rejects with what the console said.
 */
export async function startGuest({ machine = "qemu", limitSeconds = 300 }: GuestSettings = {}): Promise<Guest> {
  const kernel = await makeKernel(machine);
  const { command, port, byFiles, variant, nodeOptions } = machines[machine];
  const folder = await mkdtemp(join(tmpdir(), "rulewright-guest-"));
  const console_ = join(folder, "console");
  const modules = join(kernel, "modules");
  const inbox = byFiles ? `/run/host${folder}` : "";
  const environment = { init, modules, node: process.execPath, agent, port, inbox, limit: `${limitSeconds}` };
  const words = Object.entries(environment).map(([name, value]) => `guest_${name}=${value}`);
  const [file, args] = await command(kernel, { folder, console: console_ }, [...words, `init=${init}`]);
  // In a process group of its own, since User Mode Linux is one process for each of the guest's; so all of them can be ended at once.
  const subprocess = execa(file, args, {
    stdin: "pipe",
    stdout: "pipe",
    buffer: { stdout: false, stderr: true },
    reject: false,
    detached: true,
  });
  const { pid } = subprocess;
  if (pid === undefined) throw new Error(`${file} could not be started: ${(await subprocess).message ?? ""}`);
  let timedOut = false;
  const end = () => {
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it is off
    }
  };
  const limit = setTimeout(() => {
    timedOut = true;
    end();
  }, limitSeconds * 1000);
  const channel = openChannel(postman(subprocess.stdin, byFiles ? folder : undefined), subprocess.stdout);
  const over = subprocess.then(async ({ stderr }) => {
    clearTimeout(limit);
    const why = timedOut ? `was ended after ${limitSeconds} s` : "is off";
    const said = await readFile(console_, "utf8").catch(() => "");
    await rm(folder, { recursive: true, force: true });
    channel.fail(
      new Error(`the guest ${why}; its machine said: ${stderr.slice(-2000)}; its console: ${said.slice(-2000)}`),
    );
  });
  const stop = async () => {
    end();
    await over;
  };
  try {
    await channel.ready;
    await loadModules(channel);
  } catch (error) {
    await stop();
    throw error;
  }
  return { run: channel.run, start: channel.start, variant, nodeOptions, pid, stop };
}

/** Gets lines to the agent: into `stream`, or into files in `folder`, whose names then go into `stream`. */
function postman(stream: Writable, folder: string | undefined): (line: string) => void {
  stream.on("error", () => undefined); // EPIPE of a guest that has ended: who waits is told that it has
  if (folder === undefined) return (line) => void stream.write(`${line}\n`);
  let last = 0;
  return (line) => {
    last += 1;
    writeFileSync(join(folder, `${last}`), line);
    stream.write(`${last}\n`);
  };
}

async function loadModules({ run }: Channel): Promise<void> {
  const { code, stderr } = await run("modprobe", ["-a", ...guestModules]);
  if (code !== 0) throw new Error(`tried to load what IPVS needs in the guest, modprobe said: ${stderr}`);
}

function scheduler(name: string): string {
  return `ip_vs_${name}`;
}
