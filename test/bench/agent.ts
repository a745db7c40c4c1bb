// Row "agent": `rulewright run` in a namespace, beside a fake API server, on the real kernel. In: Scale. Out: Figures of start, change, idle.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startApiProcess, type ApiProcess } from "../support/process.ts";
import type { ApiObject } from "../support/store.ts";
import { clusterCidr, movedIp, sliceObjects, thisNode } from "./cluster.ts";
import { median, type Figure } from "./figure.ts";
import { openPlace, type Place } from "./namespaces.ts";
import { cpuSeconds, memoryMb } from "./proc.ts";
import { sizeOf, sizeText, type Row } from "./row.ts";

export const agent: Row = {
  name: "agent",
  title: "the agent beside an API server",
  needsKernel: true,
  measure: async (scale) =>
    scale === "quick"
      ? measureAt(300, { changes: 5, idleSeconds: 2 })
      : [
          ...(await measureAt(10_000, { changes: 200, idleSeconds: 60, startSeconds: 8, memoryMb: 130 })),
          ...(await measureAt(50_000, { changes: 0, idleSeconds: 0, startSeconds: 25, memoryMb: 400 })),
        ],
};

type Wanted = {
  readonly changes: number;
  readonly idleSeconds: number;
  readonly startSeconds?: number;
  readonly memoryMb?: number;
};

async function measureAt(services: number, wanted: Wanted): Promise<Figure[]> {
  const place = await openPlace();
  const directory = await mkdtemp(join(tmpdir(), "rwbench-agent-"));
  let api: ApiProcess | undefined;
  let run: Run | undefined;
  try {
    const program = [fileURLToPath(import.meta.url), "--api"];
    api = await startApiProcess({ version: "1.36" }, { before: ["ip", "netns", "exec", place.name], program });
    await api.fill(sizeOf(services));
    await writeFile(join(directory, "config.yaml"), config);
    await writeFile(join(directory, "kubeconfig.yaml"), api.kubeconfig());
    const began = performance.now();
    run = startAgent(place, directory);
    await run.says(/^info: IPv4: .*batches/m);
    const startSeconds = (performance.now() - began) / 1000;
    // What starting used is given back within seconds.
    await sleep(15_000);
    const figures = starting(services, wanted, { startSeconds, pid: run.pid });
    if (wanted.changes > 0) figures.push(...(await changing({ place, api, services, changes: wanted.changes })));
    if (wanted.idleSeconds > 0) figures.push(await idling(run.pid, services, wanted.idleSeconds));
    return figures;
  } finally {
    await run?.end();
    await api?.stop();
    await place.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function starting(
  services: number,
  { startSeconds: startTarget, memoryMb: memoryTarget }: Wanted,
  { startSeconds, pid }: { readonly startSeconds: number; readonly pid: number },
): Figure[] {
  const { resident, peak } = memoryMb(pid);
  const name = `agent, ${sizeText(services)}`;
  return [
    {
      name: `${name}: from its start to all rules in the kernel`,
      unit: "s",
      ours: startSeconds,
      ...atMost(startTarget),
    },
    {
      name: `${name}: resident memory after that`,
      unit: "MB",
      ours: resident,
      note: `peak ${peak.toFixed(0)} MB`,
      ...atMost(memoryTarget),
    },
  ];
}

/** From before the API server is told of an endpoint to the kernel's own word that the rule is there. */
async function changing(subject: {
  readonly place: Place;
  readonly api: ApiProcess;
  readonly services: number;
  readonly changes: number;
}): Promise<Figure[]> {
  const { place, api, services, changes } = subject;
  const monitor = watchRules(place);
  const took: number[] = [];
  try {
    // The monitor says nothing when it is ready; the first changes are not counted.
    for (let at = -3; at < changes; at++) {
      const service = (at + 3) * Math.max(1, Math.floor(services / (changes + 3)));
      const began = performance.now();
      const [slice] = sliceObjects(sizeOf(services), service, "moved");
      const seen = monitor.says(`--to-destination ${movedIp(service)}:`);
      await api.set(slice as ApiObject);
      await seen;
      if (at >= 0) took.push(performance.now() - began);
      await sleep(100);
    }
  } finally {
    monitor.end();
  }
  const sorted = took.toSorted((a, b) => a - b);
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
  const name = `agent, one endpoint changes, ${sizeText(services)}: from the API server to the kernel`;
  return [
    { name: `${name}, median`, unit: "ms", ours: median(took), target: { kind: "at-most", value: 60 } },
    { name: `${name}, p99`, unit: "ms", ours: p99, target: { kind: "at-most", value: 200 } },
  ];
}

/** Of the agent and of all programs that it ran and that ended. */
async function idling(pid: number, services: number, seconds: number): Promise<Figure> {
  const before = cpuSeconds(pid);
  await sleep(seconds * 1000);
  const percent = ((cpuSeconds(pid) - before) / seconds) * 100;
  return {
    name: `agent, ${sizeText(services)}: idle, read-back included`,
    unit: "% of a core",
    ours: percent,
    note: `over ${seconds} s`,
    target: { kind: "at-most", value: 1 },
  };
}

/** An agent that runs. */
export type Run = {
  readonly pid: number;
  /** Waits until its log matches. Rejects when it ends first. */
  readonly says: (line: RegExp) => Promise<void>;
  readonly end: () => Promise<void>;
};

/** Starts the built one in the place; the directory holds its `config.yaml` and `kubeconfig.yaml`. */
export function startAgent(place: Place, directory: string): Run {
  const args = ["--config", join(directory, "config.yaml"), "--kubeconfig", join(directory, "kubeconfig.yaml")];
  const child = spawn(
    "ip",
    [
      "netns",
      "exec",
      place.name,
      process.execPath,
      ...agentNodeArgs,
      "dist/rulewright.js",
      "run",
      "--variant",
      "nft",
    ].concat(args, ["--hostname-override", thisNode]),
    { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...agentEnv } },
  );
  const said = listen(child, "stderr");
  return {
    pid: child.pid ?? 0,
    says: (line) => said.until((text) => line.test(text)),
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
    },
  };
}

/** As the image starts it. */
const agentNodeArgs = ["--max-semi-space-size=8", "--v8-pool-size=1"];
const agentEnv = { MALLOC_ARENA_MAX: "1" };

/** What the kernel says of each rule that comes. Source: xtables-monitor(8). */
function watchRules(place: Place): { readonly says: (text: string) => Promise<void>; readonly end: () => void } {
  const child = spawn("ip", ["netns", "exec", place.name, "stdbuf", "-oL", "xtables-monitor", "--event", "-4"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said = listen(child, "stdout");
  return { says: (wanted) => said.until((text) => text.includes(wanted)), end: () => void child.kill("SIGKILL") };
}

function listen(child: ChildProcess, stream: "stdout" | "stderr") {
  let text = "";
  const heard = new Set<() => void>();
  const tell = () => {
    for (const each of heard) each();
  };
  child[stream]?.setEncoding("utf8").on("data", (more: string) => {
    text += more;
    tell();
  });
  child.once("exit", tell);
  return {
    until: (isThere: (text: string) => boolean): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (isThere(text)) resolve();
          else if (child.exitCode === null && child.signalCode === null) return;
          else reject(new Error(`bench: it ended and had said:\n${text.slice(-3000)}`));
          heard.delete(look);
        };
        heard.add(look);
        look();
      }),
  };
}

function atMost(value: number | undefined): { readonly target?: Figure["target"] & object } {
  return value === undefined ? {} : { target: { kind: "at-most", value } };
}

/** Its configuration, for the cluster of `cluster.ts`. */
export const config = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: ${clusterCidr}
iptables: { minSyncPeriod: 1ms }
`;
