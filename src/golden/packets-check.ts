// Checks a case's table of packets. In: GoldenCase, the texts that it gives. Out: RowFinding[], one for each row that fails.
import type { ExplainContext } from "../../rules/explain/context.ts";
import { explain, type ProbeAnswer } from "../../rules/explain/explain.ts";
import { place, type Case } from "../../rules/explain/outcomes.ts";
import type { Reason } from "../../rules/explain/reason/reason.ts";
import type { Family } from "../../rules/net/ip.ts";
import { never } from "../../rules/never.ts";
import type { End } from "../../rules/trace/end.ts";
import { parseFirewalls, type Firewall } from "../../rules/trace/firewall.ts";
import { buildDesired } from "../desired/desired.ts";
import { nodeOf } from "../subject/subject.ts";
import { rulesFile, type ExpectedTexts } from "./expected-file.ts";
import type { GoldenCase } from "./load.ts";
import type { Expected, PacketRow } from "./packets-decode.ts";
import { toDesiredOptions } from "./render.ts";

/** A row that does not hold. */
export type RowFinding = { readonly kind: "packet"; readonly row: PacketRow; readonly fault: RowFault };

export type RowFault =
  /** No packet can be sent, or the case has no rules for it; `because` may be empty where nothing tells why. */
  | { readonly kind: "not-asked"; readonly because: readonly Reason[] }
  /** `failing` of so many `packets` fare otherwise, or do so under some answers to what is not known; at least one. */
  | { readonly kind: "otherwise"; readonly failing: readonly ProbeAnswer[]; readonly packets: number }
  /** Endpoints are listed of a family in which the row sends nothing. */
  | { readonly kind: "never-sent"; readonly endpoints: readonly string[] };

/**
 * Traces every row through the rules in `texts`, so that lines in a finding are those of the case's own files. Only families that
 * have such a file are asked about.
 */
export function checkPackets({ packets, ...loaded }: GoldenCase, texts: ExpectedTexts): readonly RowFinding[] {
  if (packets.length === 0) return [];
  const context = buildContext(loaded, texts);
  return packets.flatMap((row): RowFinding[] => {
    const fault = findFault(row, { ...context, inInterface: row.inInterface });
    return fault === undefined ? [] : [{ kind: "packet", row, fault }];
  });
}

function buildContext(loaded: Omit<GoldenCase, "packets">, texts: ExpectedTexts): ExplainContext {
  const options = toDesiredOptions(loaded.node);
  const desired = buildDesired(loaded, options);
  const firewalls: Partial<Record<Family, Firewall>> = {};
  for (const family of [4, 6] as const) {
    const text = texts.get(rulesFile(desired.backend, family));
    if (text === undefined) continue;
    const { firewalls: found, problems } = parseFirewalls(text);
    if (problems[0] !== undefined) throw new Error(`bug: our own rules cannot be read: ${problems[0].text}`);
    firewalls[family] = found[family] ?? { family, dump: { family, tables: new Map() }, sets: new Map() };
  }
  return {
    sources: [{ name: "the case", firewalls, node: nodeOf(desired) }],
    objects: {
      backend: desired.backend,
      models: desired.models.filter(({ view }) => firewalls[view.family] !== undefined),
      pods: desired.pods,
      podCidrs: [...desired.node.podCidrs, ...options.podCidrs],
      problems: desired.findings,
    },
    inInterface: undefined,
  };
}

function findFault({ from, to, expected }: PacketRow, context: ExplainContext): RowFault | undefined {
  // The zone is for DNS records, which no row asks for.
  const explanation = explain({ from: from.means, to: to.means, zone: "cluster.local" }, context);
  if (explanation.kind === "refused") return { kind: "not-asked", because: [explanation.reason] };
  const { about, answers } = explanation;
  if (answers.length === 0) return { kind: "not-asked", because: about };
  const ruleless = answers.filter(({ walks }) => walks.length === 0);
  if (ruleless.length > 0) return { kind: "not-asked", because: ruleless.flatMap(({ parting }) => parting ?? []) };
  const failing = answers.filter((answer) => !isAsExpected(answer, expected));
  if (failing.length > 0) return { kind: "otherwise", failing, packets: answers.length };
  const sent = new Set(answers.map(({ probe }) => probe.family));
  const endpoints = listed(expected).filter((each) => !sent.has(endpointFamily(each)));
  return endpoints.length === 0 ? undefined : { kind: "never-sent", endpoints };
}

/** What is not known makes several cases: the row holds only where it does in each. */
function isAsExpected({ probe, walks }: ProbeAnswer, expected: Expected): boolean {
  const mine = listed(expected).filter((each) => endpointFamily(each) === probe.family);
  return walks.every(({ cases }) => cases.every((each) => meetsIn(each, expected, mine)));
}

function meetsIn({ outcomes }: Case, expected: Expected, endpoints: readonly string[]): boolean {
  const reached = new Set(outcomes.flatMap(({ end }) => (end.kind === "delivered" ? [place(end)] : [])));
  return outcomes.every(({ end }) => meets(end, expected)) && endpoints.every((each) => reached.has(each));
}

function meets(end: End, expected: Expected): boolean {
  switch (expected.kind) {
    case "delivered": {
      const { endpoints, source } = expected;
      return (
        end.kind === "delivered" &&
        end.translated &&
        (source === undefined || end.source.kind === source) &&
        (endpoints === undefined || endpoints.includes(place(end)))
      );
    }
    case "refused":
      return end.kind === "rejected";
    case "dropped":
      return end.kind === "dropped";
    case "untouched":
      return end.kind === "delivered" && !end.translated && end.source.kind === "kept";
    default:
      return never(expected);
  }
}

function listed(expected: Expected): readonly string[] {
  return expected.kind === "delivered" ? (expected.endpoints ?? []) : [];
}

/** Only IPv6 addresses stand in brackets. */
function endpointFamily(endpoint: string): Family {
  return endpoint.startsWith("[") ? 6 : 4;
}
