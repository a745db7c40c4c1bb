// What becomes of a client's packets. In: a traffic policy, endpoint sets, View. Out: Fate[] of a frontend.
import type { Endpoint, EndpointSets } from "./endpoints.ts";
import type { View } from "./view.ts";

/** What a class of clients gets. `local-pods` are this cluster's pods as `View.localPods` tells them; `this-node` its own processes. */
export type Fate = { readonly from: "local-pods" | "this-node" | "anyone"; readonly verdict: Verdict };

export type Verdict =
  | {
      readonly kind: "balance";
      readonly over: "cluster" | "local";
      readonly to: readonly Endpoint[];
      readonly affinitySeconds: number | undefined;
      /** Whether the source becomes the node's: for all, or for all but local pods. (A hairpin always is.) */
      readonly masquerade: "never" | "unless-local-pod" | "always";
    }
  | { readonly kind: "reject"; readonly because: "no-endpoints" }
  | { readonly kind: "drop"; readonly because: "no-local-endpoints" };

/** What fates are made from. */
type Served = { readonly sets: EndpointSets; readonly affinitySeconds: number | undefined };
type Masquerade = Extract<Verdict, { kind: "balance" }>["masquerade"];

/** The fates of a cluster IP's clients: those from outside the cluster are masqueraded where they can be told. */
export function internalFates(policy: "Cluster" | "Local", served: Served, view: View): Fate[] {
  const masquerade = view.masqueradeAll ? "always" : view.localPods === undefined ? "never" : "unless-local-pod";
  return [
    {
      from: "anyone",
      verdict: policy === "Local" ? balanceHere(served, masquerade) : balance("cluster", served, masquerade),
    },
  ];
}

/**
 * The fates of clients of external addresses and node ports. With policy Local only those from off the node are kept to it; pods of
 * this cluster and the node itself still reach every endpoint. Source: kube-proxy, KUBE-EXT chains.
 */
export function externalFates(policy: "Cluster" | "Local", served: Served, view: View): Fate[] {
  if (policy === "Cluster") return [{ from: "anyone", verdict: balance("cluster", served, "always") }];
  return [
    ...(view.localPods === undefined
      ? []
      : [{ from: "local-pods" as const, verdict: balance("cluster", served, "never") }]),
    { from: "this-node", verdict: balance("cluster", served, "always") },
    { from: "anyone", verdict: balanceHere(served, "never") },
  ];
}

function balance(over: "cluster" | "local", { sets, affinitySeconds }: Served, masquerade: Masquerade): Verdict {
  if (!sets.any) return { kind: "reject", because: "no-endpoints" };
  return { kind: "balance", over, to: over === "cluster" ? sets.cluster : sets.local, affinitySeconds, masquerade };
}

function balanceHere(served: Served, masquerade: Masquerade): Verdict {
  if (served.sets.any && served.sets.local.length === 0) return { kind: "drop", because: "no-local-endpoints" };
  return balance("local", served, masquerade);
}
