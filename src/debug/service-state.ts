// One Service as this node serves it. In: builds, `namespace/name`, what else is known of it. Out: plain data for JSON.
import {
  realKey,
  renderRule,
  type Chain,
  type Cidr,
  type ClusterService,
  type Endpoint,
  type Frontend,
  type IpvsState,
  type Rule,
  type ServicePort,
  type TableName,
} from "../../rules/index.ts";
import { serviceOf } from "../../rules/iptables/text/parse.ts";
import { endpointsOf } from "../../rules/model/endpoints.ts";
import { cidrHolds } from "../../rules/net/cidr.ts";
import { entries, get, values } from "../../rules/radix/radix.ts";
import type { LastChange } from "../agent/last-changes.ts";
import type { InForce } from "../agent/proxier.ts";

/** What the agent knows of the Service besides its rules. */
export type ServiceKnowledge = {
  readonly lastChange: LastChange | undefined;
  /** Why the kernel refuses its newest state; undefined where it does not. */
  readonly quarantined: string | undefined;
  /** From which all Services get their cluster IPs; empty where that is not known. */
  readonly serviceCidrs: readonly Cidr[];
};

/**
 * Undefined where no family knows it. `endpoints` are all that slices have, each with whether it is used and why. `sharedRules` are its
 * rules in chains that serve others too. Steps are in milliseconds, and absent where one of their ends is not known.
 */
export function serviceState(builds: readonly InForce[], name: string, known: ServiceKnowledge): object | undefined {
  const families = builds.flatMap((build) => familyState(build, name) ?? []);
  if (families.length === 0) return undefined;
  const { lastChange, quarantined } = known;
  const notes = [
    ...(quarantined === undefined
      ? []
      : [`the kernel refuses its newest state, what is below is the last good one: ${quarantined}`]),
    ...strayIps(builds, name, known.serviceCidrs),
  ];
  return {
    name,
    ...(notes.length === 0 ? {} : { notes }),
    ...(lastChange === undefined ? {} : { lastChange: changeState(lastChange) }),
    families,
  };
}

/** Cluster IPs that are in none of the cluster's ServiceCIDRs: they may be given to another Service, or routed elsewhere. */
function strayIps(builds: readonly InForce[], name: string, serviceCidrs: readonly Cidr[]): string[] {
  if (serviceCidrs.length === 0) return [];
  const ips = builds
    .map(({ model }) => get(model.cluster, name)?.service?.clusterIps)
    .find((each) => each !== undefined);
  const strays = (ips === undefined || ips === "none" ? [] : ips).filter(
    (ip) => !serviceCidrs.some((cidr) => cidrHolds(cidr, ip)),
  );
  return strays.map((ip) => `cluster IP ${ip} is in none of the cluster's ServiceCIDRs (${serviceCidrs.join(", ")})`);
}

function changeState({ kind, object, isGone, resourceVersion, triggeredAt, receivedAt, pass }: LastChange) {
  return {
    object: `${kind} ${object}`,
    ...(isGone ? { gone: true } : {}),
    ...(resourceVersion === undefined ? {} : { resourceVersion: String(resourceVersion) }),
    arrivedAt: new Date(receivedAt).toISOString(),
    ...(triggeredAt === undefined ? {} : { triggerToArrivalMs: receivedAt - triggeredAt }),
    ...(pass === undefined
      ? { waits: true }
      : { arrivalToPassMs: pass.beganAt - receivedAt, passToKernelMs: pass.endedAt - pass.beganAt }),
  };
}

function familyState({ model, ruleset, ipvs }: InForce, name: string): object | undefined {
  const held = get(model.cluster, name);
  if (held === undefined) return undefined;
  const ports = get(model.services, name)?.ports ?? [];
  const owned = new Set<string>(ports.map((port) => port.name));
  const tables = (["filter", "nat", "mangle"] as const).map((table) => ({
    table,
    chains: values(ruleset.tables[table].chains),
  }));
  const isOwn = ({ owner }: Chain): boolean => owner !== undefined && owned.has(owner);
  return {
    family: model.view.family,
    ports: ports.map((port) => portState(port, held, model.view)),
    chains: tables.flatMap(({ chains }) => chains.filter(isOwn).map(chainState)),
    sharedRules: tables.flatMap(({ table, chains }) =>
      chains.filter((chain) => !isOwn(chain)).flatMap((chain) => sharedRules(chain, table, owned)),
    ),
    ...(ipvs === undefined ? {} : ipvsState(ipvs.state, owned)),
  };
}

/** What of IPVS mode stands for the Service. */
function ipvsState({ servers, sets }: IpvsState, owned: ReadonlySet<string>) {
  const isOwn = (service: string | undefined): boolean => service !== undefined && owned.has(service);
  return {
    virtualServers: values(servers)
      .filter(({ service }) => isOwn(service))
      .map(({ ip, protocol, port, scheduler, flags, persistentSeconds, servers: reals }) => ({
        ...{ ip, protocol, port, scheduler: [scheduler, ...flags].join(",") },
        ...(persistentSeconds === undefined ? {} : { affinitySeconds: persistentSeconds }),
        servers: reals.map(realKey),
      })),
    setEntries: Object.values(sets.sets).flatMap(({ name, entries: held }) =>
      [...entries(held)].flatMap(({ key, value }) => (isOwn(value) ? [{ set: name, entry: key }] : [])),
    ),
  };
}

function portState(port: ServicePort, held: ClusterService, view: InForce["model"]["view"]) {
  const chosen = [...port.clusterEndpoints, ...port.localEndpoints];
  const all = endpointsOf(held.slices, { name: portName(port.name), protocol: port.protocol }, view);
  const among = { chosen, anyReady: all.some(({ ready }) => ready), servicePort: port };
  return {
    name: port.name,
    protocol: port.protocol,
    frontends: port.frontends.map(frontendState),
    endpoints: all.map((endpoint) => endpointState(endpoint, among)),
  };
}

function portName(name: string): string {
  const colon = name.indexOf(":");
  return colon < 0 ? "" : name.slice(colon + 1);
}

function frontendState({ kind, ip, port, protocol, fates }: Frontend) {
  const state = fates.map(({ from, verdict }) =>
    verdict.kind === "balance"
      ? { from, verdict: verdict.kind, over: verdict.over, endpoints: verdict.to.length }
      : { from, verdict: verdict.kind, because: verdict.because },
  );
  return { kind, ip, port, protocol, fates: state };
}

type Among = { readonly chosen: readonly Endpoint[]; readonly anyReady: boolean; readonly servicePort: ServicePort };

function endpointState(endpoint: Endpoint, { chosen, anyReady, servicePort }: Among) {
  const { ip, port, nodeName, local, ready, serving, terminating } = endpoint;
  const used = chosen.some((each) => each.ip === ip && each.port === port);
  const because = used ? whyUsed(endpoint) : whyNot(endpoint, { anyReady, servicePort });
  return { ip, port, nodeName, local, ready, serving, terminating, used, because };
}

function whyUsed({ ready }: Endpoint): string {
  return ready ? "ready" : "terminating but serving, and none is ready";
}

function whyNot({ ready, serving, terminating }: Endpoint, { anyReady, servicePort }: Omit<Among, "chosen">): string {
  if (!ready && !(terminating && serving)) return terminating ? "terminating, and serves no more" : "not ready";
  if (!ready && anyReady) return "terminating, and others are ready";
  // What stays on the node has its local endpoints all; of the rest only hints leave any out.
  if (servicePort.clusterEndpoints.length > 0) return "topology hints leave it to other nodes";
  return "on another node, and the traffic policy is Local";
}

function chainState({ name, rules }: Chain) {
  return { name, rules: rules.map(ruleText) };
}

function sharedRules({ name, rules }: Chain, table: TableName, owned: ReadonlySet<string>) {
  const mine = rules.filter((rule) => owned.has(serviceOf(rule) ?? ""));
  return mine.map((rule) => ({ table, chain: name, rule: ruleText(rule) }));
}

function ruleText(rule: Rule): string {
  return renderRule(rule).trimStart();
}
