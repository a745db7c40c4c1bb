// Whether this host can serve IPVS mode, found before anything is written. In: its tools and kernel. Out: PreflightProblem[], each with what to do.
import {
  parseServers,
  ownedServers,
  ownSetTypes,
  parseAddresses,
  parseSetTable,
  type Scheduler,
} from "../../rules/index.ts";
import { printable } from "../../rules/problem.ts";
import { directories, findTool } from "../kernel/find-tool.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { run, type Ended, type RunOptions } from "../kernel/run.ts";
import { ipvsTools } from "./ipvs-tools.ts";

/** An error means that IPVS mode cannot be had; a warning, that something is left as it is. */
export type PreflightProblem = {
  readonly code:
    | "no-tool"
    | "no-ip-vs"
    | "no-conntrack"
    | "no-scheduler"
    | "no-set-type"
    | "no-set-match"
    | "no-dummy"
    | "servers-of-others";
  readonly severity: "error" | "warning";
  /** One line: what was tried, what came back, what to do. */
  readonly text: string;
};

/** What is asked of a host; `hostOf` is the real one. */
export type PreflightHost = {
  readonly findTool: (tool: string) => Promise<string | undefined>;
  readonly run: (file: string, args: readonly string[], options?: RunOptions) => Promise<Ended>;
  readonly rules: Pick<Kernel, "restore" | "readSysctl">;
};

export type PreflightSettings = {
  /** Those that are asked for, without any of a Service's own. */
  readonly schedulers: readonly Scheduler[];
  /** False: what only a write would show is not looked for. */
  readonly writes: boolean;
};

/** Logs the warnings, and gives the texts of the errors: what is missing. */
export function tellPreflight(
  found: readonly PreflightProblem[],
  log: { readonly warn: (text: string) => unknown },
): readonly string[] {
  for (const { severity, text } of found) if (severity === "warning") log.warn(text);
  return found.filter(({ severity }) => severity === "error").map(({ text }) => text);
}

export function hostOf(rules: Kernel): PreflightHost {
  return { findTool, run, rules };
}

/**
 * Looks in an order in which what comes later needs what came before, and stops where nothing further can be told. Everything that is made
 * to be tried (a virtual server at an address for documentation, a set, a chain, a device) is taken away at once. The first use loads modules.
 */
export async function preflight(
  host: PreflightHost,
  settings: PreflightSettings,
): Promise<readonly PreflightProblem[]> {
  const tools = await findTools(host);
  if (tools.missing.length > 0) return tools.missing;
  const paths = tools.paths as Paths;
  const listed = await host.run(paths.ipvsadm, ["-Sn"]);
  if (listed.code !== 0) return [noIpVs(listed)];
  const ownConntrack = await host.rules.readSysctl("net/ipv4/vs/conntrack");
  return [
    ...(ownConntrack === undefined ? [noConntrack] : []),
    ...(settings.writes ? await findByWriting(host, { paths, listed: listed.stdout, settings }) : []),
    ...(await findOthers(host, paths, listed.stdout)),
  ];
}

type Paths = Readonly<Record<keyof typeof ipvsTools, string>>;
type Found = { readonly paths: Paths; readonly listed: string; readonly settings: PreflightSettings };

async function findTools(host: PreflightHost): Promise<{ paths: Partial<Paths>; missing: PreflightProblem[] }> {
  const paths: Partial<Record<keyof typeof ipvsTools, string>> = {};
  const missing: PreflightProblem[] = [];
  for (const [tool, name] of Object.entries(ipvsTools) as [keyof typeof ipvsTools, string][]) {
    const path = await host.findTool(tool);
    if (path === undefined)
      missing.push(error("no-tool", `${tool} was not found in ${directories.join(", ")}: install the package ${name}`));
    else paths[tool] = path;
  }
  return { paths, missing };
}

function noIpVs(listed: Ended): PreflightProblem {
  const isDenied = /permission|permitted/i.test(listed.stderr);
  const advice = isDenied
    ? "run as root, with the capability NET_ADMIN"
    : "load the module ip_vs (modprobe ip_vs; a container cannot, unless it is privileged and has /lib/modules), or use a kernel that has it";
  return error("no-ip-vs", `ipvsadm -Sn: ${saidOf(listed)}: ${advice}`);
}

const noConntrack = error(
  "no-conntrack",
  "there is no sysctl net/ipv4/vs/conntrack: this kernel's ip_vs is built without CONFIG_IP_VS_NFCT, so connections of virtual servers cannot be masqueraded; use another kernel",
);

async function findByWriting(host: PreflightHost, found: Found): Promise<PreflightProblem[]> {
  const schedulers = await findSchedulers(host, found);
  const sets = await findSetTypes(host, found.paths.ipset);
  const match = sets.length > 0 ? [] : await findSetMatch(host, found.paths.ipset);
  return [...schedulers, ...sets, ...match, ...(await findDummy(host, found.paths.ip))];
}

/** As kube-proxy tries it; an address for documentation (RFC 5737). Source: kube-proxy ipvs, CanUseIPVSProxier. */
const probe = "-t 198.51.100.0:20000";

async function findSchedulers(host: PreflightHost, { paths, listed, settings }: Found): Promise<PreflightProblem[]> {
  const problems: PreflightProblem[] = [];
  for (const { name, flags } of settings.schedulers) {
    const isInUse = new RegExp(`^-A \\S+ \\S+ -s ${name}( |$)`, "m").test(listed);
    // Somebody else tries, or died in the attempt: its place is not ours to take.
    if (isInUse || listed.includes(`${probe} `)) continue;
    const text = `-A ${probe} -s ${name}${flags.length === 0 ? "" : ` -b ${flags.join(",")}`}\n`;
    const tried = await host.run(paths.ipvsadm, ["--restore"], { input: text });
    if (isGood(tried)) await host.run(paths.ipvsadm, ["--restore"], { input: `-D ${probe}\n` });
    else
      problems.push(
        error(
          "no-scheduler",
          `ipvsadm, a virtual server with scheduler ${name}: ${saidOf(tried)}: load the module ip_vs_${name}, or configure another scheduler`,
        ),
      );
  }
  return problems;
}

/** What an attempt that was cut short left is taken over by the next. */
const probeSet = "RW-PREFLIGHT";

async function findSetTypes(host: PreflightHost, ipset: string): Promise<PreflightProblem[]> {
  const problems: PreflightProblem[] = [];
  for (const type of [...new Set(Object.values(ownSetTypes(4)))]) {
    const options = type === "bitmap:port" ? "range 0-65535" : "family inet";
    const name = `${probeSet}-${type}`;
    const input = `create ${name} ${type} ${options} -exist\ndestroy ${name}\n`;
    const tried = await host.run(ipset, ["restore"], { input });
    if (isGood(tried)) continue;
    const module = `ip_set_${type.replace(":", "_").replaceAll(",", "")}`;
    problems.push(error("no-set-type", `ipset, a set of type ${type}: ${saidOf(tried)}: load the module ${module}`));
  }
  return problems;
}

async function findSetMatch({ run: runTool, rules }: PreflightHost, ipset: string): Promise<PreflightProblem[]> {
  await runTool(ipset, ["restore"], { input: `create ${probeSet} hash:ip family inet -exist\n` });
  const chain = `*filter\n:${probeSet} - [0:0]\n-A ${probeSet} -m set --match-set ${probeSet} dst -j RETURN\nCOMMIT\n`;
  const tried = await rules.restore(4, chain);
  if (tried.ok) await rules.restore(4, `*filter\n-F ${probeSet}\n-X ${probeSet}\nCOMMIT\n`);
  await runTool(ipset, ["restore"], { input: `destroy ${probeSet}\n` });
  if (tried.ok) return [];
  const said = oneLine(tried.message);
  return [
    error(
      "no-set-match",
      `iptables-restore, a rule with -m set: ${said}: load the module xt_set, or use a kernel that has it`,
    ),
  ];
}

const probeDevice = "rw-preflight";

async function findDummy(host: PreflightHost, ip: string): Promise<PreflightProblem[]> {
  const batch = `link add ${probeDevice} type dummy\nlink delete ${probeDevice}\n`;
  const tried = await host.run(ip, ["-force", "-batch", "-"], { input: batch });
  if (isGood(tried) || tried.stderr.includes("File exists")) return [];
  return [error("no-dummy", `ip, a device of type dummy: ${saidOf(tried)}: load the module dummy`)];
}

async function findOthers(host: PreflightHost, { ipset, ip }: Paths, servers: string): Promise<PreflightProblem[]> {
  if (servers.trim() === "") return [];
  const [sets, addresses] = [await host.run(ipset, ["save"]), await host.run(ip, ["-j", "addr"])];
  const lines = servers.split("\n").filter((line) => line.startsWith("-A "));
  const others = ([4, 6] as const).reduce((sum, family) => {
    const { table } = parseSetTable(sets.stdout, { family, types: ownSetTypes(family) });
    const owns = ownedServers(table, parseAddresses(addresses.stdout, family).ours);
    return sum + parseServers(servers, family, owns).others.size;
  }, 0);
  if (others === 0) return [];
  const text = `${others} of ${lines.length} virtual servers are not ours, and are left alone (ipvsadm -Sn shows them)`;
  return [{ code: "servers-of-others", severity: "warning", text }];
}

/** ipvsadm's exit code says little; what any of them says on standard error is trouble. */
function isGood({ code, stderr }: Ended): boolean {
  return code === 0 && stderr.trim() === "";
}

function saidOf({ code, stderr, failure }: Ended): string {
  return oneLine(stderr) || (failure ?? `exit status ${String(code)}`);
}

function oneLine(text: string): string {
  return printable(text.trim().replaceAll(/\s*\n\s*/g, "; ")).slice(0, 300);
}

function error(code: PreflightProblem["code"], text: string): PreflightProblem {
  return { code, severity: "error", text };
}
