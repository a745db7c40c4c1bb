// What the rules in force were made from, as numbers. In: models and the cluster as they come into force. Out: nothing; the metrics are told.
import type { Cluster, Family, Model } from "../../rules/index.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { ModelState } from "../metrics/own-metrics.ts";
import { emptyFingerprint, fingerprintOf, renderFingerprint } from "./fingerprint.ts";
import { createTally } from "./tally.ts";

export type ModelRecord = {
  /** A family's model is in force. */
  readonly passed: (model: Model) => void;
  /** All families have what the cluster says. `versions`: at least as old as the cluster. */
  readonly allPassed: (cluster: Cluster, versions: ModelState["resourceVersions"]) => void;
};

type Told = {
  readonly surroundings: { readonly metrics: Pick<Metrics, "setModel" | "setNoLocalEndpoints"> };
};

/**
 * Each call costs what changed since the last one. Resource versions alone are no news: they rise with each bookmark, and every rise would
 * be a new series.
 */
export function createModelRecord({ surroundings: { metrics } }: Told): ModelRecord {
  const tally = createTally();
  let fingerprint = emptyFingerprint();
  let told: Omit<ModelState, "resourceVersions"> | undefined;
  const tellDropped = (family: Family): void => {
    const dropped = tally.noLocalEndpoints(family);
    for (const policy of ["internal", "external"] as const)
      metrics.setNoLocalEndpoints(family, policy, dropped[policy]);
  };
  return {
    passed: (model) => {
      tally.passed(model);
      tellDropped(model.view.family);
    },
    allPassed: (cluster, resourceVersions) => {
      fingerprint = fingerprintOf(cluster, fingerprint);
      const state = {
        hash: renderFingerprint(fingerprint),
        services: tally.services(),
        endpoints: tally.endpoints(),
      };
      if (told?.hash === state.hash && told.services === state.services && told.endpoints === state.endpoints) return;
      told = state;
      metrics.setModel({ ...state, resourceVersions });
    },
  };
}
