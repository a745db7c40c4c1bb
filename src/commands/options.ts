// Options that several commands share. In: commander commands and what was typed. Out: typed options, or a clear refusal.
import { hostname, networkInterfaces } from "node:os";
import { InvalidArgumentError, Option, type Command } from "commander";
import { familyOf, parseCidr, parseIp, serviceDevice, type Cidr, type Family, type Ip } from "../../rules/index.ts";
import { defaultRanges, InputError, type DesiredOptions, type Host } from "../desired/desired.ts";
import type { Backend } from "../config/settings.ts";
import type { Variant } from "../kernel/kernel.ts";

/** What the options of `addInputOptions` come out as. */
export type InputOptions = {
  readonly filename: readonly string[];
  readonly recursive?: true;
  readonly config?: string;
  readonly backend?: Backend;
  readonly nodeName?: string;
  readonly nodeAddress?: readonly Ip[];
  readonly family?: FamilyChoice;
  readonly serviceCidr?: readonly Cidr[];
  readonly podCidr?: readonly Cidr[];
  readonly nodePortRange: { readonly low: number; readonly high: number };
};

/** What the options of `addOptionalInputOptions` come out as; `inputOf` makes them `InputOptions` where manifests are named. */
export type OptionalInputOptions = Omit<InputOptions, "filename"> & { readonly filename?: readonly string[] };

/** What the options of `addClusterOptions` come out as. */
export type ClusterOptions = {
  readonly fromCluster?: true;
  readonly kubeconfig?: string;
  readonly record?: string;
};

/** Where the objects come from that rules are made of. */
export type ObjectSource =
  | { readonly kind: "manifests"; readonly options: DesiredOptions }
  | {
      readonly kind: "cluster";
      readonly options: DesiredOptions;
      readonly kubeconfig: string | undefined;
      readonly record: { readonly folder: string; readonly families: readonly Family[] } | undefined;
    };

export type FamilyChoice = "4" | "6" | "both";

/** What `--variant` comes out as: nothing for the one that the node uses. */
export type VariantOptions = { readonly variant?: Variant };

/** Options that say which rules are wanted: manifests, configuration, node. */
export function addInputOptions(command: Command): Command {
  return addManifestOptions(command, manifestOption().makeOptionMandatory());
}

/** The same for a command that can do without manifests. */
export function addOptionalInputOptions(command: Command): Command {
  return addManifestOptions(command, manifestOption());
}

function manifestOption(): Option {
  return new Option(
    "-f, --filename <path>",
    "manifests: a file, a directory, or - for standard input (repeatable)",
  ).argParser(collect);
}

function addManifestOptions(command: Command, filename: Option): Command {
  return addSettingsOptions(command.addOption(filename));
}

/** The same for a command whose arguments name the manifests. */
export function addSettingsOptions(command: Command): Command {
  return command
    .option("-R, --recursive", "read directories in directories too")
    .option("--config <file>", "a KubeProxyConfiguration, or a ConfigMap that holds one")
    .addOption(
      new Option(
        "--backend <backend>",
        "what serves Services (default: the configuration's mode, else iptables)",
      ).choices(["iptables", "ipvs"]),
    )
    .option("--node-name <name>", "the node to make rules for, as endpoints name it")
    .option("--node-address <ip>", "an address on the node's interfaces (repeatable)", collectWith(readIp))
    .addOption(familyOption())
    .option(
      "--service-cidr <cidr>",
      `where made-up cluster IPs are taken from (repeatable; default: ${defaultRanges.serviceCidrs.join(", ")})`,
      collectWith(readCidr),
    )
    .option(
      "--pod-cidr <cidr>",
      `where made-up endpoint addresses are taken from (repeatable; default: ${defaultRanges.podCidrs.join(", ")})`,
      collectWith(readCidr),
    )
    .addOption(
      new Option("--node-port-range <low-high>", "where made-up node ports are taken from")
        .argParser(readRange)
        .default(defaultRanges.nodePorts, "30000-32767"),
    );
}

/** Options for a command that takes a live cluster's objects in the place of manifests. */
export function addClusterOptions(command: Command): Command {
  return command
    .option("--from-cluster", "take the objects from a cluster's API server, in the place of -f")
    .option(
      "--kubeconfig <file>",
      "with --from-cluster: where the API server is (default: KUBECONFIG, ~/.kube/config, a Pod's service account)",
    );
}

/** For `plan`: what was read of a cluster may be kept. */
export function addRecordOption(command: Command): Command {
  return command.option(
    "--record <directory>",
    "with --from-cluster: keep what was read as a golden case, in a new or empty directory",
  );
}

export function familyOption(): Option {
  return new Option("--family <family>", "IP family").choices(["4", "6", "both"]);
}

export function addVariantOption(command: Command): Command {
  const option = new Option(
    "--variant <variant>",
    "which iptables the rules are for (default: on a host the one that kubelet uses, else nft)",
  );
  return command.addOption(option.choices(["nft", "legacy"]));
}

/** The shared options as the next stage takes them; ranges that were not given get kubeadm's usual ones. */
export function toDesiredOptions(options: InputOptions): DesiredOptions {
  return {
    files: options.filename,
    recursive: options.recursive === true,
    configFile: options.config,
    nodeName: options.nodeName,
    nodeAddresses: options.nodeAddress ?? [],
    families: familiesOf(options.family ?? "both"),
    backend: options.backend,
    serviceCidrs: options.serviceCidr ?? defaultRanges.serviceCidrs,
    podCidrs: options.podCidr ?? defaultRanges.podCidrs,
    nodePorts: options.nodePortRange,
  };
}

/** Manifests or a cluster, whichever is named. Throws InputError for both, neither, and options that say nothing about the one named. */
export function sourceOf(options: OptionalInputOptions & ClusterOptions): ObjectSource {
  const { filename, fromCluster, kubeconfig, record, family } = options;
  if (fromCluster !== true) {
    const idle = clusterOnly.find(([name]) => options[name] !== undefined);
    if (idle !== undefined)
      throw new InputError(`${idle[1]} is about a cluster: give --from-cluster too, or leave it out`);
    if (filename === undefined)
      throw new InputError("nothing to make rules of: give -f with manifests, or --from-cluster");
    return { kind: "manifests", options: toDesiredOptions({ ...options, filename }) };
  }
  if (filename !== undefined) throw new InputError("-f and --from-cluster exclude each other: give one of them");
  const idle = placeholderOnly.find(([name]) => options[name] !== undefined && options[name] !== unsaid[name]);
  if (idle !== undefined)
    throw new InputError(
      `${idle[1]} is about manifests, and a cluster's objects lack nothing: leave it out with --from-cluster`,
    );
  return {
    kind: "cluster",
    options: { ...toDesiredOptions({ ...options, filename: [] }), placeholders: "none" },
    kubeconfig,
    record:
      record === undefined ? undefined : { folder: record, families: family === undefined ? [] : familiesOf(family) },
  };
}

const clusterOnly = [
  ["kubeconfig", "--kubeconfig"],
  ["record", "--record"],
] as const;

const placeholderOnly = [
  ["recursive", "--recursive"],
  ["serviceCidr", "--service-cidr"],
  ["podCidr", "--pod-cidr"],
  ["nodePortRange", "--node-port-range"],
] as const;

/** What an option is where nobody gave it: the very object, so that the same range given is told from it. */
const unsaid: Readonly<Partial<Record<(typeof placeholderOnly)[number][0], object>>> = {
  nodePortRange: defaultRanges.nodePorts,
};

/** The shared options where manifests are named; undefined where none are. Throws InputError for one that says nothing without them. */
export function inputOf(options: OptionalInputOptions): InputOptions | undefined {
  const { filename } = options;
  if (filename !== undefined) return { ...options, filename };
  const idle = manifestsOnly.find(([name]) => options[name] !== undefined);
  if (idle !== undefined) throw new InputError(`${idle[1]} is about manifests: give -f too, or leave it out`);
  return undefined;
}

const manifestsOnly = [
  ["recursive", "--recursive"],
  ["config", "--config"],
  ["backend", "--backend"],
  ["nodeName", "--node-name"],
  ["nodeAddress", "--node-address"],
  ["serviceCidr", "--service-cidr"],
  ["podCidr", "--pod-cidr"],
] as const;

export function familiesOf(choice: FamilyChoice): readonly Family[] {
  return choice === "both" ? [4, 6] : [choice === "4" ? 4 : 6];
}

/** This machine as the node: its name as kubelet would take it, the addresses on its interfaces, those of Services (IPVS mode) apart. */
export function thisHost(): Host {
  const ips = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    name === serviceDevice ? [] : (addresses ?? []).flatMap(({ address }) => parseIp(address) ?? []),
  );
  return { name: hostname().toLowerCase(), ips: ips.sort((a, b) => rank(a) - rank(b)) };
}

/** Loopback and link-local addresses last: the first of a family stands for the node. */
function rank(ip: Ip): number {
  return familyOf(ip) === 4 ? Number(ip.startsWith("127.")) : ip === "::1" || ip.startsWith("fe80") ? 1 : 0;
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function collectWith<T>(read: (value: string) => T): (value: string, previous?: readonly T[]) => readonly T[] {
  return (value, previous = []) => [...previous, read(value)];
}

function readIp(value: string): Ip {
  const ip = parseIp(value);
  if (ip === undefined) throw new InvalidArgumentError("must be an IPv4 or IPv6 address.");
  return ip;
}

function readCidr(value: string): Cidr {
  const cidr = parseCidr(value);
  if (cidr === undefined) throw new InvalidArgumentError("must be ADDRESS/LENGTH, e.g. 10.96.0.0/12.");
  return cidr;
}

function readRange(value: string): { low: number; high: number } {
  const found = /^(\d{1,5})-(\d{1,5})$/.exec(value);
  const [low, high] = [Number(found?.[1]), Number(found?.[2])];
  if (found === null || low < 1 || high > 65535 || low > high)
    throw new InvalidArgumentError("must be LOW-HIGH, e.g. 30000-32767.");
  return { low, high };
}
