// `rulewright compare`: would anything change. In: two of manifests, dump, this host. Out: every difference in fate; exit 0 none, 1 some, 2 trouble.
import { basename } from "node:path";
import { setFlagsFromString } from "node:v8";
import type { Logger } from "winston";
import { compareRulesets } from "../../rules/compare/compare.ts";
import { looksLikeFirewall } from "../../rules/trace/firewall.ts";
import { buildDesired, InputError, readText, type DesiredOptions, type Host } from "../desired/desired.ts";
import type { Backend } from "../config/settings.ts";
import { readSources, type Read } from "../manifest/read.ts";
import { renderCompareJson } from "../output/compare-json.ts";
import { renderCompareText, type ComparedFamily, type SideNames } from "../output/compare-text.ts";
import { quoted } from "../../rules/problem.ts";
import { buildSides } from "../subject/sides.ts";
import { dumpSubject, readLiveSubject, unknownNode, wantedSubject, type Subject } from "../subject/subject.ts";
import { familiesOf, thisHost, toDesiredOptions, type OptionalInputOptions, type VariantOptions } from "./options.ts";
import { exit, reportInput } from "./report.ts";

export type CompareOptions = Omit<OptionalInputOptions, "filename"> &
  VariantOptions & {
    readonly a: string;
    readonly b: string;
    /** Of side b alone. */
    readonly backendB?: Backend;
    readonly output: (typeof compareOutputs)[number];
  };

export const compareOutputs = ["text", "json"] as const;

/** Reads both sides, traces every class of packets through both, prints where they part. */
export async function compare(options: CompareOptions, log: Logger): Promise<number> {
  // Tracing leaves much behind and keeps little: with V8's own pace the heap of a large cluster grows to thrice what it needs (measured).
  setFlagsFromString("--heap-growing-percent=60");
  if (options.a === options.b && (options.a === "live" || options.a === "-"))
    throw new InputError(`${options.a} stands on both sides: give two different things`);
  const host = [options.a, options.b].includes("live") ? thisHost() : undefined;
  const { backendB = options.backend, ...common } = options;
  const ofB = backendB === undefined ? common : { ...common, backend: backendB };
  const [a, b] = [await readSide(options.a, common, host), await readSide(options.b, ofB, host)];
  for (const [option, side] of unusedBackends(options, { a, b }))
    throw new InputError(`${option} is about manifests, and ${quoted(side.name)} is none: leave it out`);
  const failed = [a, b].map(({ desired }) => desired !== undefined && reportInput(desired, log));
  const wanted = familiesOf(options.family ?? "both");
  const families = buildSides(a, b).filter(({ family }) => wanted.includes(family));
  for (const family of wanted)
    if (!families.some((each) => each.family === family)) log.info(`IPv${family} is left out: not both sides have it`);
  if (families.length === 0) throw new InputError("there is no IP family of which both sides have rules");
  const compared = families.map(({ family, sides, settings }): ComparedFamily => ({
    family,
    comparison: compareRulesets(sides, settings),
  }));
  const names = sideNames({ a, b }, options);
  process.stdout.write(
    options.output === "json" ? renderCompareJson(names, compared) : renderCompareText(names, compared),
  );
  if (failed.includes(true)) return exit.trouble;
  return compared.some(({ comparison }) => comparison.differences.length > 0) ? exit.differences : exit.ok;
}

/** Backends that are asked for where nothing is built. */
function unusedBackends({ backend, backendB }: CompareOptions, { a, b }: Pair): (readonly [string, Subject])[] {
  if (backendB !== undefined && b.desired === undefined) return [["--backend-b", b]];
  return backend !== undefined && a.desired === undefined && b.desired === undefined ? [["--backend", a]] : [];
}

type Pair = { readonly a: Subject; readonly b: Subject };

/** The same manifests on both sides are told apart by their modes. */
function sideNames({ a, b }: Pair, options: Pick<CompareOptions, "a" | "b">): SideNames {
  const names = { a: nameOf(a, options.a), b: nameOf(b, options.b) };
  const [one, other] = [a.desired?.backend, b.desired?.backend];
  if (names.a !== names.b || one === undefined || other === undefined || one === other) return shortNames(names);
  return { a: `${basename(names.a)} (${one})`, b: `${basename(names.b)} (${other})` };
}

/** Without their folders where that tells them apart. */
function shortNames({ a, b }: SideNames): SideNames {
  const short = { a: basename(a), b: basename(b) };
  return short.a === short.b ? { a, b } : short;
}

function nameOf({ name }: Subject, given: string): string {
  return given === "-" ? "standard input" : name;
}

async function readSide(given: string, options: CompareOptions, host: Host | undefined): Promise<Subject> {
  if (given === "live") return readLiveSubject(options.variant);
  const read = await readSources([given], { recursive: options.recursive === true, stdin: process.stdin });
  const [only, ...more] = read.sources;
  const desired = toDesiredOptions({ ...options, filename: [given] });
  if (only !== undefined && more.length === 0 && looksLikeFirewall(only.text)) {
    const { nodeAddresses } = desired;
    return dumpSubject({ name: given, text: only.text }, { ...unknownNode, localIps: nodeAddresses });
  }
  return wantedSubject(given, await readWanted(read, desired, host));
}

async function readWanted(read: Read, options: DesiredOptions, host: Host | undefined) {
  const { configFile } = options;
  const config = configFile === undefined ? undefined : { name: configFile, text: await readText(configFile) };
  return buildDesired({ read, config }, options, host);
}
