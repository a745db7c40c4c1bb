// How long each Service's last change took, step by step. In: changes as they arrive, passes as they begin and end. Out: LastChange of a Service.
import type { Version } from "../watch/version.ts";

/** The last change of a Service or of one of its EndpointSlices. Times are milliseconds since 1970. */
export type LastChange = {
  readonly kind: "Service" | "EndpointSlice";
  /** `namespace/name` of that object. */
  readonly object: string;
  readonly isGone: boolean;
  /** Undefined for an object that is gone, and where the server says none. */
  readonly resourceVersion: Version | undefined;
  /** When what changed the object happened, by the clock of whoever changed it; of EndpointSlices alone, and not of all. */
  readonly triggeredAt: number | undefined;
  readonly receivedAt: number;
  /** The pass that brought it into the kernel, or, in a dry run, would have; undefined while none has. */
  readonly pass: { readonly beganAt: number; readonly endedAt: number } | undefined;
};

export type LastChanges = {
  /** Of the Service `namespace/name`. What it was before is forgotten. */
  readonly changed: (service: string, change: Omit<LastChange, "pass">) => void;
  /** A pass takes up all that has arrived. */
  readonly passBegins: (at: number) => void;
  /** What the pass took up is in the kernel now, or, `at` undefined, waits for another pass. */
  readonly passEnds: (at: number | undefined) => void;
  /** Undefined for a Service that has not changed, or long ago. */
  readonly of: (service: string) => LastChange | undefined;
};

/** Some 300 bytes each. */
const mostServices = 10_000;

/** Keeps the Services that changed last, and no more than `most` of them. */
export function createLastChanges(most = mostServices): LastChanges {
  /** In the order in which they changed. */
  const kept = new Map<string, LastChange>();
  let waiting = new Set<string>();
  let taken: ReadonlyMap<string, LastChange> = new Map();
  let beganAt = 0;
  return {
    changed: (service, change) => {
      kept.delete(service);
      kept.set(service, { ...change, pass: undefined });
      waiting.add(service);
      if (kept.size <= most) return;
      const [oldest = ""] = kept.keys();
      kept.delete(oldest);
      waiting.delete(oldest);
    },
    passBegins: (at) => {
      beganAt = at;
      const takenUp = new Map<string, LastChange>();
      for (const service of waiting) {
        const change = kept.get(service);
        if (change !== undefined) takenUp.set(service, change);
      }
      taken = takenUp;
      waiting = new Set();
    },
    passEnds: (at) => {
      for (const [service, change] of taken) {
        // What changed again during the pass waits for the next one already.
        if (kept.get(service) !== change) continue;
        if (at === undefined) waiting.add(service);
        else kept.set(service, { ...change, pass: { beganAt, endedAt: at } });
      }
      taken = new Map();
    },
    of: (service) => kept.get(service),
  };
}
