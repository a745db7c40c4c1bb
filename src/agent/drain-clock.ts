// How long real servers have drained. In: those of weight 0 after each write. Out: DrainClock: which may go, and when to look next.
import { connectionKey, parseConnections, type Drain, type DrainView } from "../../rules/index.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";

export type Draining = {
  readonly count: number;
  /** Until the first of them has had its time; undefined where none drains. */
  readonly nextOverMs: number | undefined;
};

export type DrainClock = {
  /** Those that drain now, all of them; those that did before keep their time. */
  readonly set: (drains: readonly Drain[]) => void;
  readonly draining: () => Draining;
  /** It has had its time. */
  readonly isOver: DrainView["isDrained"];
  /** Reads how many connections each has: it has had its time, or has none. One that is not listed may have some. */
  readonly readIdle: (kernel: Pick<IpvsKernel, "readConnections">) => Promise<DrainView["isDrained"]>;
};

export type DrainClockSettings = { readonly seconds: number; readonly now?: () => number };

/** Only the weights in the kernel are remembered elsewhere: a new clock begins anew with each that is found. */
export function createDrainClock({ seconds, now = () => performance.now() }: DrainClockSettings): DrainClock {
  let since: ReadonlyMap<string, number> = new Map();
  const isOver: DrainView["isDrained"] = (server, real) => {
    const began = since.get(connectionKey(server, real));
    return seconds === 0 || (began !== undefined && now() - began >= seconds * 1000);
  };
  return {
    set: (drains) => {
      const at = now();
      since = new Map(
        drains.map(({ server, real }) => {
          const key = connectionKey(server, real);
          return [key, since.get(key) ?? at];
        }),
      );
    },
    draining: () => {
      const first = Math.min(...since.values());
      const nextOverMs = since.size === 0 ? undefined : Math.max(0, first + seconds * 1000 - now());
      return { count: since.size, nextOverMs };
    },
    isOver,
    readIdle: async (kernel) => {
      const connections = parseConnections(await kernel.readConnections());
      return (server, real) => connections.get(connectionKey(server, real)) === 0 || isOver(server, real);
    },
  };
}
