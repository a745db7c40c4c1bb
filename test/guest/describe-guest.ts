// Declares a jest block with a guest. In: a title, tests. Out: the block, or a skipped one that says why.
import { afterAll, beforeAll, jest } from "@jest/globals";
import { describeWhere } from "../lab/describe-where.ts";
import type { Answer } from "../lab/probe.ts";
import { findTool } from "../lab/tool.ts";
import { type Guest, type GuestSettings, startGuest } from "./guest.ts";
import { makeKernel } from "./kernel.ts";
import { machines, type MachineName } from "./machines.ts";

/** What the host must have for each machine: the first ones to make its kernel, the others to be run in it. The packages are in test/run.sh. */
const tools = [
  ...["modprobe", "depmod", "dpkg", "apt-get", "flock"],
  ...["busybox", "ip", "ipvsadm", "ipset", "iptables-nft", "iptables-legacy"],
];

/** What takes 0.2 s takes 2 s when the machine is busy with other tests. */
const testTimeoutMs = 30_000;

/** Booting takes 15 s on a busy machine. */
const bootTimeoutMs = 90_000;

/** Whether a guest can be started here. Makes its kernel, so that what cannot be had skips the tests and does not fail them. */
export async function canStartGuest(machine: MachineName = "qemu"): Promise<Answer> {
  if (process.arch !== "x64") return { yes: false, because: `the guest is an x86-64 machine, this is ${process.arch}` };
  for (const tool of [...tools, ...machines[machine].tools]) {
    if ((await findTool(tool)) === undefined) return { yes: false, because: `${tool} is not installed` };
  }
  try {
    await makeKernel(machine);
    return { yes: true };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replaceAll(/\s*\n\s*/g, "; ") : String(error);
    return { yes: false, because: `the guest's kernel cannot be made: ${reason}` };
  }
}

/**
 * Declares a block whose tests share one guest, booted before the first and ended after the last of them. `declare` gets a
 * function, since the guest is there only when a test runs. To be awaited at the top level of a test file, once: each is a boot.
 */
export async function describeGuest(
  title: string,
  declare: (guest: () => Guest) => void,
  settings: GuestSettings = {},
): Promise<void> {
  const answer = await canStartGuest(settings.machine);
  jest.setTimeout(testTimeoutMs);
  describeWhere(title, answer, () => {
    let guest: Guest | undefined;
    beforeAll(async () => {
      guest = await startGuest(settings);
    }, bootTimeoutMs);
    afterAll(() => guest?.stop());
    declare(() => guest ?? noGuest());
  });
}

function noGuest(): never {
  throw new Error("bug: the guest exists only while a test runs");
}
