// A fake Kubernetes API server that speaks real HTTP. In: options, calls of a test. Out: FakeApi; what clients get over the wire.
import { setTimeout as sleep } from "node:timers/promises";
import { objects as clusterObjects, type Size } from "../bench/cluster.ts";
import type { Access } from "./access.ts";
import { makeCertificate } from "./certificate.ts";
import { createFaults, type Fault, type Where } from "./faults.ts";
import { kubeconfigText, type Credentials } from "./kubeconfig.ts";
import { createLister } from "./list.ts";
import { listen } from "./listener.ts";
import { resourcesOfKind } from "./resources.ts";
import { createServer, type SeenRequest } from "./server.ts";
import { createStore, objectText, type ApiObject, type StoreOptions } from "./store.ts";
import { featuresOf, type Version } from "./versions.ts";
import { createWatches, type Cut, type OpenWatch } from "./watch.ts";

/** Plain data, so that another process can be started with it. */
export type ApiOptions = Access &
  StoreOptions & {
    /** Default 1.36. */
    readonly version?: Version;
    /** An address of this machine or namespace. Default 127.0.0.1. */
    readonly address?: string;
    /** Default: any that is free. */
    readonly port?: number;
    /** Default yes. Without it HTTP/2 cannot be had either. */
    readonly tls?: boolean;
    /** What the certificate is for besides the address, 127.0.0.1, ::1, localhost and kubernetes.default.svc. */
    readonly names?: readonly string[];
  };

/** What can be asked of a running server, in this process or another. Each rejects where the test asks for what cannot be. */
export type ApiCalls = {
  /** Creates or replaces objects. Gives the revision (`resourceVersion`) after that. */
  readonly set: (...objects: readonly ApiObject[]) => Promise<number>;
  /** Makes up a cluster: Services and their EndpointSlices. See test/bench/cluster.ts. */
  readonly fill: (size: Size) => Promise<number>;
  /** Deletes an object; `namespace` is "" for kinds without. Gives the revision after that. */
  readonly remove: (kind: string, namespace: string, name: string) => Promise<number>;
  /** All of a kind, as GET would answer them, by namespace and name. Those of Events are of both their API groups. */
  readonly objects: (kind: string) => Promise<readonly ApiObject[]>;
  /** All requests so far, oldest first. */
  readonly requests: () => Promise<readonly SeenRequest[]>;
  readonly forgetRequests: () => Promise<void>;
  readonly watches: () => Promise<readonly OpenWatch[]>;
  /** Replaces the fields given, e.g. the accepted tokens. */
  readonly setAccess: (access: Access) => Promise<void>;
  /** Ends watches, all or one resource's (`services`). Gives how many. */
  readonly cutWatches: (how?: Cut, resource?: string) => Promise<number>;
  /** From now on the watches that are open send no byte and do not end. New ones work. Gives how many. */
  readonly stallWatches: (resource?: string) => Promise<number>;
  /** What waited is sent. */
  readonly resumeWatches: () => Promise<void>;
  /** One to each watch that asked for bookmarks; there are none by themselves. Gives how many. */
  readonly sendBookmarks: () => Promise<number>;
  /** Compacts: open watches end with 410, earlier revisions are too old to watch from, begun lists cannot be read on. */
  readonly expireHistory: () => Promise<number>;
  /** The next `count` requests that match get a wrong answer, see `Fault`. */
  readonly failNext: (count: number, fault: Fault, where?: Where) => Promise<void>;
  readonly clearFaults: () => Promise<void>;
  /** Each event is told so much later; lists are not. 0 ends it. */
  readonly delayEvents: (ms: number) => Promise<void>;
  /** Each event is told so often; 1 ends it. */
  readonly duplicateEvents: (times: number) => Promise<void>;
  /** Connections are refused, and those that were open are reset. */
  readonly down: () => Promise<void>;
  readonly up: () => Promise<void>;
  /** Down, then up on the same port with the same certificate. Resolves when it is up. */
  readonly restart: (restart?: Restart) => Promise<void>;
};

export type Restart = {
  /** How long it is down. Default 0. */
  readonly downMs?: number;
  /**
   * `lost`: the objects are as they were; watches from revisions before the restart are too old. That is what real ones do.
   * `older`: the last `changes` are undone too, as by a backup of etcd that was played back. Their revisions come again, for
   * other changes; watches from revisions that are in the future now are accepted and are told nothing of those.
   */
  readonly history?: "lost" | "older";
  /** Default 1. */
  readonly changes?: number;
};

/** What is known of a running server without asking it. */
export type ApiPlace = {
  readonly url: string;
  readonly port: number;
  /** undefined without TLS. */
  readonly caPem: string | undefined;
};

/** A running server. */
export type FakeApi = ApiPlace &
  ApiCalls & {
    /** The text of a kubeconfig file. Default token: the first that was accepted at the start. */
    readonly kubeconfig: (credentials?: Credentials) => string;
    readonly stop: () => Promise<void>;
  };

/** Starts a server in this process. Resolves when it accepts connections. */
export async function startApi(options: ApiOptions = {}): Promise<FakeApi> {
  const { address = "127.0.0.1", port: wanted = 0, tls = true, names = [] } = options;
  const everywhere = [address, "127.0.0.1", "::1", "localhost", "kubernetes.default.svc", ...names];
  const certificate = tls ? makeCertificate([...new Set(everywhere)]) : undefined;
  const store = createStore(options);
  const watches = createWatches(store);
  const lister = createLister(store);
  const faults = createFaults();
  const parts = { store, watches, lister, faults, features: featuresOf(options.version ?? "1.36") };
  const server = createServer(parts, { tokens: options.tokens, rbac: options.rbac, reviewed: options.reviewed });
  const listener = await listen({ address, port: wanted, certificate, handle: server.handle });
  const { port } = listener;

  const calls: ApiCalls = {
    set: later((...objects) => {
      for (const object of objects) store.put(object);
      return store.revision();
    }),
    fill: later((size) => {
      for (const object of clusterObjects(size)) store.put(object as ApiObject);
      return store.revision();
    }),
    remove: later((kind, namespace, name) => {
      const removed = resourcesOfKind(kind).some((resource) => store.remove(resource, namespace, name));
      if (!removed) throw new Error(`fake API: there is no ${kind} ${namespace}/${name}`);
      return store.revision();
    }),
    objects: later((kind) =>
      resourcesOfKind(kind).flatMap((resource) =>
        store.list(resource).map(({ json }) => JSON.parse(objectText(resource, json)) as ApiObject),
      ),
    ),
    requests: later(() => [...server.requests()]),
    forgetRequests: later(server.forgetRequests),
    watches: later(watches.list),
    setAccess: later(server.setAccess),
    cutWatches: later((how = "clean", resource) => watches.cut(how, resource)),
    stallWatches: later(watches.stall),
    resumeWatches: later(watches.resume),
    sendBookmarks: later(watches.sendBookmarks),
    expireHistory: later(() => {
      store.loseHistory();
      lister.expire();
      return watches.expire();
    }),
    failNext: later(faults.order),
    clearFaults: later(faults.clear),
    delayEvents: later((delayMs) => {
      watches.disturb({ delayMs });
    }),
    duplicateEvents: later((times) => {
      watches.disturb({ times });
    }),
    down: listener.down,
    up: listener.up,
    restart: async ({ downMs = 0, history = "lost", changes = 1 } = {}) => {
      await listener.down();
      try {
        if (history === "older") {
          store.undo(changes);
          lister.expire();
        } else store.loseHistory();
        await sleep(downMs);
      } finally {
        await listener.up();
      }
    },
  };
  const host = address.includes(":") ? `[${address}]` : address;
  const url = `${tls ? "https" : "http"}://${host}:${port}`;
  return { ...handle({ url, port, caPem: certificate?.caPem }, options), ...calls, stop: listener.down };
}

/** The part of a handle that needs no server. */
export function handle(place: ApiPlace, { tokens }: ApiOptions): ApiPlace & Pick<FakeApi, "kubeconfig"> {
  const token = tokens?.[0];
  const kubeconfig = (credentials: Credentials = token === undefined ? {} : { token }) =>
    kubeconfigText(place, credentials);
  return { ...place, kubeconfig };
}

/** The same call, its result and what it throws as a promise, as it is where the server is in another process. */
function later<Given extends readonly unknown[], Result>(
  call: (...given: Given) => Result,
): (...given: Given) => Promise<Result> {
  return (...given) => Promise.resolve().then(() => call(...given));
}
