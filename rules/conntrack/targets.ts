// Who may go on answering for a frontend. In: Model, Frontend. Out: endpoints as `ip:port`.
import { endpointsOf } from "../model/endpoints.ts";
import type { Model } from "../model/model.ts";
import type { Frontend } from "../model/service-port.ts";
import { hostPort } from "../net/ip.ts";
import { get } from "../radix/radix.ts";

/**
 * The endpoints to which flows through the frontend may stay: all that serve, ready or draining, and of these only the local ones where
 * every client of the frontend is kept to the node. New flows may be balanced over fewer (ready before draining, topology hints): that a
 * pod is about to end, or a hint has moved, is no reason to cut off a flow that is answered.
 * Source: kube-proxy 1.30 and 1.32 both delete the flows of endpoints that no longer serve.
 */
export function targetsOf(model: Model, frontend: Frontend): ReadonlySet<string> {
  const { key, port } = splitName(frontend.service);
  const held = get(model.cluster, key);
  if (held === undefined) return new Set();
  const all = endpointsOf(held.slices, { name: port, protocol: frontend.protocol }, model.view);
  const stay = isKeptToNode(frontend);
  const usable = all.filter(({ ready, serving, local }) => (ready || serving) && (local || !stay));
  return new Set(usable.map(({ ip, port: number }) => hostPort(ip, number)));
}

/** Whether a new flow to the frontend would be sent to an endpoint. */
export function isBalanced({ fates }: Frontend): boolean {
  return fates.some(({ verdict }) => verdict.kind === "balance" && verdict.to.length > 0);
}

/** The protocols of which flows are looked at: connections of TCP end by themselves, with a RST of whoever does not know them. */
export type Tracked = readonly Exclude<Frontend["protocol"], "TCP">[];

function isKeptToNode({ fates }: Frontend): boolean {
  return fates.every(
    ({ verdict }) => verdict.kind === "drop" || (verdict.kind === "balance" && verdict.over === "local"),
  );
}

function splitName(name: string): { readonly key: string; readonly port: string } {
  const colon = name.indexOf(":");
  return colon < 0 ? { key: name, port: "" } : { key: name.slice(0, colon), port: name.slice(colon + 1) };
}
