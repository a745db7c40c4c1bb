// A whole KubeProxyConfiguration, kubeproxy.config.k8s.io/v1alpha1. In: unknown. Out: Configuration, or every problem that it has.
import * as z from "zod";
import { decodeWith } from "../../rules/decode/decode.ts";
import type { Decoded } from "../../rules/decode/decoded.ts";
import { list, optional, parsed, wholeNumber } from "../../rules/decode/fields.ts";
import type { DetectLocal } from "../../rules/model/settings.ts";
import { parseCidr, type Cidr } from "../../rules/net/cidr.ts";
import { familyOf, parseIp, type Ip } from "../../rules/net/ip.ts";
import type { Problem } from "../../rules/problem.ts";
import { buildDetectLocal, clusterCidrs } from "./detect-local.ts";
import { exactly, flag, positiveDuration, section, socketAddress, text, word, type SocketAddress } from "./fields.ts";
import {
  clientConnectionSection,
  conntrackSection,
  detectLocalSection,
  iptablesSection,
  ipvsSection,
  loggingSection,
  nftablesSection,
  winkernelSection,
  type ClientConnectionSection,
  type ConntrackSection,
  type IptablesSection,
  type IpvsSection,
  type LoggingSection,
  type NftablesSection,
} from "./sections.ts";

type Path = Problem["path"];

/** The only kind and version that is read. */
export const configurationKind = "KubeProxyConfiguration";
export const configurationVersion = "kubeproxy.config.k8s.io/v1alpha1";

/** What the file says, defaults filled in. Not held: `winkernel`, `windowsRunAsService` and `portRange`, which Linux never reads. */
export type Configuration = {
  /** As configured, "" being iptables. nftables is served by iptables rules. */
  readonly mode: "iptables" | "ipvs" | "nftables";
  /** Trimmed and in lower case, as kube-proxy makes it; "" where the host's name counts. */
  readonly hostnameOverride: string;
  readonly bindAddress: Ip;
  readonly bindAddressHardFail: boolean;
  readonly healthzBindAddress: SocketAddress;
  readonly metricsBindAddress: SocketAddress;
  readonly enableProfiling: boolean;
  readonly showHiddenMetricsForVersion: string;
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly clientConnection: ClientConnectionSection;
  readonly logging: LoggingSection;
  readonly configSyncPeriodSeconds: number;
  readonly detectLocal: DetectLocal;
  /** Not empty where it is a list. */
  readonly nodePortAddresses: "all" | "primary" | readonly Cidr[];
  /** -1000 to 1000. */
  readonly oomScoreAdj: number;
  readonly iptables: IptablesSection;
  readonly ipvs: IpvsSection;
  readonly nftables: NftablesSection;
  readonly conntrack: ConntrackSection;
};

/**
 * Decodes a KubeProxyConfiguration. Unknown fields are warnings, as in kube-proxy's lenient decoding; anything else amiss is an error
 * and leaves no value. Problems that span two fields are reported once each field is right by itself. Never throws.
 */
export function decodeConfiguration(input: unknown): Decoded<Configuration> {
  const unknown = unknownFields(input);
  const decoded = decodeWith(schema, without(input, unknown), configurationKind);
  const errors = decoded.problems.map((problem) => ({ ...problem, object: configurationKind }));
  const warnings = unknown.map((path) =>
    warning("unknown-field", path, "is not a field of this version, and has no effect"),
  );
  if (decoded.value === undefined) return { problems: [...warnings, ...errors] };
  return { value: decoded.value, problems: [...warnings, ...advice(decoded.value)] };
}

const nodePortAddress = parsed(
  (value) => (value === "primary" ? value : parseCidr(value)),
  "not-a-cidr",
  "must be ADDRESS/LENGTH, e.g. 10.0.0.0/8 or fd00::/64, or primary alone",
);

const nodePortAddresses = list(nodePortAddress).transform((items, context) => {
  const cidrs = items.filter((item): item is Cidr => item !== "primary");
  if (items.length === 0) return "all";
  if (cidrs.length === items.length) return cidrs;
  const path = [items.indexOf("primary")];
  if (items.length > 1)
    context.addIssue({ code: "custom", path, message: "must stand alone", params: { code: "primary-not-alone" } });
  return "primary";
});

const schema: z.ZodType<Configuration> = section({
  apiVersion: exactly(configurationVersion, "wrong-api-version"),
  kind: exactly(configurationKind, "wrong-kind"),
  mode: word("iptables", ["ipvs", "nftables"]),
  hostnameOverride: text.transform((name) => name.trim().toLowerCase()),
  bindAddress: optional(
    parsed((value) => parseIp(value === "" ? "0.0.0.0" : value), "not-an-address", "must be an IP address"),
    "0.0.0.0" as Ip,
  ),
  bindAddressHardFail: flag,
  healthzBindAddress: socketAddress(10256),
  metricsBindAddress: socketAddress(10249),
  enableProfiling: flag,
  showHiddenMetricsForVersion: text,
  featureGates: optional(
    z.record(z.string(), z.boolean("must be true or false"), "must be a map of true and false"),
    {},
  ),
  clientConnection: clientConnectionSection,
  logging: loggingSection,
  configSyncPeriod: positiveDuration(15 * 60),
  detectLocalMode: word("ClusterCIDR", ["NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"]),
  detectLocal: detectLocalSection,
  clusterCIDR: clusterCidrs,
  nodePortAddresses,
  oomScoreAdj: optional(wholeNumber(-1000, 1000), -999),
  iptables: iptablesSection,
  ipvs: ipvsSection,
  nftables: nftablesSection,
  conntrack: conntrackSection,
  winkernel: winkernelSection,
  windowsRunAsService: flag,
  portRange: text,
}).transform((fields, context) => {
  const anyIp = familyOf(fields.bindAddress) === 4 ? "0.0.0.0" : "::";
  const loopback = familyOf(fields.bindAddress) === 4 ? "127.0.0.1" : "::1";
  return {
    mode: fields.mode,
    hostnameOverride: fields.hostnameOverride,
    bindAddress: fields.bindAddress,
    bindAddressHardFail: fields.bindAddressHardFail,
    healthzBindAddress: fields.healthzBindAddress ?? { ip: anyIp as Ip, port: 10256 },
    metricsBindAddress: fields.metricsBindAddress ?? { ip: loopback as Ip, port: 10249 },
    enableProfiling: fields.enableProfiling,
    showHiddenMetricsForVersion: fields.showHiddenMetricsForVersion,
    featureGates: fields.featureGates,
    clientConnection: fields.clientConnection,
    logging: fields.logging,
    configSyncPeriodSeconds: fields.configSyncPeriod,
    detectLocal: buildDetectLocal(fields, context),
    nodePortAddresses: fields.nodePortAddresses,
    oomScoreAdj: fields.oomScoreAdj,
    iptables: fields.iptables,
    ipvs: fields.ipvs,
    nftables: fields.nftables,
    conntrack: fields.conntrack,
  };
});

/** The fields that the schema does not have, found whatever else is amiss. */
function unknownFields(input: unknown): Path[] {
  const issues = schema.safeParse(input).error?.issues ?? [];
  return issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...(issue.path as Path), key]) : [],
  );
}

/** `input` less the fields at `paths`; what leads to none of them is the same object. */
function without(input: unknown, paths: readonly Path[]): unknown {
  if (paths.length === 0 || typeof input !== "object" || input === null) return input;
  const below = new Map<string | number, Path[]>();
  for (const [step = "", ...rest] of paths) below.set(step, [...(below.get(step) ?? []), rest]);
  if (Array.isArray(input)) return input.map((item: unknown, index) => without(item, below.get(index) ?? []));
  return Object.fromEntries(
    Object.entries(input).flatMap(([name, value]) => {
      const rest = below.get(name) ?? [];
      return rest.some((path) => path.length === 0) ? [] : [[name, without(value, rest)]];
    }),
  );
}

/** What a sound configuration deserves a word about. */
function advice({ mode, detectLocal }: Configuration): Problem[] {
  const problems: Problem[] = [];
  if (mode === "nftables")
    problems.push(
      warning(
        "mode-not-supported",
        ["mode"],
        `is "${mode}", but rules are made in iptables mode, with the section iptables`,
      ),
    );
  if (detectLocal.mode === "ClusterCIDR" && detectLocal.cidrs.length === 0)
    problems.push(
      warning(
        "cluster-cidr-missing",
        ["clusterCIDR"],
        "is empty, so traffic from outside the cluster to cluster IPs is not masqueraded; set it, or another detectLocalMode",
      ),
    );
  return problems;
}

function warning(code: string, path: Path, text: string): Problem {
  return { code, severity: "warning", object: configurationKind, path, text };
}
