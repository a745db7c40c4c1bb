// A reflector against a fake API server, and what it told. In: options. Out: Run.
import { setTimeout as after } from "node:timers/promises";
import type { Problem } from "../../../rules/problem.ts";
import { createApi, type Api } from "../../../src/watch/api.ts";
import type { ObjectChange } from "../../../src/watch/intake.ts";
import { reflect, type Reflector, type Time } from "../../../src/watch/reflector.ts";
import { services, type Resource } from "../../../src/watch/resources.ts";
import { startApi, type ApiOptions, type FakeApi } from "../../support/api.ts";

/** What was told, and what the consumer makes of it: `objects` by key. */
export type Run<T> = {
  readonly reflector: Reflector;
  readonly changes: ObjectChange<T>[];
  readonly objects: Map<string, T>;
  readonly problems: { readonly key: string; readonly problems: readonly Problem[] }[];
  /** Objects that were known when the first list was complete, once for each time that this was told. */
  readonly synced: number[];
  /** What the reflector wanted to wait, in milliseconds. */
  readonly waits: number[];
  /** When something arrived, and how many streams ended. */
  readonly arrivals: number[];
  readonly restarts: number[];
  readonly log: string[];
};

export type RunOptions = {
  readonly idleSeconds?: number;
  readonly time?: Time;
  /** Called with each batch before it is taken in. */
  readonly onChanges?: () => void;
};

const open: (() => Promise<void>)[] = [];

/** Ends everything that the tests of this file started. */
export async function stopAll(): Promise<void> {
  for (const stop of open.splice(0).reverse()) await stop();
}

/** A fake server that is stopped with the others. Plain HTTP unless told otherwise, since TLS is not what most tests are about. */
export async function aServer(options: ApiOptions = {}): Promise<FakeApi> {
  const fake = await startApi({ tls: false, ...options });
  open.push(fake.stop);
  return fake;
}

/** Requests to the fake, without going through a kubeconfig: that loads @kubernetes/client-node, which takes a second. */
export function anApi({ url, caPem }: Pick<FakeApi, "url" | "caPem">): Api {
  const requestOptions = () => Promise.resolve({ headers: {}, ...(caPem === undefined ? {} : { ca: caPem }) });
  const api = createApi(
    { server: () => url, requestOptions, refresh: () => Promise.resolve() },
    { userAgent: "rulewright/test" },
  );
  open.push(() => {
    api.close();
    return Promise.resolve();
  });
  return api;
}

/** A reflector of `resource` that waits a hundredth of what it wants to, and always the least. */
export function run<T>(api: Api, resource: Resource<T>, options: RunOptions = {}): Run<T> {
  const waits: number[] = [];
  const time: Time = {
    now: () => Date.now(),
    random: () => 0,
    sleep: (ms, signal) => {
      waits.push(ms);
      return after(ms / 100, undefined, { signal }).catch(() => undefined);
    },
  };
  const told: Omit<Run<T>, "reflector"> = {
    ...{ changes: [], objects: new Map(), problems: [], synced: [], waits, arrivals: [], restarts: [], log: [] },
  };
  const keep = (message: string) => told.log.push(message);
  const reflector = reflect({
    api,
    resource,
    log: { debug: keep, info: keep, warn: keep, error: keep },
    idleSeconds: options.idleSeconds ?? 30,
    time: options.time ?? time,
    onArrival: (at) => told.arrivals.push(at),
    onRestart: () => told.restarts.push(told.restarts.length + 1),
    onChanges: (changes) => {
      told.changes.push(...changes);
      options.onChanges?.();
      for (const change of changes)
        if (change.kind === "set") told.objects.set(change.key, change.object);
        else told.objects.delete(change.key);
    },
    onSynced: () => told.synced.push(told.objects.size),
    onProblem: (key, problems) => told.problems.push({ key, problems }),
  });
  open.push(reflector.stop);
  return { reflector, ...told };
}

/** A server with these Services, and a reflector that has listed them and watches. */
export async function watching(names: readonly string[], options: ApiOptions & RunOptions = {}) {
  const fake = await aServer(options);
  if (names.length > 0) await fake.set(...names.map((name) => aServiceObject(name)));
  const seen = run(anApi(fake), services, options);
  await until(() => seen.reflector.stats().watches === 1 && seen.synced.length === 1);
  await fake.forgetRequests();
  seen.changes.length = 0;
  return { fake, seen };
}

/** Does something to the server's streams, and waits until the reflector has another. */
export async function another<T>(seen: Run<T>, act: () => Promise<unknown>): Promise<void> {
  const { watches } = seen.reflector.stats();
  await act();
  await until(() => seen.reflector.stats().watches > watches);
}

/** Waits until it is so; throws after 10 s. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    if (await isSo()) return;
    await after(5);
  }
  throw new Error(`never came: ${isSo.toString()}`);
}

/** As the API would send it. `port` tells one state from another. */
export function aServiceObject(name: string, port = 80): Readonly<Record<string, unknown>> {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"], ports: [{ port, protocol: "TCP", targetPort: port }] },
  };
}

/** Changes in short: `set web 80`, `gone web`. */
export function told(changes: readonly ObjectChange<{ readonly ports: readonly { readonly port: number }[] }>[]) {
  return changes.map((change) => {
    const name = change.key.replace("default/", "");
    return change.kind === "gone" ? `gone ${name}` : `set ${name} ${String(change.object.ports[0]?.port)}`;
  });
}
