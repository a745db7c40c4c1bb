// Connections that lead to endpoints which are gone. In: models before and after each good pass. Out: their conntrack entries deleted, at once or later.
import type { Family, Ip, Model } from "../../rules/index.ts";
import { owe, type Owed } from "../../rules/conntrack/owed.ts";
import { cleanStale } from "../conntrack/clean-stale.ts";
import type { RunConntrack } from "../conntrack/tool.ts";
import type { Log } from "../watch/intake.ts";

export type Flows = {
  /** The rules of `after` are in force. Only says what is owed. */
  readonly passed: (before: Model | undefined, after: Model) => void;
  /** Pays what is owed; what cannot be paid stays owed. Never rejects. `told`: entries deleted, by family. */
  readonly pay: (
    nodeIps: readonly Ip[],
    told: (family: Family, seconds: number, deleted: number) => void,
  ) => Promise<void>;
};

/** Only UDP, as kube-proxy: a TCP client hears from an endpoint that is gone. */
const tracked = ["UDP"] as const;

/** Nothing is owed yet. Without the tool it stays owed, and that is said once. */
export function createFlows(tool: RunConntrack | undefined, log: Log): Flows {
  const owed = new Map<Family, { readonly model: Model; readonly owed: Owed }>();
  let said: string | undefined;
  return {
    passed: (before, after) => {
      const { family } = after.view;
      const due = owe(owed.get(family)?.owed, { before, after, tracked });
      if (due !== undefined) owed.set(family, { model: after, owed: due });
    },
    pay: async (nodeIps, told) => {
      for (const [family, subject] of [...owed]) {
        const began = performance.now();
        const { deleted, done, warning } = await cleanStale([subject], { nodeIps, tracked }, tool);
        told(family, (performance.now() - began) / 1000, deleted);
        if (done && owed.get(family) === subject) owed.delete(family);
        if (deleted > 0)
          log.info(`IPv${family}: deleted ${deleted} conntrack entries that led to endpoints which are gone`);
        if (warning !== undefined && warning !== said)
          log.warn(`IPv${family}: stale conntrack entries stay: ${warning}`);
        said = warning;
      }
    },
  };
}
