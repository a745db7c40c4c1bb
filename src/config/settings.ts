// The part of the configuration that rules depend on. In: Configuration. Out: Settings, and the node's name where it is set.
import { defaultScheduler, parseScheduler, type IpvsSettings } from "../../rules/index.ts";
import type { Settings } from "../../rules/model/settings.ts";
import { isUnspecified } from "../../rules/net/ip.ts";
import type { Configuration } from "./schema.ts";

/** The settings of the rules. In every `mode` they are those of the section `iptables`. */
export function toSettings(config: Configuration): Settings {
  return {
    detectLocal: config.detectLocal,
    masqueradeAll: config.iptables.masqueradeAll,
    masqueradeBit: config.iptables.masqueradeBit,
    localhostNodePorts: config.iptables.localhostNodePorts,
    nodePortAddresses: config.nodePortAddresses,
    tcpBeLiberal: config.conntrack.tcpBeLiberal,
    bindAddress: isUnspecified(config.bindAddress) ? undefined : config.bindAddress,
  };
}

/** What turns Services into the kernel's state: rules alone, or virtual servers with sets and a few rules. */
export type Backend = "iptables" | "ipvs";

/** The backend that `mode` asks for; nftables is served by iptables, which is said where the configuration is read. */
export function backendOf({ mode }: Pick<Configuration, "mode">): Backend {
  return mode === "ipvs" ? "ipvs" : "iptables";
}

/** The part of the section `ipvs` that virtual servers depend on. */
export function toIpvsSettings({ ipvs }: Configuration): IpvsSettings {
  return { scheduler: parseScheduler(ipvs.scheduler) ?? defaultScheduler, excludeCidrs: ipvs.excludeCidrs };
}

/** How often passes are made, by the section of the mode that is served; IPVS mode may have no pause at all. */
export function periodsOf(
  config: Configuration,
  backend: Backend,
): Pick<Configuration["iptables"], "syncPeriodSeconds" | "minSyncPeriodSeconds"> {
  const { syncPeriodSeconds, minSyncPeriodSeconds } = config[backend];
  return { syncPeriodSeconds, minSyncPeriodSeconds };
}

/** For how long ip_vs keeps connections without traffic, in whole seconds; 0 leaves what is there. */
export function toTimeouts({ ipvs }: Configuration): Readonly<Record<"tcp" | "tcpFin" | "udp", number>> {
  return {
    tcp: Math.ceil(ipvs.tcpTimeoutSeconds),
    tcpFin: Math.ceil(ipvs.tcpFinTimeoutSeconds),
    udp: Math.ceil(ipvs.udpTimeoutSeconds),
  };
}

/** `hostnameOverride`; undefined where the host's own name, in lower case, is the node's. */
export function nodeNameOf(config: Configuration): string | undefined {
  return config.hostnameOverride === "" ? undefined : config.hostnameOverride;
}
