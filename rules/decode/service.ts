// Service objects. In: unknown. Out: Service, only the fields that rules depend on.
import * as z from "zod";
import {
  cidr,
  label,
  list,
  object,
  optional,
  parsed,
  portNumber,
  protocol,
  routableIp,
  stringMap,
  wholeNumber,
} from "./fields.ts";
import type { Protocol } from "./protocol.ts";
import { at, decodeAndCheck, type Finding } from "./decode.ts";
import type { Decoded } from "./decoded.ts";
import type { Ip } from "../net/ip.ts";
import type { Cidr } from "../net/cidr.ts";

/** A Service as the node sees it. Lists are in the order of the object. */
export type Service = {
  readonly namespace: string;
  readonly name: string;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  readonly externalName: string | undefined;
  /** `clusterIPs`, or `clusterIP` where only that is given; `none` is headless; empty is not yet assigned. */
  readonly clusterIps: readonly Ip[] | "none";
  /** True where no manifest gives `clusterIps` and they were made up by a stable hash. */
  readonly clusterIpsArePlaceholders?: true;
  readonly ports: readonly ServicePortSpec[];
  readonly selector: Readonly<Record<string, string>>;
  /** Timeout of `sessionAffinity: ClientIP`; undefined without affinity. */
  readonly affinitySeconds: number | undefined;
  readonly internalTrafficPolicy: "Cluster" | "Local";
  readonly externalTrafficPolicy: "Cluster" | "Local";
  readonly externalIps: readonly Ip[];
  readonly sourceRanges: readonly Cidr[];
  /** Load-balancer addresses that the node answers for: `ipMode` VIP or absent. `ipMode: Proxy` and host names are left out. */
  readonly loadBalancerIps: readonly Ip[];
  readonly healthCheckNodePort: number | undefined;
  readonly allocateNodePorts: boolean;
  readonly publishNotReadyAddresses: boolean;
  readonly ipFamilies: readonly ("IPv4" | "IPv6")[];
  readonly ipFamilyPolicy: "SingleStack" | "PreferDualStack" | "RequireDualStack" | undefined;
  /** Carries `service.kubernetes.io/headless` or `service.kubernetes.io/service-proxy-name`: another proxy's business. */
  readonly leftToOthers: boolean;
  /** The annotation `rulewright.dev/ipvs-scheduler` as it is; no key where it is not given, as on nearly all. */
  readonly ipvsScheduler?: string;
};

/** One entry of `spec.ports`. */
export type ServicePortSpec = {
  /** Empty where the port has no name. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly targetPort: number | string | undefined;
  readonly nodePort: number | undefined;
  /** True where no manifest gives `nodePort` and it was made up by a stable hash. */
  readonly nodePortIsPlaceholder?: true;
};

/** Decodes a Service. Source of the rules checked: the API server's validation of core/v1 Service. */
export function decodeService(input: unknown): Decoded<Service> {
  return decodeAndCheck(schema, input, { kind: "Service", check: checkPorts });
}

/** Labels by which a Service or EndpointSlice opts out of this proxy. Source: well-known labels; KEP-2447, KEP-3836. */
export function isLeftToOthers(labels: Readonly<Record<string, string>>): boolean {
  return "service.kubernetes.io/service-proxy-name" in labels || "service.kubernetes.io/headless" in labels;
}

const zeroOrPort = wholeNumber(0, 65535).transform((port) => (port === 0 ? undefined : port));

const portName = optional(
  parsed(
    (text) => (text === "" ? "" : label.safeParse(text).data),
    "not-a-name",
    "must be empty or a label of lower-case letters, digits and '-'",
  ),
  "",
);

const targetPort = z.union(
  [
    wholeNumber(1, 65535),
    parsed(
      (text) => (/^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/.test(text) ? text : undefined),
      "not-a-name",
      "must be a port name",
    ),
  ],
  "must be 1 to 65535, or a port name of at most 15 lower-case letters, digits and '-'",
);

const port = object({
  name: portName,
  protocol: optional(protocol, "TCP" as const),
  port: portNumber,
  targetPort: optional(targetPort, undefined),
  nodePort: optional(zeroOrPort, undefined),
});

const policy = optional(z.enum(["Cluster", "Local"], "must be Cluster or Local"), "Cluster" as const);
const clusterIp = z.union([z.literal(["None", ""]), routableIp], "must be an IP address, None or empty");

const spec = object({
  type: optional(
    z.enum(
      ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"],
      "must be ClusterIP, NodePort, LoadBalancer or ExternalName",
    ),
    "ClusterIP" as const,
  ),
  externalName: optional(z.string("must be a string"), undefined),
  clusterIP: optional(clusterIp, "" as const),
  clusterIPs: list(clusterIp),
  ports: list(port),
  selector: stringMap,
  sessionAffinity: optional(z.enum(["None", "ClientIP", ""], "must be None or ClientIP"), "None" as const),
  sessionAffinityConfig: optional(
    object({ clientIP: optional(object({ timeoutSeconds: optional(wholeNumber(1, 86400), 10800) }), undefined) }),
    undefined,
  ),
  internalTrafficPolicy: policy,
  externalTrafficPolicy: optional(z.enum(["Cluster", "Local", ""], "must be Cluster or Local"), "Cluster" as const),
  externalIPs: list(routableIp),
  loadBalancerSourceRanges: list(cidr),
  healthCheckNodePort: optional(zeroOrPort, undefined),
  allocateLoadBalancerNodePorts: optional(z.boolean("must be true or false"), true),
  publishNotReadyAddresses: optional(z.boolean("must be true or false"), false),
  ipFamilies: list(z.enum(["IPv4", "IPv6"], "must be IPv4 or IPv6")),
  ipFamilyPolicy: optional(
    z.enum(
      ["SingleStack", "PreferDualStack", "RequireDualStack"],
      "must be SingleStack, PreferDualStack or RequireDualStack",
    ),
    undefined,
  ),
});

/** What is not a string cannot be there in a cluster, and is passed over. */
const annotations = z
  .object({ "rulewright.dev/ipvs-scheduler": z.string().optional().catch(undefined) })
  .nullish()
  .catch(undefined);

const ingress = object({
  ip: optional(z.union([z.literal(""), routableIp], "must be an IP address"), undefined),
  ipMode: optional(z.enum(["VIP", "Proxy"], "must be VIP or Proxy"), "VIP" as const),
});

/** Compiled: a cluster has tens of thousands of these, and decoding them is ten times faster so (measured). */
const schema: z.ZodType<Service> = z.compile(
  object({
    metadata: object({ name: label, namespace: optional(label, "default"), labels: stringMap, annotations }),
    spec,
    status: optional(object({ loadBalancer: optional(object({ ingress: list(ingress) }), undefined) }), undefined),
  }).transform(({ metadata, spec: given, status }) => ({
    namespace: metadata.namespace,
    name: metadata.name,
    type: given.type,
    externalName: given.externalName,
    clusterIps: clusterIps(given.clusterIP, given.clusterIPs),
    ports: given.ports,
    selector: given.selector,
    affinitySeconds:
      given.sessionAffinity === "ClientIP"
        ? (given.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800)
        : undefined,
    internalTrafficPolicy: given.internalTrafficPolicy,
    externalTrafficPolicy: given.externalTrafficPolicy === "Local" ? "Local" : "Cluster",
    externalIps: given.externalIPs,
    sourceRanges: given.loadBalancerSourceRanges,
    loadBalancerIps: (status?.loadBalancer?.ingress ?? []).flatMap((entry) =>
      entry.ip === undefined || entry.ip === "" || entry.ipMode === "Proxy" ? [] : [entry.ip],
    ),
    healthCheckNodePort: given.healthCheckNodePort,
    allocateNodePorts: given.allocateLoadBalancerNodePorts,
    publishNotReadyAddresses: given.publishNotReadyAddresses,
    ipFamilies: given.ipFamilies,
    ipFamilyPolicy: given.ipFamilyPolicy,
    leftToOthers: isLeftToOthers(metadata.labels),
    ...scheduler(metadata.annotations?.["rulewright.dev/ipvs-scheduler"]),
  })),
);

function scheduler(ipvsScheduler: string | undefined): Pick<Service, "ipvsScheduler"> {
  return ipvsScheduler === undefined ? {} : { ipvsScheduler };
}

function clusterIps(one: Ip | "None" | "", several: readonly (Ip | "None" | "")[]): readonly Ip[] | "none" {
  const given = several.length > 0 ? several : [one];
  if (given.includes("None")) return "none";
  const isIp = (ip: Ip | "None" | ""): ip is Ip => ip !== "" && ip !== "None";
  return given.every(isIp) ? given : given.filter(isIp);
}

/** What only shows when all ports are seen together. */
function checkPorts(input: unknown): Finding[] {
  const type = at(input, ["spec", "type"]) ?? "ClusterIP";
  const ports = at(input, ["spec", "ports"]);
  if (!Array.isArray(ports)) return [];
  const found: Finding[] = [];
  const names = new Set<unknown>();
  const numbers = new Set<string>();
  for (const index of ports.keys()) {
    const [name, protocolName, number, nodePort] = ["name", "protocol", "port", "nodePort"].map((field) =>
      at(ports, [index, field]),
    );
    const report = (field: string, code: string, allowed: string) => {
      found.push({ path: ["spec", "ports", index, field], code, allowed });
    };
    if ((name ?? "") === "" && ports.length > 1)
      report("name", "port-without-name", "must be given since the Service has several ports");
    else if (names.has(name)) report("name", "duplicate-port-name", "must be unique in the Service");
    names.add(name);
    const key = `${typeof protocolName === "string" ? protocolName : "TCP"} ${typeof number === "number" ? number : index}`;
    if (typeof number === "number" && numbers.has(key))
      report("port", "duplicate-port", "must be unique in the Service for its protocol");
    numbers.add(key);
    if (Boolean(nodePort) && (type === "ClusterIP" || type === "ExternalName"))
      report(
        "nodePort",
        "node-port-on-cluster-ip",
        "must be absent in a Service of this type, or the type must be NodePort or LoadBalancer",
      );
  }
  return found;
}
