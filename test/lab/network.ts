// Makes the namespaces of a layout and removes them. In: a layout. Out: namespaces, linked and configured.
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Layout, Namespace } from "./layout.ts";
import { needTool, runTool } from "./tool.ts";

let labs = 0;

/** A prefix for namespace names, `rwPID-N`. jest loads this module once per test file, so an N may be another file's already. */
export function freePrefix(): string {
  let prefix: string;
  do prefix = `rw${process.pid}-${(labs += 1)}`;
  while (existsSync(`/run/netns/${prefix}-node`));
  return prefix;
}

/** Makes the namespaces, empty and unconnected. `ip` is the path of ip(8). */
export async function addNamespaces(ip: string, layout: Layout): Promise<void> {
  await runTool(ip, ["-batch", "-"], { input: layout.namespaces.map(({ name }) => `netns add ${name}\n`).join("") });
}

/** Sets sysctls and links the namespaces, which must exist. `nodeSysctls` are the node's, on top of the layout's. */
export async function linkNamespaces(
  ip: string,
  layout: Layout,
  nodeSysctls: Readonly<Record<string, string | number>>,
): Promise<void> {
  const sysctl = await needTool("sysctl");
  const extra = Object.entries(nodeSysctls).map(([name, value]) => `${name}=${value}`);
  // Before any interface: `default` is what a new one starts with.
  await Promise.all(
    layout.namespaces.map(({ name, sysctls }, index) =>
      runTool(ip, ["netns", "exec", name, sysctl, "-q", "-w", ...sysctls, ...(index === 0 ? extra : [])]),
    ),
  );
  for (const { name, batch } of layout.namespaces) await runTool(ip, ["-n", name, "-batch", "-"], { input: batch });
  await Promise.all(layout.namespaces.map((namespace) => takeByThread(ip, namespace)));
}

/**
 * Lets kernel threads take packets in. Otherwise a REJECT's ICMP error comes back, through the veths, within the very system call
 * that sends the SYN; the socket is still locked then, and the kernel drops the error (counter LockDroppedIcmps, seen with 6.18):
 * over IPv6 a client would learn of the REJECT only after its second SYN, 1 s later. A veth uses its thread for packets
 * from an end without TSO only. Source: Linux, drivers/net/veth.c, veth_skb_is_eligible_for_gro.
 */
async function takeByThread(ip: string, { name, threaded, toThreaded }: Namespace): Promise<void> {
  const [ethtool, tee] = [await needTool("ethtool"), await needTool("tee")];
  const run = (args: readonly string[], input = "") => runTool(ip, ["netns", "exec", name, ...args], { input });
  await Promise.all(toThreaded.map((link) => run([ethtool, "-K", link, "tso", "off"])));
  for (const link of threaded) {
    await run([ethtool, "-K", link, "gro", "on"]);
    await run([tee, `/sys/class/net/${link}/threaded`], "1");
  }
}

/** Removes the labs of processes that are gone: a jest that was killed leaves namespaces behind. */
export async function removeAbandoned(ip: string): Promise<void> {
  const prefixes = new Set((await namespaces()).flatMap((name) => /^rw\d+-\d+(?=-)/.exec(name)?.[0] ?? []));
  for (const prefix of prefixes) {
    const pid = prefix.slice(2, prefix.indexOf("-"));
    if (!existsSync(`/proc/${pid}`)) await removeNamespaces(ip, prefix);
  }
}

/** Removes a lab's namespaces, and with them all that is in them. */
export async function removeNamespaces(ip: string, prefix: string): Promise<void> {
  await rm(lockFile(prefix), { force: true });
  const own = await namespacesOf(prefix);
  if (own.length === 0) return;
  try {
    // -force goes on past a namespace that another process, removing the same abandoned lab, has just removed.
    await runTool(ip, ["-force", "-batch", "-"], { input: own.map((name) => `netns del ${name}\n`).join("") });
  } catch (error) {
    if ((await namespacesOf(prefix)).length > 0) throw error;
  }
}

async function namespaces(): Promise<string[]> {
  return readdir("/run/netns").catch(() => []); // absent before the first `ip netns add`
}

async function namespacesOf(prefix: string): Promise<string[]> {
  return (await namespaces()).filter((name) => name.startsWith(`${prefix}-`));
}

/** The xtables lock of a lab; removed with its namespaces. */
export function lockFile(prefix: string): string {
  return join(tmpdir(), `${prefix}-xtables.lock`);
}
