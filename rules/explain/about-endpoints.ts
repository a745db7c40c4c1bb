// Which endpoints a Service port has here, and why these. In: ServedPort, the verdict on a client. Out: EndpointReason[].
import { endpointsOf, type Endpoint } from "../model/endpoints.ts";
import type { Verdict } from "../model/fates.ts";
import type { View } from "../model/view.ts";
import { never } from "../never.ts";
import type { ServedPort } from "./lookup.ts";
import type { EndpointReason, Policy, Unusable } from "./reason/endpoint-reason.ts";

/** Why the verdict is what it is: why none, or why not all. */
export function aboutEndpoints(served: ServedPort, verdict: Verdict): EndpointReason[] {
  const all = endpointsOf(served.held.slices, served.spec, served.model.view);
  switch (verdict.kind) {
    case "reject":
      return [whyNone(served, all)];
    case "drop":
      return [whyNoneHere(served, all)];
    case "balance":
      return [...whyThese(served, all, verdict), ...unused(all, verdict)];
    default:
      return never(verdict);
  }
}

function whyNone({ frontend, held, spec, model: { view } }: ServedPort, all: readonly Endpoint[]): EndpointReason {
  const { service } = frontend;
  if (all.length > 0) return { code: "no-endpoint-ready", service, ...countUnusable(all) };
  const { family } = view;
  if (held.slices.length === 0) return { code: "no-slices", service, selector: selectorText(held.service.selector) };
  const ofPort = (port: { readonly name: string; readonly protocol: string }) =>
    port.name === spec.name && port.protocol === spec.protocol;
  const ofFamily = held.slices.filter(({ addressType }) => addressType === `IPv${family}`);
  const others = endpointsOf(held.slices, spec, { ...view, family: family === 4 ? 6 : 4 });
  if (others.length > 0 && ofFamily.every(({ endpoints }) => endpoints.length === 0))
    return { code: "endpoints-of-other-family", service, family, others: others.length };
  if (ofFamily.some(({ endpoints }) => endpoints.length > 0) && !ofFamily.some(({ ports }) => ports.some(ofPort))) {
    const named = ofFamily.flatMap(({ ports }) =>
      ports.map((port) => `${port.name === "" ? "(no name)" : port.name}/${port.protocol}`),
    );
    return { code: "slices-lack-port", service, ports: [...new Set(named)].sort() };
  }
  return { code: "no-endpoints", service };
}

function whyNoneHere({ frontend, model: { view } }: ServedPort, all: readonly Endpoint[]): EndpointReason {
  const { service } = frontend;
  const policy = policyOf(frontend);
  if (view.nodeName === undefined) return { code: "node-name-unknown", policy, service };
  return { code: "no-local-endpoint", policy, service, of: all.length, node: view.nodeName };
}

type Balance = Extract<Verdict, { kind: "balance" }>;

function whyThese(
  { frontend, model: { view } }: ServedPort,
  all: readonly Endpoint[],
  { over, to }: Balance,
): EndpointReason[] {
  const ready = all.filter((endpoint) => endpoint.ready);
  const local = over === "local";
  const reasons: EndpointReason[] = [];
  if (to.some((endpoint) => !endpoint.ready)) reasons.push({ code: "terminating-used", used: to.length, local });
  else if (!local) reasons.push(...aboutHints(ready, to, view));
  const served = ready.length > 0 ? ready : all.filter(lingers);
  const others = local ? served.filter((endpoint) => !isAmong(endpoint, to)).length : 0;
  if (others > 0)
    reasons.push({
      code: "local-leaves",
      policy: policyOf(frontend),
      left: to.length,
      of: others + to.length,
      node: view.nodeName ?? "",
    });
  return reasons;
}

/** Source: KEP-2433; kube-proxy CategorizeEndpoints: hints count where every ready endpoint has one and one is for here. */
function aboutHints(ready: readonly Endpoint[], to: readonly Endpoint[], { nodeName, zone }: View): EndpointReason[] {
  const byNode = nodeName !== undefined && to.every(({ nodeHints }) => nodeHints.includes(nodeName));
  if (to.length < ready.length) {
    const place = byNode ? `node ${nodeName}` : `zone ${zone ?? ""}`;
    return [{ code: "hints-leave", by: byNode ? "node" : "zone", place, left: to.length, of: ready.length }];
  }
  if (!ready.some(({ zoneHints, nodeHints }) => zoneHints.length > 0 || nodeHints.length > 0)) return [];
  const names = (hints: readonly string[], wanted: string | undefined) =>
    wanted !== undefined && hints.includes(wanted);
  if (ready.every(({ zoneHints, nodeHints }) => names(zoneHints, zone) || names(nodeHints, nodeName))) return [];
  const place = zone === undefined ? `node ${nodeName ?? "(unknown)"}` : `zone ${zone}`;
  const onAll = (key: "zoneHints" | "nodeHints") => ready.every((endpoint) => endpoint[key].length > 0);
  if (!onAll("zoneHints") && !onAll("nodeHints")) return [{ code: "hints-unused", because: "not-on-all", place }];
  if (onAll("zoneHints") && zone === undefined) return [{ code: "hints-unused", because: "zone-unknown", place }];
  return [{ code: "hints-unused", because: "none-for-here", place }];
}

function unused(all: readonly Endpoint[], { to }: Balance): EndpointReason[] {
  const idle = all.filter((endpoint) => !endpoint.ready && !isAmong(endpoint, to));
  return idle.length === 0 ? [] : [{ code: "some-not-used", ...countUnusable(idle), total: all.length }];
}

function countUnusable(endpoints: readonly Endpoint[]): Unusable {
  const terminating = endpoints.filter((endpoint) => endpoint.terminating).length;
  return { total: endpoints.length, notReady: endpoints.length - terminating, terminating };
}

/** Still serves while it terminates. */
function lingers({ ready, serving, terminating }: Endpoint): boolean {
  return !ready && serving && terminating;
}

/** The model's endpoints are other objects than those that are read here. */
function isAmong({ ip, port }: Endpoint, others: readonly Endpoint[]): boolean {
  return others.some((other) => other.ip === ip && other.port === port);
}

function policyOf({ kind }: ServedPort["frontend"]): Policy {
  return kind === "cluster-ip" ? "internal" : "external";
}

function selectorText(selector: Readonly<Record<string, string>>): string {
  return Object.entries(selector)
    .map(([label, value]) => `${label}=${value}`)
    .join(",");
}
