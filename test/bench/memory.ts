// Row "memory": the agent's resident memory while a cluster churns for ten minutes. In: Scale. Out: Figures: at the beginning, at the end, growth.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startApiProcess, type ApiProcess } from "../support/process.ts";
import type { ApiObject } from "../support/store.ts";
import { config, startAgent, type Run } from "./agent.ts";
import { clusterIp, namespaceOf, serviceName, serviceObject, sliceObjects } from "./cluster.ts";
import { median, type Figure } from "./figure.ts";
import { openPlace } from "./namespaces.ts";
import { memoryMb } from "./proc.ts";
import { sizeOf, sizeText, type Row } from "./row.ts";

export const memory: Row = {
  name: "memory",
  title: "the agent's memory under churn, ten minutes",
  needsKernel: true,
  measure: (scale) =>
    measureAt(scale === "quick" ? { services: 300, seconds: 20 } : { services: 10_000, seconds: 600 }),
};

type Churn = { readonly services: number; readonly seconds: number };

/** Each second so many endpoints are replaced; at each fifth second one Service is deleted, and comes back with another cluster IP. */
const changesPerSecond = 20;

async function measureAt(churn: Churn): Promise<Figure[]> {
  const place = await openPlace();
  const directory = await mkdtemp(join(tmpdir(), "rwbench-memory-"));
  let api: ApiProcess | undefined;
  let run: Run | undefined;
  try {
    const program = [fileURLToPath(import.meta.url), "--api"];
    api = await startApiProcess({ version: "1.36" }, { before: ["ip", "netns", "exec", place.name], program });
    await api.fill(sizeOf(churn.services));
    await writeFile(join(directory, "config.yaml"), config);
    await writeFile(join(directory, "kubeconfig.yaml"), api.kubeconfig());
    run = startAgent(place, directory);
    await run.says(/^info: IPv4: .*batches/m);
    return figuresOf(churn, await residentDuring(api, run.pid, churn));
  } finally {
    await run?.end();
    await api?.stop();
    await place.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** In MB, at the end of each second. */
async function residentDuring(api: ApiProcess, pid: number, { services, seconds }: Churn): Promise<number[]> {
  const resident: number[] = [];
  const began = performance.now();
  let changes = 0;
  for (let second = 0; second < seconds; second++) {
    // Scattered: 7919 is a prime, so each Service has its turn before any has its second.
    for (let at = 0; at < changesPerSecond; at++) {
      await api.set(movedSlice(services, changes));
      changes += 1;
      await until(began + (second + (at + 1) / changesPerSecond) * 1000);
    }
    if (second % 5 === 0) await recreate(api, services, second);
    resident.push(memoryMb(pid).resident);
  }
  return resident;
}

async function until(moment: number): Promise<void> {
  await sleep(Math.max(0, moment - performance.now()));
}

/** The first endpoint is replaced by one at an address that never was there before: of old ones nothing may be kept. */
function movedSlice(services: number, change: number): ApiObject {
  const [slice] = sliceObjects(sizeOf(services), (change * 7919) % services) as (ApiObject & {
    readonly endpoints: readonly object[];
  })[];
  if (slice === undefined) throw new Error("bug: each Service has a slice");
  const addresses = [`10.${160 + (change >> 16)}.${(change >> 8) & 255}.${change & 255}`];
  return { ...slice, endpoints: slice.endpoints.map((each, at) => (at === 0 ? { ...each, addresses } : each)) };
}

async function recreate(api: ApiProcess, services: number, second: number): Promise<void> {
  const service = (second * 104_729) % services;
  const object = serviceObject(service) as ApiObject & { readonly spec: object };
  const ip = clusterIp(services + second);
  await api.remove("Service", namespaceOf(service), serviceName(service));
  await api.set({ ...object, spec: { ...object.spec, clusterIP: ip, clusterIPs: [ip] } });
}

/** Of ten minutes: after the first, and the last two against the second and third. A shorter run is cut in the same parts. */
function figuresOf({ services, seconds }: Churn, resident: readonly number[]): Figure[] {
  const part = seconds / 10;
  const last = resident.slice(8 * part);
  const text = (mb: number): string => `${mb.toFixed(0)} MB`;
  const name = `agent, ${sizeText(services)}, ${changesPerSecond} changes a second: resident memory`;
  return [
    { name: `${name} after ${part} s`, unit: "MB", ours: resident[part - 1] ?? 0 },
    {
      name: `${name}, median of the last ${2 * part} of ${seconds} s`,
      unit: "MB",
      ours: median(last),
      baseline: { value: median(resident.slice(part, 3 * part)), what: `from ${part} s to ${3 * part} s` },
      target: { kind: "slower-at-most", times: 1.1 },
      // V8 lets garbage grow for a minute or two before it collects the old generation: the least is what is kept.
      note: `at the end ${text(resident.at(-1) ?? 0)}, least ${text(Math.min(...last))}, at most ${text(Math.max(...resident))}`,
    },
  ];
}
