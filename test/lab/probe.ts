// Finds out what may be tested on this machine. In: the machine. Out: yes, or no and why.
import { readFile } from "node:fs/promises";
import type { Variant } from "./tables.ts";
import { findTool, runTool } from "./tool.ts";

/** `because` completes "skipped: ". */
export type Answer = { readonly yes: true } | { readonly yes: false; readonly because: string };

/** Whether this process may make network namespaces (root, and a kernel and a sandbox that let it). */
export async function canMakeNamespaces(): Promise<Answer> {
  return inNamespace(() => Promise.resolve(yes));
}

/** Whether a tool is installed. */
export async function hasTool(name: string): Promise<Answer> {
  return (await findTool(name)) === undefined ? no(`${name} is not installed`) : yes;
}

/** Whether a namespace has IPv6 and its addresses can be set. */
export async function ipv6Works(): Promise<Answer> {
  return inNamespace(async (run) => {
    await run("ip", ["link", "set", "lo", "up"]);
    await run("ip", ["addr", "add", "fd00::1/128", "dev", "lo", "nodad"]);
    return yes;
  });
}

/** Whether iptables of this variant can read and write every table that the lab empties, of both families. */
export async function iptablesWorks(variant: Variant): Promise<Answer> {
  return inNamespace(async (run) => {
    for (const tool of [`iptables-${variant}`, `ip6tables-${variant}`]) {
      for (const table of ["raw", "mangle", "nat", "filter"]) await run(tool, ["-w", "10", "-t", table, "-S"]);
    }
    return yes;
  });
}

/**
 * Whether the kernel speaks SCTP now. The lab sends none even so, since Node has no API for it; this is for tests that load
 * rules for it or use another client.
 */
export async function sctpWorks(): Promise<Answer> {
  const protocols = await readFile("/proc/net/protocols", "utf8").catch(() => "");
  return /^SCTP\b/m.test(protocols) ? yes : no("the kernel has no SCTP (/proc/net/protocols does not name it)");
}

/** Whether `createLab({ variant })` can work: all of the above that it needs. */
export async function canMakeLab(variant: Variant): Promise<Answer> {
  const tools = [
    "ip",
    "sysctl",
    "conntrack",
    "ethtool",
    ...["iptables", "ip6tables"].flatMap((name) => [`${name}-${variant}-save`, `${name}-${variant}-restore`]),
  ];
  for (const tool of tools) {
    const answer = await hasTool(tool);
    if (!answer.yes) return answer;
  }
  for (const ask of [canMakeNamespaces, ipv6Works, () => iptablesWorks(variant)]) {
    const answer = await ask();
    if (!answer.yes) return answer;
  }
  return yes;
}

const yes: Answer = { yes: true };

function no(because: string): Answer {
  return { yes: false, because };
}

let tried = 0;

async function inNamespace(
  ask: (run: (tool: string, args: readonly string[]) => Promise<void>) => Promise<Answer>,
): Promise<Answer> {
  const ip = await findTool("ip");
  if (ip === undefined) return no("ip is not installed");
  tried += 1;
  const name = `rw${process.pid}-0-probe${tried}`; // named as labs are, so that one left behind is removed with them
  try {
    await runTool(ip, ["netns", "add", name]);
  } catch (error) {
    return no(`namespaces cannot be made: ${reason(error)}`);
  }
  try {
    return await ask(async (tool, args) => {
      const path = await findTool(tool);
      if (path === undefined) throw new Error(`${tool} is not installed`);
      await runTool(ip, ["netns", "exec", name, path, ...args]);
    });
  } catch (error) {
    return no(reason(error));
  } finally {
    await runTool(ip, ["netns", "del", name]);
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s*\n\s*/g, "; ") : String(error);
}
