// The options of `rulewright run`: its own, and kube-proxy's flags. In: a commander command, what was typed. Out: RunOptions.
import { InvalidArgumentError, Option, type Command } from "commander";
import { flags, type Flag, type FlagGroup, type FlagValue } from "../config/flag-table.ts";
import type { GivenFlags } from "../config/flags.ts";
import { addVariantOption, type VariantOptions } from "./options.ts";

/** What the options come out as; flags that stand for fields of the configuration are read by `givenFlags`. */
export type RunOptions = VariantOptions & {
  readonly config?: string;
  readonly master?: string;
  readonly dryRun?: true;
  readonly cleanup?: boolean;
  readonly initOnly?: boolean;
  readonly writeConfigTo?: string;
  /** Seconds. */
  readonly ipvsDrainTimeout?: number;
  readonly ipvsFallback?: true;
};

/** Adds them all. kube-proxy's flags are in groups of their own in help. */
export function addRunOptions(command: Command): Command {
  addVariantOption(command)
    .option("--config <file>", "a KubeProxyConfiguration, or a ConfigMap that holds one")
    .option("--master <url>", "the API server's URL, over the kubeconfig's")
    .option("--dry-run", "write nothing; show what each pass would change")
    .addOption(switchOption("init-only", "set what only root may set (sysctls), and exit"))
    .addOption(
      switchOption("cleanup", "remove what rulewright or kube-proxy owns on this host, of either mode, and exit"),
    )
    .option("--write-config-to <file>", "write the configuration in force, flags included, and exit; - prints it")
    .addOption(
      new Option(
        "--ipvs-drain-timeout <seconds>",
        "in IPVS mode: how long an endpoint that goes is left to its open connections; 0: not at all (default: --ipvs-tcp-timeout, else 900)",
      ).argParser(readDrainTimeout),
    )
    .option("--ipvs-fallback", "in IPVS mode, where this host cannot serve it: serve iptables mode instead of ending");
  for (const flag of flags) command.addOption(flagOption(flag));
  return command;
}

/** Whole seconds, at most a week. */
function readDrainTimeout(text: string): number {
  const seconds = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(seconds <= 604_800)) throw new InvalidArgumentError("must be a number of seconds, 0 to 604800.");
  return seconds;
}

/** The flags that were given, from what commander made of the options of `addRunOptions`. */
export function givenFlags(options: object): GivenFlags {
  const typed = options as Readonly<Record<string, Typed>>;
  return Object.fromEntries(
    flags.flatMap((flag) => {
      const texts = textsOf(typed[flagOption(flag).attributeName()]);
      return texts.length === 0 ? [] : [[flag.name, texts]];
    }),
  );
}

/** What commander holds for a flag: nothing, `true` for a boolean that stands alone, or what its parser made. */
type Typed = undefined | true | readonly string[];

function textsOf(typed: Typed): readonly string[] {
  return typed === true ? ["true"] : (typed ?? []);
}

const headings: Readonly<Record<FlagGroup, string>> = {
  node: "Fields of the configuration, over --config's; the node and its pods:",
  iptables: "iptables:",
  ipvs: "IPVS, in mode ipvs:",
  conntrack: "Connection tracking:",
  servers: "Ports:",
  client: "API server:",
  logging: "Logging:",
  deprecated: "Deprecated:",
};

const placeholders: Readonly<Record<FlagValue, string>> = {
  text: "<text>",
  duration: "<duration>",
  number: "<number>",
  boolean: "[bool]",
  list: "<list>",
  gates: "<name=bool,...>",
  modules: "<pattern=number,...>",
  port: "<port>",
};

/** Every text that is typed is kept: what it may be is said by the configuration's decoder. */
function flagOption({ name, value, group, about }: Flag): Option {
  // klog's -v=3: commander hands over what follows a short flag with the equals sign.
  const read = (text: string) => (name === "v" ? text.replace(/^=/, "") : text);
  return new Option(`${name === "v" ? "-v, --v" : `--${name}`} ${placeholders[value]}`, about)
    .argParser((text, previous: Typed) => [...textsOf(previous), read(text)])
    .helpGroup(headings[group]);
}

/** On or off as kube-proxy takes it: alone, or with `=true` or `=false`. */
function switchOption(name: string, about: string): Option {
  return new Option(`--${name} [bool]`, about).argParser((text) => {
    if (text !== "true" && text !== "false") throw new InvalidArgumentError("must be true or false.");
    return text === "true";
  });
}
