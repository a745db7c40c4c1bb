// The real packet filter, through iptables' tools. In: a variant or none. Out: Kernel.
import { readFile, writeFile } from "node:fs/promises";
import type { Family } from "../../rules/index.ts";
import type { Kernel, Restored, Variant } from "./kernel.ts";
import { CommandError, run } from "./run.ts";
import { directories, findTool } from "./find-tool.ts";
import { watchRules } from "./watch-rules.ts";

/** Why the kernel cannot be reached from here, and what to do about it. */
export class NoKernelError extends Error {
  override name = "NoKernelError";
}

/** Seconds to wait for the xtables lock, which other tools on the node take too. */
const lockSeconds = 30;

/**
 * Opens this network namespace's packet filter. Without `forced`, the variant is the one in which kubelet keeps its hint chains, nft
 * where there are none, or the only one installed. Source: kubernetes-sigs/iptables-wrappers.
 */
export async function openKernel(forced?: Variant): Promise<Kernel> {
  const variant = forced ?? (await chooseVariant());
  const path = async (tool: string) => {
    const found = await findTool(tool);
    if (found === undefined)
      throw new NoKernelError(`${tool} was not found in ${directories.join(", ")}: install the package iptables`);
    return found;
  };
  const tools = {
    4: { save: await path(`iptables-${variant}-save`), restore: await path(`iptables-${variant}-restore`) },
    6: { save: await path(`ip6tables-${variant}-save`), restore: await path(`ip6tables-${variant}-restore`) },
  };
  const feed = async (family: Family, script: string, args: readonly string[]): Promise<Restored> => {
    const { restore } = tools[family];
    const ended = await run(restore, ["-w", String(lockSeconds), "--noflush", ...args], { input: script });
    if (ended.code === 0) return { ok: true };
    const message = ended.failure ?? ended.stderr.trim();
    return { ok: false, message, line: readLine(message) };
  };
  return {
    variant,
    readRules: (family) => readRules(tools[family].save),
    scanRules: (family, take) => scanRules(tools[family].save, take),
    watchRules: variant === "nft" ? watchRules : unwatched,
    readSets,
    restore: (family, script) => feed(family, script, []),
    check: (family, script) => feed(family, script, ["--test"]),
    readSysctl: async (name) => {
      try {
        return (await readFile(sysctlPath(name), "utf8")).trim();
      } catch {
        return undefined;
      }
    },
    writeSysctl: (name, value) => writeFile(sysctlPath(name), value),
  };
}

async function chooseVariant(): Promise<Variant> {
  const hint = /^:(KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY) /m;
  // Of nft only the table that kubelet uses; of legacy all that there is, since naming a table would create it.
  const probes: readonly (readonly [Variant, string, readonly string[]])[] = [
    ["nft", "iptables-nft-save", ["-t", "mangle"]],
    ["nft", "ip6tables-nft-save", ["-t", "mangle"]],
    ["legacy", "iptables-legacy-save", []],
    ["legacy", "ip6tables-legacy-save", []],
  ];
  let installed: Variant | undefined;
  for (const [variant, tool, args] of probes) {
    const path = await findTool(tool);
    if (path === undefined) continue;
    installed ??= variant;
    const { code, stdout } = await run(path, args);
    if (code === 0 && hint.test(stdout)) return variant;
  }
  if (installed === undefined)
    throw new NoKernelError(
      "neither iptables-nft-save nor iptables-legacy-save was found: install the package iptables",
    );
  return installed;
}

/** Rules that ask for a set which is not known are then left open, which is what is true of them. */
async function readSets(): Promise<string> {
  const ipset = await findTool("ipset");
  if (ipset === undefined) return "";
  const ended = await run(ipset, ["save"]);
  return ended.code === 0 ? ended.stdout : "";
}

async function readRules(save: string): Promise<string> {
  const ended = await run(save, []);
  if (ended.code !== 0) throw new CommandError(save, [], ended);
  refuseUnreadable(save, ended.stdout);
  return ended.stdout;
}

async function scanRules(save: string, take: (text: string) => void): Promise<void> {
  let [comments, isOpen] = ["", false];
  const onOutput = (text: string): void => {
    // The warning stands where the table would begin, so in the comments between tables, of which there are few.
    if (isOpen || text.includes("#")) comments = `${comments}${text}`.split("\n").filter(isCommentPart).join("\n");
    isOpen = text.lastIndexOf("#") > text.lastIndexOf("\n") || (isOpen && !text.includes("\n"));
    take(text);
  };
  const ended = await run(save, [], { onOutput });
  if (ended.code !== 0) throw new CommandError(save, [], ended);
  refuseUnreadable(save, comments);
}

/** Of a piece that may be cut anywhere: rules begin with - and chains with :, and neither is worth keeping. */
function isCommentPart(line: string): boolean {
  return !/^[-:*C]/.test(line);
}

/** iptables-nft-save leaves such a table out and exits 0; taken for empty, it would get every jump once more. */
function refuseUnreadable(save: string, text: string): void {
  const unreadable = /^# Table `(\w+)' is incompatible/m.exec(text);
  if (unreadable === null) return;
  const what = `${save}: table ${unreadable[1] ?? ""} holds rules of the nft tool that iptables cannot read`;
  throw new NoKernelError(`${what}: remove them (nft list table shows them), or choose --variant legacy`);
}

/** iptables-legacy: its kernel side tells nobody. */
function unwatched(): () => void {
  return () => undefined;
}

/** `Error occurred at line: 12` (both variants), `line 12: CHAIN_DEL failed` (nft), `line 12 failed` (legacy). */
function readLine(message: string): number | undefined {
  const found = /line:? (\d+)/.exec(message);
  return found === null ? undefined : Number(found[1]);
}

function sysctlPath(name: string): string {
  return `/proc/sys/${name}`;
}
