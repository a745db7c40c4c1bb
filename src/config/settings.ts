// The part of the configuration that rules depend on. In: Configuration. Out: Settings, and the node's name where it is set.
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

/** `hostnameOverride`; undefined where the host's own name, in lower case, is the node's. */
export function nodeNameOf(config: Configuration): string | undefined {
  return config.hostnameOverride === "" ? undefined : config.hostnameOverride;
}
