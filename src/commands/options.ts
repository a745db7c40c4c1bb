// Options that several commands share. In: commander commands and what was typed. Out: typed options, or a clear refusal.
import { hostname, networkInterfaces } from "node:os";
import { InvalidArgumentError, Option, type Command } from "commander";
import { familyOf, parseCidr, parseIp, type Cidr, type Family, type Ip } from "../../rules/index.ts";
import { defaultRanges, InputError, type DesiredOptions, type Host } from "../desired/desired.ts";
import type { Variant } from "../kernel/kernel.ts";

/** What the options of `addInputOptions` come out as. */
export type InputOptions = {
  readonly filename: readonly string[];
  readonly recursive?: true;
  readonly config?: string;
  readonly nodeName?: string;
  readonly nodeAddress?: readonly Ip[];
  readonly family?: FamilyChoice;
  readonly serviceCidr?: readonly Cidr[];
  readonly podCidr?: readonly Cidr[];
  readonly nodePortRange: { readonly low: number; readonly high: number };
};

/** What the options of `addOptionalInputOptions` come out as; `inputOf` makes them `InputOptions` where manifests are named. */
export type OptionalInputOptions = Omit<InputOptions, "filename"> & { readonly filename?: readonly string[] };

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
    serviceCidrs: options.serviceCidr ?? defaultRanges.serviceCidrs,
    podCidrs: options.podCidr ?? defaultRanges.podCidrs,
    nodePorts: options.nodePortRange,
  };
}

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
  ["nodeName", "--node-name"],
  ["nodeAddress", "--node-address"],
  ["serviceCidr", "--service-cidr"],
  ["podCidr", "--pod-cidr"],
] as const;

export function familiesOf(choice: FamilyChoice): readonly Family[] {
  return choice === "both" ? [4, 6] : [choice === "4" ? 4 : 6];
}

/** This machine as the node: its name as kubelet would take it, the addresses on its interfaces. */
export function thisHost(): Host {
  const ips = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ address }) => parseIp(address) ?? []),
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
