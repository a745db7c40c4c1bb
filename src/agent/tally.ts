// How many Services and endpoints models have, kept up to date. In: each family's model as it comes into force. Out: counts, at the cost of what changed.
import { emptyCluster, type Family, type Model, type ServiceModel, type ServicePort } from "../../rules/index.ts";
import { changes, emptyRadix, get, type Radix } from "../../rules/radix/radix.ts";

export type Tally = {
  /** This model is in force. */
  readonly passed: (model: Model) => void;
  /** Services that give rules in any family. */
  readonly services: () => number;
  /** Endpoints in their slices, of all families, ready or not. */
  readonly endpoints: () => number;
  /** Service ports of a family whose traffic is dropped here, since that policy is Local and this node has no endpoint of them. */
  readonly noLocalEndpoints: (family: Family) => Readonly<Record<Policy, number>>;
};

type Policy = "internal" | "external";
type Counts = { readonly model: Model; readonly endpoints: number } & Readonly<Record<Policy, number>>;

/** No model is in force yet. */
export function createTally(): Tally {
  const families = new Map<Family, Counts>();
  let services = 0;
  return {
    passed: (model) => {
      const { family } = model.view;
      const known = families.get(family);
      const others = [...families.values()].map((counts) => counts.model).filter(({ view }) => view.family !== family);
      let { endpoints, internal, external } = known ?? { endpoints: 0, internal: 0, external: 0 };
      for (const { key, before, after } of changes(servicesOf(known?.model), model.services)) {
        const growth = (before === undefined ? 0 : -1) + (after === undefined ? 0 : 1);
        if (!others.some((other) => get(other.services, key) !== undefined)) services += growth;
        endpoints += endpointsOf(after, model) - endpointsOf(before, known?.model);
        internal += dropped(after, "internal") - dropped(before, "internal");
        external += dropped(after, "external") - dropped(before, "external");
      }
      families.set(family, { model, endpoints, internal, external });
    },
    services: () => services,
    endpoints: () => [...families.values()].reduce((sum, counts) => sum + counts.endpoints, 0),
    noLocalEndpoints: (family) => {
      const { internal = 0, external = 0 } = families.get(family) ?? {};
      return { internal, external };
    },
  };
}

function servicesOf(model: Model | undefined): Radix<ServiceModel> {
  return model?.services ?? emptyRadix();
}

function endpointsOf(service: ServiceModel | undefined, model: Model | undefined): number {
  if (service === undefined) return 0;
  const held = get(model?.cluster ?? emptyCluster(), service.key);
  const mine = (held?.slices ?? []).filter((slice) => slice.addressType === `IPv${model?.view.family ?? 4}`);
  return mine.reduce((sum, slice) => sum + slice.endpoints.length, 0);
}

/** kube-proxy counts Service ports too, though its metric speaks of services. */
function dropped(service: ServiceModel | undefined, policy: Policy): number {
  return service?.ports.filter((port) => isDropped(port, policy)).length ?? 0;
}

function isDropped({ frontends }: ServicePort, policy: Policy): boolean {
  return frontends.some(
    ({ kind, fates }) =>
      (kind === "cluster-ip") === (policy === "internal") && fates.some(({ verdict }) => verdict.kind === "drop"),
  );
}
