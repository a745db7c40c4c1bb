// From what the command line names to the state that is wanted. In: DesiredOptions. Out: Desired, one build per family, and all problems.
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import {
  buildCluster,
  buildIpvs,
  buildIpvsNode,
  buildModel,
  buildRuleset,
  buildView,
  defaultScheduler,
  defaultSettings,
  findIpvsProblems,
  findProblems,
  resolve,
  type Build,
  type Cidr,
  type Family,
  type Ip,
  type IpvsBuild,
  type IpvsSettings,
  type Model,
  type Node,
  type NodeView,
  type Placeholder,
  type Problem,
  type Settings,
} from "../../rules/index.ts";
import type { Pod } from "../../rules/decode/pod.ts";
import type { OfflineObjects, Resolved } from "../../rules/offline/resolve.ts";
import { loadConfiguration, renderLocatedProblem } from "../config/load.ts";
import { backendOf, nodeNameOf, toIpvsSettings, toSettings, toTimeouts, type Backend } from "../config/settings.ts";
import { loadSources, type Loaded } from "../manifest/load.ts";
import { renderLocated, type LocatedProblem } from "../manifest/located.ts";
import { readSources, type Read } from "../manifest/read.ts";

/** What the command line says about the rules that are wanted. */
export type DesiredOptions = {
  /** Files, directories, `-`. */
  readonly files: readonly string[];
  readonly recursive: boolean;
  readonly configFile: string | undefined;
  readonly nodeName: string | undefined;
  readonly nodeAddresses: readonly Ip[];
  readonly families: readonly Family[];
  readonly serviceCidrs: readonly Cidr[];
  readonly podCidrs: readonly Cidr[];
  readonly nodePorts: { readonly low: number; readonly high: number };
  /** Undefined: the configuration's mode, else iptables. */
  readonly backend?: Backend | undefined;
  /** `none`: objects count as they are, as a cluster's do, and what they lack is not made up. */
  readonly placeholders?: "none" | undefined;
};

/** Where made-up values come from unless something else is said: kubeadm's usual ranges. */
export const defaultRanges = {
  serviceCidrs: ["10.96.0.0/12", "fd00:10:96::/112"] as Cidr[],
  podCidrs: ["10.244.0.0/16", "fd00:10:244::/64"] as Cidr[],
  nodePorts: { low: 30000, high: 32767 },
} as const;

/** The node that rules are made on, where they are made on one: stands in for what no option and no Node object says. */
export type Host = { readonly name: string; readonly ips: readonly Ip[] };

export type Desired = {
  readonly backend: Backend;
  /** Of each family. */
  readonly models: readonly Model[];
  /** In iptables mode one for each family, else none. */
  readonly builds: readonly Build[];
  /** In IPVS mode one for each family, else none. */
  readonly ipvsBuilds: readonly IpvsBuild[];
  /** The configuration's `ipvs.strictARP`, which is a matter of kernel settings. */
  readonly strictArp: boolean;
  /** Of connections through virtual servers. */
  readonly timeouts: ReturnType<typeof toTimeouts>;
  readonly node: NodeView;
  readonly settings: Settings;
  readonly placeholders: readonly Placeholder[];
  /** One line each, `file:line:column: object field: text`, in the order in which the stages found them. */
  readonly problems: readonly ReportedProblem[];
  /** The same findings about objects before they were made lines, for those who look for one about a certain object. */
  readonly findings: readonly Problem[];
  readonly pods: readonly Pod[];
  /** Objects of kinds that no rule depends on. */
  readonly skipped: ReadonlyMap<string, number>;
};

export type ReportedProblem = { readonly severity: "error" | "warning"; readonly code: string; readonly line: string };

/** An option or file that nothing can be done without is wrong. */
export class InputError extends Error {
  override name = "InputError";
}

/** Reads configuration and manifests and builds the ruleset of each family. Throws InputError, ManifestReadError. */
export async function readDesired(options: DesiredOptions, host?: Host): Promise<Desired> {
  const read = await readSources(options.files, { recursive: options.recursive, stdin: process.stdin });
  const config =
    options.configFile === undefined
      ? undefined
      : { name: options.configFile, text: await readText(options.configFile) };
  return buildDesired({ read, config }, options, host);
}

/** The part of `readDesired` after the files are read. */
export function buildDesired(
  given: { readonly read: Read; readonly config: { readonly name: string; readonly text: string } | undefined },
  options: DesiredOptions,
  host?: Host,
): Desired {
  const { read, config } = given;
  const loaded = loadSources(read.sources);
  const problems = [...read.problems, ...loaded.problems];
  return buildFromObjects({ loaded: { ...loaded, problems }, sources: read.sources, config }, options, host);
}

/** Objects, wherever they come from; `sources` are the files that their problems stand in, in the order in which these are told. */
export type GivenObjects = {
  readonly loaded: Loaded;
  readonly sources: Read["sources"];
  readonly config: { readonly name: string; readonly text: string } | undefined;
};

/** The part of `buildDesired` after the manifests are decoded. Throws InputError for a configuration with an error. */
export function buildFromObjects(
  { loaded, sources, config }: GivenObjects,
  options: DesiredOptions,
  host?: Host,
): Desired {
  const read = readSettings(config);
  const { settings, ipvs, strictArp, timeouts, backend: configured, nodeName, problems: configProblems } = read;
  const resolved = options.placeholders === "none" ? asTheyAre(loaded.objects) : resolve(loaded.objects, options);
  const node = findNode(resolved.nodes, { options, nodeName, host });
  const cluster = buildCluster(resolved.services, resolved.slices);
  const backend = options.backend ?? configured;
  const models = options.families.map((family) => buildModel(cluster, buildView(node, settings, family)));
  const builds = backend === "iptables" ? models.map((model) => buildRuleset(model)) : [];
  const ipvsBuilds =
    backend === "ipvs" ? models.map((model) => buildIpvs(model, buildIpvsNode(node, ipvs, model.view))) : [];
  const later = [
    ...resolved.problems,
    ...models
      .flatMap((model) => findProblems(model))
      .filter(({ code }) => backend === "iptables" || code !== openRanges),
    ...ipvsBuilds.flatMap((build) => findIpvsProblems(build)),
  ];
  const located = [...loaded.problems, ...later.map(loaded.locate)];
  const problems = byPlace(located, sources).map((each) => ({
    severity: each.problem.severity,
    code: each.problem.code,
    line: renderLocated(each),
  }));
  return {
    backend,
    models,
    builds,
    ipvsBuilds,
    strictArp,
    timeouts,
    node,
    settings,
    placeholders: resolved.placeholders,
    problems: [...configProblems, ...unique(problems)],
    findings: later,
    pods: loaded.objects.pods,
    skipped: loaded.skipped,
  };
}

/** What a finding of iptables mode is called that IPVS mode has another for. */
const openRanges = "source-ranges-of-other-family";

function asTheyAre({ services, slices, nodes }: OfflineObjects): Resolved {
  return { services, slices, nodes, placeholders: [], problems: [] };
}

/** In the order of the files and, in each, of lines; what has no place comes last. */
function byPlace(problems: readonly LocatedProblem[], sources: Read["sources"]): LocatedProblem[] {
  const order = new Map(sources.map(({ name }, index) => [name, index]));
  const rank = ({ source }: LocatedProblem) =>
    source === undefined ? [Infinity, 0, 0] : [order.get(source.file) ?? Infinity, source.line, source.column];
  return problems.toSorted((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const at = left.findIndex((value, index) => value !== right[index]);
    return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
  });
}

/** The text of a file that an option names; `-` is standard input. Throws InputError. */
export async function readText(file: string): Promise<string> {
  try {
    return file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
  } catch (error) {
    throw new InputError(
      `cannot read ${JSON.stringify(file)}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** A configuration's settings, the node's name in it, and what is to say about it. */
export type ReadSettings = {
  readonly settings: Settings;
  readonly ipvs: IpvsSettings;
  readonly strictArp: boolean;
  readonly timeouts: ReturnType<typeof toTimeouts>;
  readonly backend: Backend;
  readonly nodeName: string | undefined;
  readonly problems: readonly ReportedProblem[];
};

/**
 * A configuration's settings; without one the defaults. Throws InputError for one with an error, which stops everything: it holds for all
 * Services, so there is no good part to go on with.
 */
export function readSettings(config: { readonly name: string; readonly text: string } | undefined): ReadSettings {
  if (config === undefined) return { ...withoutConfiguration, nodeName: undefined, problems: [] };
  const loaded = loadConfiguration(config.text);
  const problems = loaded.problems.map((located) => ({
    severity: located.problem.severity,
    code: located.problem.code,
    line: renderLocatedProblem(config.name, located),
  }));
  if (loaded.config === undefined) throw new InputError(problems.map(({ line }) => line).join("\n"));
  return {
    settings: toSettings(loaded.config),
    ipvs: toIpvsSettings(loaded.config),
    strictArp: loaded.config.ipvs.strictArp,
    timeouts: toTimeouts(loaded.config),
    backend: backendOf(loaded.config),
    nodeName: nodeNameOf(loaded.config),
    problems,
  };
}

const withoutConfiguration = {
  settings: defaultSettings,
  ipvs: { scheduler: defaultScheduler, excludeCidrs: [] },
  strictArp: false,
  timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
  backend: "iptables" as const,
};

type NodeSources = {
  readonly options: DesiredOptions;
  readonly nodeName: string | undefined;
  readonly host: Host | undefined;
};

/** The node's name: option, configuration, this host, or the only Node there is. Its addresses: options, this host, the Node object. */
function findNode(nodes: readonly Node[], { options, nodeName, host }: NodeSources): NodeView {
  const [only, ...others] = nodes;
  const name = options.nodeName ?? nodeName ?? host?.name ?? (others.length === 0 ? only?.name : undefined);
  const node = nodes.find((candidate) => candidate.name === name);
  const known = node?.addresses ?? [];
  const ips = options.nodeAddresses.length > 0 ? options.nodeAddresses : (host?.ips ?? known);
  const primary = known.length > 0 ? known : ips;
  const loopback = ["127.0.0.1", "::1"] as Ip[];
  return {
    name,
    zone: node?.zone,
    podCidrs: node?.podCidrs ?? [],
    primaryIps: ([4, 6] as const).flatMap(
      (family) => primary.find((ip) => (ip.includes(":") ? 6 : 4) === family) ?? [],
    ),
    localIps: [...new Set([...loopback, ...ips])],
  };
}

/** A finding that both families' models make is one finding. */
function unique(problems: readonly ReportedProblem[]): ReportedProblem[] {
  return [...new Map(problems.map((problem) => [problem.line, problem])).values()];
}

/** Whether the build serves anything at all. */
export function servesSomething({ model }: Pick<Build | IpvsBuild, "model">): boolean {
  return model.services.size > 0;
}
