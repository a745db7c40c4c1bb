// What the agent is given and what it works on. In: nothing. Out: the types that its parts share.
import type { Logger } from "winston";
import type { Family, Ip, IpvsSettings, Settings } from "../../rules/index.ts";
import type { RunConntrack } from "../conntrack/tool.ts";
import type { Event } from "../events/event.ts";
import type { HealthTracker } from "../health/health-tracker.ts";
import type { HealthPorts } from "../health/health-ports.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { WatchedResource } from "../metrics/own-metrics.ts";
import type { Api } from "../watch/api.ts";
import type { Flows } from "./flows.ts";
import type { History } from "./history.ts";
import type { LastChanges } from "./last-changes.ts";
import type { LookoutSettings } from "./lookout.ts";
import type { Loopback } from "./loopback.ts";
import type { createViews } from "./node-view.ts";
import type { Objects } from "./objects.ts";
import type { Proxier } from "./proxier.ts";

export type AgentSettings = {
  readonly nodeName: string;
  readonly settings: Settings;
  /** In IPVS mode; undefined in iptables mode. */
  readonly ipvs?: IpvsSettings;
  /** How long a real server that goes is left to its connections. Default 900. */
  readonly drainSeconds?: number;
  readonly families: readonly Family[];
  readonly minSyncPeriodSeconds: number;
  /** Only tests have others than the usual times. */
  readonly lookout?: Omit<LookoutSettings, "look">;
  readonly drainLooks?: { readonly soonMs?: number; readonly laterMs?: number };
  /** How often the host's addresses are looked at. Default 20,000. */
  readonly refreshMs?: number;
  /** Nothing is written; each pass's changes are told. */
  readonly dryRun: boolean;
  /** How long a Node without podCIDRs holds everything back where rules need them. Default 300, as in kube-proxy. */
  readonly podCidrWaitSeconds?: number;
};

/** What the agent works with. */
export type Surroundings = {
  readonly api: Api;
  readonly kernel: Kernel;
  /** Its other tools: in IPVS mode, and in iptables mode where the node holds anything of IPVS mode, which then drains and goes. */
  readonly ipvs?: IpvsKernel;
  readonly metrics: Metrics;
  readonly health: HealthTracker;
  readonly healthPorts: HealthPorts;
  readonly log: Logger;
  /** The addresses on the host's interfaces, as they are now. */
  readonly localIps: () => readonly Ip[];
  /** Where the changes of a dry run go. */
  readonly print: (text: string) => void;
  /** Told of what people should see at a Service or the Node. */
  readonly tell: (event: Event) => void;
  /** Called once, after the first good pass. */
  readonly settled?: () => void;
  /** The conntrack tool; undefined where there is none. */
  readonly conntrack: RunConntrack | undefined;
};

/** What passes and repairs work on. */
export type Work = {
  readonly settings: AgentSettings;
  readonly surroundings: Surroundings;
  readonly objects: Objects;
  readonly proxiers: readonly { readonly family: Family; readonly proxier: Proxier }[];
  readonly views: ReturnType<typeof createViews>;
  readonly allowLoopback: Loopback;
  readonly flows: Flows;
  readonly history: History;
  readonly lastChanges: LastChanges;
  /** Up to where each watch has seen everything; "" where a list is needed. */
  readonly resourceVersions: () => Readonly<Record<WatchedResource, string>>;
  /** Changes from before it are in the first list, and say nothing of how long this agent takes. Milliseconds since 1970. */
  readonly startedAt: number;
};
