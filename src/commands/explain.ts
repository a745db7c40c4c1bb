// `rulewright explain`: why a packet fares as it does. In: a question; manifests, a dump, this host, or two of these. Out: the answer; exit 0 answered, 1 problems, 2 trouble.
import { InvalidArgumentError } from "commander";
import type { Logger } from "winston";
import type { Ip } from "../../rules/index.ts";
import { explain as explainPacket } from "../../rules/explain/explain.ts";
import type { ExplainContext, Objects } from "../../rules/explain/context.ts";
import { renderReason } from "../../rules/explain/reason/reason.ts";
import { fromForms, parseFrom, parseTo, toForms, type From, type To } from "../../rules/explain/question.ts";
import { quoted } from "../../rules/problem.ts";
import { defaultRanges, InputError, readDesired, type Desired } from "../desired/desired.ts";
import { wantsColour } from "../output/changes.ts";
import { renderExplanationJson } from "../output/explain-json.ts";
import { renderExplanation } from "../output/explain-text.ts";
import {
  manifestSubject,
  nodeOf,
  readDumpSubject,
  readLiveSubject,
  unknownNode,
  type Subject,
} from "../subject/subject.ts";
import {
  familiesOf,
  inputOf,
  thisHost,
  toDesiredOptions,
  type OptionalInputOptions,
  type VariantOptions,
} from "./options.ts";
import { exit, reportInput } from "./report.ts";

export type ExplainOptions = OptionalInputOptions &
  VariantOptions & {
    readonly from: From;
    readonly to: To;
    /** A file, `-` or `live`. */
    readonly rules?: string;
    readonly inInterface?: string;
    readonly clusterDomain: string;
    readonly output: (typeof explainOutputs)[number];
  };

export const explainOutputs = ["text", "json"] as const;

/** Reads what is given, answers, prints. Throws InputError where the question has no answer. */
export async function explain(options: ExplainOptions, log: Logger): Promise<number> {
  const { context, failed } = await readContext(options, log);
  const { from, to, clusterDomain: zone } = options;
  const explanation = explainPacket({ from, to, zone }, context);
  if (explanation.kind === "refused") throw new InputError(renderReason(explanation.reason));
  process.stdout.write(
    options.output === "json" ? renderExplanationJson(explanation) : renderExplanation(explanation, wantsColour()),
  );
  return failed ? exit.problems : exit.ok;
}

/** `--from` as commander's parser of an argument. */
export function readFrom(text: string): From {
  const from = parseFrom(text);
  if (from === undefined) throw new InvalidArgumentError(`must be one of ${fromForms}.`);
  return from;
}

/** `--to`, likewise. */
export function readTo(text: string): To {
  const to = parseTo(text);
  if (to === undefined) throw new InvalidArgumentError(`must be one of ${toForms}.`);
  return to;
}

type ReadContext = { readonly context: ExplainContext; readonly failed: boolean };

/** What is wanted comes before what is there. Without manifests or dump it is this host that is asked about. */
async function readContext(options: ExplainOptions, log: Logger): Promise<ReadContext> {
  const { nodeAddress = [], ...others } = options;
  const input = inputOf(options.filename === undefined ? others : options);
  const live = options.rules === "live" || (options.rules === undefined && input === undefined);
  const desired =
    input === undefined ? undefined : await readDesired(toDesiredOptions(input), live ? thisHost() : undefined);
  const failed = desired !== undefined && reportInput(desired, log);
  const subjects: Subject[] = desired === undefined ? [] : [manifestSubject(desired)];
  if (live) subjects.push(await readLiveSubject(options.variant));
  else if (options.rules !== undefined)
    subjects.push(
      await readDumpSubject(options.rules, desired === undefined ? addressed(nodeAddress) : nodeOf(desired)),
    );
  const sources = subjects.map((subject) => ofFamilies(subject, options));
  if (sources.every(({ firewalls }) => Object.keys(firewalls).length === 0))
    throw new InputError(`${quoted(subjects[0]?.name)} holds no rules of this family`);
  return {
    context: { sources, objects: desired && objectsOf(desired, options), inInterface: options.inInterface },
    failed,
  };
}

function addressed(localIps: readonly Ip[]): Subject["node"] {
  return { ...unknownNode, localIps };
}

function ofFamilies(
  { name, firewalls, node }: Subject,
  { family = "both" }: ExplainOptions,
): ExplainContext["sources"][number] {
  const kept = familiesOf(family).flatMap((each) =>
    firewalls[each] === undefined ? [] : [[each, firewalls[each]] as const],
  );
  return { name, firewalls: Object.fromEntries(kept), node };
}

/** Ranges that made-up addresses come from are pods' too. */
function objectsOf({ backend, models, pods, node, findings }: Desired, options: ExplainOptions): Objects {
  const ranges = options.podCidr ?? defaultRanges.podCidrs;
  return {
    backend,
    models,
    pods,
    podCidrs: [...node.podCidrs, ...ranges],
    problems: findings,
  };
}
