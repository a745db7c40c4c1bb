// An agent in this process between a fake API server and a kernel in memory. In: settings and objects. Out: it, and all that it says and does.
import type { Logger } from "winston";
import { startAgent, type Agent, type AgentSettings } from "../../../src/agent/agent.ts";
import type { HealthPorts } from "../../../src/health/health-ports.ts";
import { createHealthTracker } from "../../../src/health/health-tracker.ts";
import { createMetrics } from "../../../src/metrics/metrics.ts";
import type { FakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";
import { someSettings } from "../../make/node.ts";
import type { Ip } from "../../../rules/index.ts";
import { anIp } from "../../make/objects.ts";
import type { ApiObject } from "../../support/store.ts";
import { readExposition } from "../metrics/exposition.ts";
import { anApi, aServer, stopAll, until } from "../watch/harness.ts";
import { aKernel, rulesIn, type Refusal } from "./a-kernel.ts";

const agents: Agent[] = [];

/** Ends all agents that tests of this file started, and their servers. */
export async function stopAgents(): Promise<void> {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await stopAll();
}

/** Objects as the API has them; the first letter of a name makes the address. */
export const service = (name: string, spec: object = {}): ApiObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: { clusterIP: `10.96.0.${name.charCodeAt(0)}`, ports: [{ name: "http", port: 80, protocol: "TCP" }], ...spec },
});
export const slice = (name: string, ip = `10.1.0.${name.charCodeAt(0)}`, annotations: object = {}): ApiObject => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": name }, annotations },
  addressType: ip.includes(":") ? "IPv6" : "IPv4",
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  endpoints: [{ addresses: [ip], nodeName: "here", conditions: { ready: true } }],
});
export const node = (podCIDR: string): ApiObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "here" },
  spec: { podCIDR },
  status: { addresses: [{ type: "InternalIP", address: "192.168.0.2" }] },
});
/** Of a Service that has only IPv6. */
export const sixes = { clusterIP: "fd00:96::1", ipFamilies: ["IPv6"] };

type Given = {
  readonly settings?: Partial<AgentSettings>;
  readonly refusal?: Partial<Refusal>;
  readonly objects?: readonly ApiObject[];
  readonly version?: "1.30" | "1.36";
  readonly localIps?: () => readonly Ip[];
  /** The kernel's other tools; its packet filter is then the kernel. */
  readonly ipvs?: FakeIpvsKernel;
};

/** An agent on the node `here`, and all that it says and does. */
export async function anAgent({
  localIps = () => ["192.168.0.2", "127.0.0.1"].map(anIp),
  settings = {},
  refusal = {},
  objects = [service("a"), slice("a")],
  version = "1.30",
  ipvs,
}: Given = {}) {
  const server = await aServer({ version });
  if (objects.length > 0) await server.set(...objects);
  const kernel = aKernel(refusal);
  const metrics = createMetrics({ version: "1", families: [4, 6] });
  const health = createHealthTracker({ timeoutSeconds: 60 });
  const log: string[] = [];
  const printed: string[] = [];
  const uids: (string | undefined)[] = [];
  const reasons: string[] = [];
  const ports: [number, number][][] = [];
  const healthPorts: HealthPorts = {
    syncHealthPorts: (wanted) => {
      ports.push([...wanted].map(([port, { localEndpoints }]) => [port, localEndpoints]));
      return Promise.resolve([]);
    },
    stop: () => Promise.resolve(),
  };
  const keep = (level: string) => (text: string) => log.push(`${level}: ${text}`);
  const start = () => {
    const agent = startAgent(
      {
        ...{ nodeName: "here", settings: someSettings(), families: [4, 6], minSyncPeriodSeconds: 0 },
        ...{ refreshMs: 3_600_000, dryRun: false },
        ...settings,
      },
      {
        ...{ api: anApi(server), kernel: ipvs?.rules ?? kernel, metrics, health, healthPorts },
        ...(ipvs && { ipvs }),
        log: { error: keep("error"), warn: keep("warn"), info: keep("info"), debug: () => 0 } as unknown as Logger,
        localIps,
        print: (text) => printed.push(text),
        tell: ({ regarding, reason }) => {
          reasons.push(`${reason} ${regarding.kind} ${regarding.name}`);
          if (regarding.kind === "Service") uids.push(regarding.uid);
        },
        conntrack: undefined,
      },
    );
    agents.push(agent);
    return agent;
  };
  return {
    ...{ server, kernel, health, log, printed, ports, uids, reasons, start },
    series: async () => readExposition(await metrics.render()).series,
    /** Waits until the rules of a family hold that text, or do not. */
    holds: (text: string, family: 4 | 6 = 4) => until(async () => (await rulesIn(kernel, family)).includes(text)),
    lacks: (text: string, family: 4 | 6 = 4) => until(async () => !(await rulesIn(kernel, family)).includes(text)),
  };
}
