// Comparisons for tests of what is printed. In: the few fields that matter. Out: Comparison.
import type { Comparison, Difference } from "../../../rules/compare/compare.ts";
import type { Fate } from "../../../rules/compare/fate.ts";
import { fateOf } from "../../../rules/compare/fate.ts";
import { fraction } from "../../../rules/trace/fraction.ts";
import { anIp } from "../../make/objects.ts";

/** A fate of these outcomes, all equally likely: `10.0.0.1:80`, or what becomes of the packet otherwise. */
export function aFate(...outcomes: readonly string[]): Fate {
  return fateOf(
    outcomes.map((outcome) => ({
      chance: fraction(1, outcomes.length),
      conditions: [],
      hops: [],
      remembered: [],
      heldSeconds: undefined,
      end: endOf(outcome),
    })),
  );
}

export function aDifference(
  fields: Partial<Difference> & { readonly port?: number; readonly from?: string } = {},
): Difference {
  const { port = 80, from = "the node", ...rest } = fields;
  return {
    destination: { ip: anIp("10.96.0.10"), protocol: "tcp", port, name: "default/web cluster IP", isClusterIp: true },
    client: { origin: "node", source: anIp("192.0.2.1"), inInterface: undefined, name: from, key: from },
    again: undefined,
    a: aFate("10.0.0.1:80"),
    b: aFate("dropped"),
    ...rest,
  };
}

export function aComparison(...differences: readonly Difference[]): Comparison {
  return { classes: 1234, differences, leftOut: 0 };
}

function endOf(outcome: string) {
  if (outcome === "dropped") return { kind: "dropped" } as const;
  const [ip = "", port] = outcome.split(":");
  const source = { kind: "kept" } as const;
  return { kind: "delivered", to: anIp(ip), port: Number(port), here: false, translated: true, source } as const;
}
