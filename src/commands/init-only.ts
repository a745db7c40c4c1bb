// `rulewright run --init-only`: what only root may do on a node, done once. In: Configuration. Out: modules loaded, sysctls set; exit status.
import { availableParallelism, release } from "node:os";
import type { Logger } from "winston";
import { buildView, needsRouteLocalnet, type Ip } from "../../rules/index.ts";
import type { Configuration } from "../config/schema.ts";
import { backendOf, toIpvsSettings, toSettings } from "../config/settings.ts";
import { run } from "../kernel/run.ts";
import { findTool } from "../kernel/find-tool.ts";
import { applySysctls, rehearseSysctls, renderSysctl } from "../sysctl/apply-sysctls.ts";
import type { SysctlFiles } from "../sysctl/sysctl-files.ts";
import { ipvsSysctls } from "../sysctl/ipvs-sysctls.ts";
import { sysctlsFor } from "../sysctl/sysctls-for.ts";
import { exit } from "./report.ts";

/** This host: its settings, its addresses, and how to load kernel modules (whether that worked shows later). */
export type InitHost = {
  readonly files: SysctlFiles;
  readonly localIps: readonly Ip[];
  readonly loadModules: (names: readonly string[]) => Promise<void>;
  /** Nothing is loaded or set; what would be is told. */
  readonly dryRun: boolean;
};

/**
 * What connection tracking has its settings in, and the tables of iptables-legacy, which a container without privileges does not get loaded.
 * Where there are none (built in, or a kernel without legacy) nothing is needed of them.
 */
const modules = ["nf_conntrack", "ip_tables", "ip6_tables"];

/**
 * Sets what differs, in iptables mode route_localnet with it, so that the agent can run with less. kube-proxy does the same: in NewProxier
 * (iptables/proxier.go) route_localnet is set before `initOnly` ends it, the others in platformSetup. Asks the API server nothing.
 */
export async function initOnly(configuration: Configuration, host: InitHost, log: Logger): Promise<number> {
  const isIpvs = backendOf(configuration) === "ipvs";
  if (!host.dryRun) await host.loadModules([...modules, ...(isIpvs ? ipvsModules(configuration) : [])]);
  const routeLocalnet = !isIpvs && servesLoopback(configuration, host.localIps);
  const wanted = [
    ...sysctlsFor(configuration, { cores: availableParallelism(), routeLocalnet }),
    ...(isIpvs ? ipvsSysctls(configuration.ipvs, release()) : []),
  ];
  const { changes, problems } = await (host.dryRun ? rehearseSysctls : applySysctls)(wanted, host.files);
  for (const change of changes) log.info(`${host.dryRun ? "would set" : "set"} ${renderSysctl(change)}`);
  for (const { text } of problems) log.error(text);
  if (problems.length === 0 && !host.dryRun)
    log.info(`${wanted.length} kernel settings are as the configuration wants them`);
  return problems.length === 0 ? exit.ok : exit.problems;
}

/** Loads modules with modprobe, where it is installed. */
export async function loadModules(names: readonly string[]): Promise<void> {
  const modprobe = await findTool("modprobe");
  if (modprobe !== undefined) await run(modprobe, ["-a", "-q", ...names]);
}

/** `primary` needs the Node object, and is never a loopback address. */
function servesLoopback(configuration: Configuration, localIps: readonly Ip[]): boolean {
  if (configuration.nodePortAddresses === "primary") return false;
  const facts = { name: undefined, zone: undefined, podCidrs: [], primaryIps: [], localIps };
  return needsRouteLocalnet(buildView(facts, toSettings(configuration), 4));
}

/** What IPVS mode needs of the kernel besides; modprobe brings what these need. */
function ipvsModules(configuration: Configuration): string[] {
  const { name } = toIpvsSettings(configuration).scheduler;
  return ["ip_vs", `ip_vs_${name}`, "dummy", "ip_set", "xt_set"];
}
