// What `rulewright run` serves Services with on this host. In: Configuration, the packet filter. Out: OpenedBackend, or why that mode cannot be had.
import { release } from "node:os";
import type { Logger } from "winston";
import type { IpvsSettings } from "../../rules/index.ts";
import type { Configuration } from "../config/schema.ts";
import { backendOf, toIpvsSettings, toTimeouts } from "../config/settings.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";
import { openIpvsKernel } from "../ipvs/ipvs-tools.ts";
import { findIpvsState } from "../ipvs/leave.ts";
import { hostOf, preflight, tellPreflight } from "../ipvs/preflight.ts";
import { writeTimeouts } from "../ipvs/write-timeouts.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { NoKernelError } from "../kernel/tools.ts";
import { ipvsSysctls } from "../sysctl/ipvs-sysctls.ts";
import type { Sysctl } from "../sysctl/sysctls-for.ts";

export type OpenedBackend = {
  /** In IPVS mode; undefined in iptables mode. */
  readonly settings: IpvsSettings | undefined;
  /** In IPVS mode, and in iptables mode where the node holds anything of IPVS mode. */
  readonly ipvs: IpvsKernel | undefined;
  /** IPVS mode was asked for, and why it is not served. */
  readonly fellBack: string | undefined;
};

export type BackendOptions = { readonly dryRun: boolean; readonly fallback: boolean };

/** Where the backend's tools come from; `toolsOf` is the real ones. */
export type BackendTools = {
  readonly preflight: typeof preflight;
  readonly host: Parameters<typeof preflight>[0];
  readonly open: () => Promise<IpvsKernel>;
  readonly findLeft: () => Promise<IpvsKernel | undefined>;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
};

export function toolsOf(kernel: Kernel, log: BackendTools["log"]): BackendTools {
  return {
    ...{ preflight, host: hostOf(kernel), log },
    open: () => openIpvsKernel(kernel),
    findLeft: () => findIpvsState(kernel),
  };
}

/** Throws NoKernelError, with all that is missing, where IPVS mode is asked for and cannot be had. Only with `fallback` iptables mode comes instead. */
export async function openBackend(
  configuration: Configuration,
  tools: BackendTools,
  { dryRun, fallback }: BackendOptions,
): Promise<OpenedBackend> {
  if (backendOf(configuration) === "iptables") return iptablesMode(tools, undefined);
  const settings = toIpvsSettings(configuration);
  const found = await tools.preflight(tools.host, { schedulers: [settings.scheduler], writes: !dryRun });
  const missing = tellPreflight(found, tools.log);
  if (missing.length === 0) return { settings, ipvs: await tools.open(), fellBack: undefined };
  const why = missing.join("\n");
  if (!fallback)
    throw new NoKernelError(
      `mode ipvs cannot be served here (--ipvs-fallback would serve iptables mode instead):\n${why}`,
    );
  tools.log.error(`mode ipvs cannot be served here, and iptables mode is served instead (--ipvs-fallback):\n${why}`);
  return iptablesMode(tools, why);
}

async function iptablesMode({ findLeft, log }: BackendTools, fellBack: string | undefined): Promise<OpenedBackend> {
  const trouble = (error: unknown): undefined => {
    const why = error instanceof Error ? error.message : String(error);
    log.warn(`whether this node holds anything of IPVS mode cannot be told: ${why}`);
  };
  const ipvs = await findLeft().catch(trouble);
  if (ipvs !== undefined)
    log.info("this node holds virtual servers, sets or addresses of IPVS mode: they drain and go");
  return { settings: undefined, ipvs, fellBack };
}

/** What IPVS mode needs of the kernel besides, on this host. */
export function backendSysctls({ ipvs }: Configuration, { settings }: Pick<OpenedBackend, "settings">): Sysctl[] {
  return settings === undefined ? [] : ipvsSysctls(ipvs, release());
}

/** Sets ip_vs's timeouts in IPVS mode, where any is configured. Never rejects: the agent works without. */
export async function setTimeouts(
  configuration: Configuration,
  { settings, ipvs }: OpenedBackend,
  log: BackendTools["log"],
): Promise<void> {
  if (settings !== undefined && ipvs !== undefined) await writeTimeouts(ipvs, toTimeouts(configuration), log);
}

/** ip_vs's own timeout of an established TCP connection: who says nothing for so long is forgotten by it anyway. Source: ip_vs_proto_tcp.c. */
const establishedSeconds = 15 * 60;

/** How long real servers that go are left to their connections. */
export function drainSecondsOf({ ipvs }: Configuration, given: number | undefined): number {
  return given ?? (ipvs.tcpTimeoutSeconds > 0 ? ipvs.tcpTimeoutSeconds : establishedSeconds);
}
