// Health-check node ports, one server for each. In: which ports are wanted, on which addresses. Out: open sockets, and those that could not be opened.
import type { Ip } from "../../rules/index.ts";
import { textAnswer, type Handler } from "../http/answer.ts";
import { bindAddress, renderBindAddress, type BindAddress } from "../http/bind-address.ts";
import { BindError, listen, type Limits, type Running } from "../http/listen.ts";
import { portAnswer, type HealthPort } from "./port-answer.ts";

/** A port that could not be opened, for an event `FailedToStartServiceHealthcheck` on its Service. */
export type HealthPortFailure = {
  readonly service: string;
  readonly port: number;
  /** The system's, e.g. EADDRINUSE. */
  readonly code: string;
  readonly text: string;
};

export type HealthPorts = {
  /**
   * Opens what is wanted and not open, closes what is open and not wanted, and leaves the rest alone, connections included; what failed
   * before is tried again. A Service that moves to another's port takes the socket over. Calls wait for each other. Never rejects.
   */
  readonly syncHealthPorts: (
    wanted: ReadonlyMap<number, HealthPort>,
    /** Of the host; "all", or those that nodePortAddresses selects. */
    addresses: "all" | readonly Ip[],
  ) => Promise<readonly HealthPortFailure[]>;
  /** Closes all. */
  readonly stop: () => Promise<void>;
};

export type HealthPortsSettings = {
  /** Asked for each answer. Without regard to the Node: kube-proxy's `serviceProxyHealthy`. */
  readonly isProxierHealthy: () => boolean;
  readonly limits?: Partial<Limits>;
  readonly onProblem?: (text: string) => void;
};

/** Load balancers ask from many addresses and keep little open. */
const portLimits: Partial<Limits> = { maxConnections: 256, headSeconds: 10, answerSeconds: 10, stopSeconds: 0 };

/** No ports yet. */
export function createHealthPorts(settings: HealthPortsSettings): HealthPorts {
  const open = new Map<string, Running>();
  let ports: ReadonlyMap<number, HealthPort> = new Map();
  let last: Promise<unknown> = Promise.resolve();
  const handlerOf = (port: number): Handler => {
    return () => {
      const asked = ports.get(port);
      // Only in the moment between a sync and the end of the connection.
      if (asked === undefined) return textAnswer(503, "no such health check any more\n");
      return portAnswer(asked, settings.isProxierHealthy());
    };
  };
  const openPort = (at: BindAddress) =>
    listen(at, handlerOf(at.port), {
      limits: { ...portLimits, ...settings.limits },
      ...(settings.onProblem === undefined ? {} : { onProblem: settings.onProblem }),
    });
  const sync = async (addresses: "all" | readonly Ip[]): Promise<readonly HealthPortFailure[]> => {
    const places = placesOf(ports, addresses);
    const stale = [...open].filter(([place]) => !places.has(place));
    for (const [place] of stale) open.delete(place);
    // All sockets on single addresses are in the way of one on all of them, and the other way round.
    await Promise.all(stale.map(([, running]) => running.stop()));
    const failures: HealthPortFailure[] = [];
    for (const [place, at] of places) {
      if (open.has(place)) continue;
      try {
        open.set(place, await openPort(at));
      } catch (error) {
        if (!(error instanceof BindError)) throw error;
        const service = ports.get(at.port)?.service ?? "";
        // One event a Service is enough, on however many addresses it failed.
        if (failures.every((failure) => failure.port !== at.port))
          failures.push({ service, port: at.port, code: error.code, text: error.message });
      }
    }
    return failures;
  };
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
  return {
    syncHealthPorts: (wanted, addresses) =>
      inTurn(() => {
        ports = wanted;
        return sync(addresses);
      }),
    stop: () =>
      inTurn(async () => {
        ports = new Map();
        await sync("all");
      }),
  };
}

function placesOf(
  ports: ReadonlyMap<number, HealthPort>,
  addresses: "all" | readonly Ip[],
): ReadonlyMap<string, BindAddress> {
  const places = [...ports.keys()].flatMap((port): BindAddress[] => {
    const all: BindAddress = { ip: "all", port };
    const some = addresses === "all" ? [all] : addresses.map((ip) => bindAddress(ip, port));
    return some.some(({ ip }) => ip === "all") ? [all] : some;
  });
  return new Map(places.map((at) => [renderBindAddress(at), at]));
}
