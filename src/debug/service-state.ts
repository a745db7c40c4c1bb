// One Service as this node serves it. In: builds, `namespace/name`. Out: plain data for JSON.
import { renderRule, type Build, type Chain, type Endpoint, type Frontend } from "../../rules/index.ts";
import { endpointsOf } from "../../rules/model/endpoints.ts";
import { get, values } from "../../rules/radix/radix.ts";

/** Undefined where no family knows it. `endpoints` are all that slices have, each with whether it is used and why not. */
export function serviceState(builds: readonly Build[], name: string): object | undefined {
  const families = builds.flatMap((build) => familyState(build, name) ?? []);
  return families.length === 0 ? undefined : { name, families };
}

function familyState({ model, ruleset }: Build, name: string): object | undefined {
  const held = get(model.cluster, name);
  if (held === undefined) return undefined;
  const ports = get(model.services, name)?.ports ?? [];
  const owned = new Set<string>(ports.map((port) => port.name));
  const chains = values(ruleset.tables.nat.chains).filter(({ owner }) => owner !== undefined && owned.has(owner));
  return {
    family: model.view.family,
    ports: ports.map((port) => {
      const used = new Set<Endpoint>([...port.clusterEndpoints, ...port.localEndpoints]);
      const all = endpointsOf(held.slices, { name: portName(port.name), protocol: port.protocol }, model.view);
      return {
        name: port.name,
        protocol: port.protocol,
        frontends: port.frontends.map(frontendState),
        endpoints: all.map((endpoint) => endpointState(endpoint, used)),
      };
    }),
    chains: chains.map(chainState),
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

function endpointState(endpoint: Endpoint, used: ReadonlySet<Endpoint>) {
  const { ip, port, nodeName, local, ready, serving, terminating } = endpoint;
  const isUsed = [...used].some((each) => each.ip === ip && each.port === port);
  return {
    ip,
    port,
    nodeName,
    local,
    ready,
    serving,
    terminating,
    used: isUsed,
    ...(isUsed ? {} : { because: whyNot(endpoint) }),
  };
}

function whyNot({ ready, serving, terminating }: Endpoint): string {
  if (ready) return "hints or a Local policy leave it out here";
  if (terminating) return serving ? "terminating, and others are ready" : "terminating, and serves no more";
  return "not ready";
}

function chainState({ name, rules }: Chain) {
  return { name, rules: rules.map((rule) => renderRule(rule).trimStart()) };
}
