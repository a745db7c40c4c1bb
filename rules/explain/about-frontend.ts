// What a Service's settings do to a probe. In: Probe, ServedPort, ExplainContext. Out: reasons in the API's terms, and what they lead to expect.
import type { Fate, Verdict } from "../model/fates.ts";
import { isServed } from "../model/model.ts";
import type { Frontend } from "../model/service-port.ts";
import { cidrFamily, cidrHolds } from "../net/cidr.ts";
import { hostPort, isLoopback, type Ip } from "../net/ip.ts";
import { isFateOf, isLocalPod, type Client } from "./clients.ts";
import { aboutEndpoints } from "./about-endpoints.ts";
import type { Expected } from "./about-walk.ts";
import type { Objects } from "./context.ts";
import { findNodePort, findVip, type ServedPort } from "./lookup.ts";
import type { Probe } from "./probes.ts";
import type { EndpointReason } from "./reason/endpoint-reason.ts";
import type { FrontendReason, MasqueradeCause } from "./reason/frontend-reason.ts";

export type AboutFrontend = {
  readonly reasons: readonly (FrontendReason | EndpointReason)[];
  readonly expected: Expected;
};

/** Reasons in the order in which they decide; the first that stops the packet is the last that is told. */
export function aboutFrontend(probe: Probe, served: ServedPort, { backend }: Pick<Objects, "backend">): AboutFrontend {
  const reasons: (FrontendReason | EndpointReason)[] = [...madeUp(probe, served), ...fromOutside(probe, served)];
  const stopped = taken(probe, served) ?? unreachable(probe, served, backend);
  if (stopped !== undefined) return { reasons: [...reasons, stopped], expected: undefined };
  const { client } = probe;
  const isUntold = isLocalPod(client, served.model.view) === undefined;
  if (isUntold && served.frontend.fates.some(({ from }) => from === "local-pods"))
    return { reasons, expected: undefined };
  const fate = served.frontend.fates.find((each) => isFateOf(each, client, served.model.view));
  // Without any endpoint everyone is refused, whatever the ranges say, as in kube-proxy.
  const barred = fate?.verdict.kind === "reject" ? undefined : outOfRanges(probe, served);
  if (barred !== undefined) return { reasons: [...reasons, barred], expected: "drop" };
  const ofOthers = rangesOfOtherFamily(served);
  if (ofOthers && backend === "ipvs" && fate?.verdict.kind !== "reject")
    return { reasons: [...reasons, { ...rangesReason(served), code: "closed-by-other-family" }], expected: "drop" };
  if (ofOthers) reasons.push({ ...rangesReason(served), code: "source-ranges-of-other-family" });
  if (fate === undefined) return { reasons, expected: undefined };
  reasons.push(...pastPolicy(fate, served), ...aboutEndpoints(served, fate.verdict));
  if (fate.verdict.kind !== "balance") return { reasons, expected: fate.verdict.kind === "reject" ? "refuse" : "drop" };
  return { reasons: [...reasons, ...aboutBalance(fate.verdict, served, client)], expected: "balance" };
}

function madeUp({ destination }: Probe, { frontend, servicePort }: ServedPort): FrontendReason[] {
  const { ip, port } = destination;
  const found: FrontendReason[] = [];
  if (frontend.placeholder === true)
    found.push({
      code: "placeholder-frontend",
      what:
        frontend.ip === undefined
          ? `the node port ${port} of ${frontend.service}`
          : `the cluster IP ${ip} of ${frontend.service}`,
    });
  const endpoints = new Set([...servicePort.clusterEndpoints, ...servicePort.localEndpoints]);
  const count = [...endpoints].filter(({ placeholder }) => placeholder === true).length;
  return count === 0 ? found : [...found, { code: "placeholder-endpoints", count }];
}

function fromOutside({ client, destination }: Probe, { frontend, servicePort }: ServedPort): FrontendReason[] {
  if (frontend.kind !== "cluster-ip" || client.inside !== false) return [];
  const otherWays = servicePort.frontends.some(({ kind }) => kind !== "cluster-ip");
  return [{ code: "cluster-ip-from-outside", ip: destination.ip, service: frontend.service, otherWays }];
}

function taken(probe: Probe, { model, frontend }: ServedPort): FrontendReason | undefined {
  if (isServed(model, frontend)) return undefined;
  const { destination } = probe;
  const winner =
    frontend.ip === undefined ? findNodePort(model, destination) : findVip(model, frontend.ip, destination);
  const what = frontend.ip === undefined ? `Node port ${frontend.port}` : hostPort(frontend.ip, frontend.port);
  return { code: "frontend-taken", what, service: frontend.service, by: winner?.service ?? "another Service" };
}

function unreachable(
  { destination: { ip, port } }: Probe,
  { frontend, model: { view } }: ServedPort,
  backend: Objects["backend"],
): FrontendReason | undefined {
  if (frontend.kind !== "node-port") return undefined;
  if (isLoopback(ip) && backend === "ipvs") return { code: "loopback-not-balanced", ip, port };
  if (isLoopback(ip) && !view.localhostNodePorts) return { code: "loopback-node-port", ip, port };
  const { nodePortIps } = view;
  return nodePortIps === "all" || nodePortIps.includes(ip)
    ? undefined
    : { code: "not-a-node-port-address", ip, port, answering: nodePortIps };
}

function outOfRanges({ client: { source } }: Probe, { frontend }: ServedPort): FrontendReason | undefined {
  const ranges = frontend.sourceRanges;
  if (ranges === undefined || ranges.cidrs.some((cidr) => cidrHolds(cidr, source))) return undefined;
  if (ranges.withVip && frontend.ip === source) return undefined;
  return { code: "source-not-in-ranges", source, service: frontend.service, ranges: ranges.cidrs };
}

/** Source: kube-proxy filters ranges by family, and none left means all; IPVS mode here lets nobody in. */
function rangesOfOtherFamily({ frontend, held, model: { view } }: ServedPort): boolean {
  const { sourceRanges } = held.service;
  const isOther = sourceRanges.length > 0 && !sourceRanges.some((cidr) => cidrFamily(cidr) === view.family);
  return frontend.kind === "load-balancer-ip" && isOther;
}

function rangesReason({ frontend, model: { view } }: ServedPort) {
  return { service: frontend.service, family: view.family };
}

function pastPolicy({ from }: Fate, { frontend, servicePort }: ServedPort): FrontendReason[] {
  if (from === "anyone" || servicePort.externalPolicy !== "Local") return [];
  return [{ code: "policy-not-for-client", service: frontend.service, client: from }];
}

type Balance = Extract<Verdict, { kind: "balance" }>;

function aboutBalance(verdict: Balance, served: ServedPort, client: Client): FrontendReason[] {
  const { frontend } = served;
  const found: FrontendReason[] = [];
  if (verdict.affinitySeconds !== undefined)
    found.push({ code: "affinity", service: frontend.service, seconds: verdict.affinitySeconds });
  found.push(...aboutSource(verdict, served, client));
  const back: Ip | undefined = verdict.to.find(({ ip }) => ip === client.source)?.ip;
  return back === undefined ? found : [...found, { code: "hairpin", ip: back }];
}

/** Whom the endpoint sees, and why; nothing where that hangs on what nobody can tell. */
function aboutSource(
  { masquerade }: Balance,
  { frontend, servicePort, model: { view } }: ServedPort,
  client: Client,
): FrontendReason[] {
  const isPod = isLocalPod(client, view);
  if (isPod === undefined && masquerade === "unless-local-pod") return [];
  const isRewritten = masquerade === "always" || (masquerade === "unless-local-pod" && isPod !== true);
  if (isRewritten)
    return [{ code: "masqueraded", because: masqueradeCause(frontend, masquerade, servicePort.externalPolicy) }];
  if (frontend.kind !== "cluster-ip" && isPod !== true) return [{ code: "source-kept", because: "local-policy" }];
  return [{ code: "source-kept", because: view.localPods === undefined ? "pods-not-told" : "pod-client" }];
}

function masqueradeCause(
  { kind }: Frontend,
  masquerade: Balance["masquerade"],
  policy: "Cluster" | "Local",
): MasqueradeCause {
  if (kind === "cluster-ip") return masquerade === "always" ? "masquerade-all" : "not-a-pod";
  return policy === "Cluster" ? "cluster-policy" : "node-client";
}
