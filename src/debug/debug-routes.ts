// What the agent holds and does, for people. In: builds in force, the kernel. Out: routes below /debug/, which only read.
import {
  diffRulesets,
  diffStates,
  parseRuleset,
  renderRuleset,
  type Family,
  type IpvsChange,
} from "../../rules/index.ts";
import { explain } from "../../rules/explain/explain.ts";
import { parseFrom, parseTo, fromForms, toForms } from "../../rules/explain/question.ts";
import { renderReason } from "../../rules/explain/reason/reason.ts";
import { parseFirewalls, type Firewall } from "../../rules/trace/firewall.ts";
import type { TraceNode } from "../../rules/trace/packet.ts";
import type { Agent } from "../agent/agent.ts";
import type { InForce } from "../agent/proxier.ts";
import { jsonAnswer, textAnswer, type Answer, type Request } from "../http/answer.ts";
import type { Route } from "../http/routes.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";
import { parseState, type StateTexts } from "../ipvs/observe.ts";
import { renderStep } from "../ipvs/write-steps.ts";
import { chainsPerBatch } from "../kernel/apply.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { renderChanges, renderCount } from "../output/changes.ts";
import { renderExplanation } from "../output/explain-text.ts";
import { commandOf, firstSteps } from "../output/ipvs-text.ts";
import { historyRoute } from "./history-route.ts";
import { createKernelReader, type KernelReader } from "./kernel-reader.ts";
import { serviceState } from "./service-state.ts";

/** The agent, and what it works on. */
export type Debugged = Pick<Agent, "builds" | "history" | "lastChange" | "quarantined" | "serviceCidrs"> & {
  readonly kernel: Kernel;
  /** In IPVS mode. */
  readonly ipvs?: IpvsKernel | undefined;
  /** This host as the node. */
  readonly node: () => TraceNode;
};

/** Longest answer, in characters. Rules of 50,000 Services are half of it. */
const longestAnswer = 64_000_000;

/** `/debug/plan`, `/debug/rules`, `/debug/diff`, `/debug/services/NAMESPACE/NAME`, `/debug/explain?from=...&to=...`, `/debug/history`. */
export function debugRoutes(debugged: Debugged): Route[] {
  const { builds, kernel, ipvs } = debugged;
  const reader = createKernelReader({ readRules: (family) => readAll(kernel, ipvs, family) });
  return [
    { path: "/debug/plan", answer: () => bounded(planText(builds())) },
    { path: "/debug/rules", answer: async () => bounded(await rulesText(builds(), reader)) },
    { path: "/debug/diff", answer: async () => bounded(await diffText(builds(), reader)) },
    { path: "/debug/services/", answer: (request) => serviceAnswer(debugged, request) },
    { path: "/debug/explain", answer: (request) => explainAnswer(debugged, request) },
    historyRoute(debugged.history),
  ];
}

function bounded(text: string): Answer {
  if (text.length <= longestAnswer) return textAnswer(200, text);
  return textAnswer(413, `${text.length} characters are more than can be sent: ask for one Service\n`);
}

/** In iptables mode rules alone. */
type Texts = Pick<StateTexts, "rules"> & Partial<StateTexts>;

async function readAll(kernel: Kernel, ipvs: IpvsKernel | undefined, family: Family): Promise<Texts> {
  const rules = await kernel.readRules(family);
  if (ipvs === undefined) return { rules };
  const [sets, addresses] = [await ipvs.readSets(), await ipvs.readAddresses()];
  return { rules, sets, addresses, servers: await ipvs.readServers() };
}

/** In IPVS mode the input of every tool that makes it so on an empty node. */
function planText(builds: readonly InForce[]): string {
  return builds
    .flatMap(({ ruleset, ipvs }) => {
      const { family } = ruleset;
      if (ipvs === undefined) return [`${heading(family)}${renderRuleset(ruleset)}`];
      const steps = firstSteps([ipvs]).flatMap((first) => first.steps);
      return steps.map(
        (step) => `# for ${commandOf(step.tool, family)}\n${renderStep(step, family, chainsPerBatch("nft")).join("")}`,
      );
    })
    .join("");
}

/** What the tools would print; those for both families once. */
async function rulesText(builds: readonly InForce[], reader: KernelReader<Texts>): Promise<string> {
  const texts: string[] = [];
  let both = "";
  for (const { ruleset } of builds) {
    const { rules, sets = "", addresses = "", servers = "" } = await reader.read(ruleset.family);
    texts.push(heading(ruleset.family), rules);
    both = `${sets}${addresses}${servers}`;
  }
  return [...texts, both].join("");
}

/** What drains in IPVS mode is as it should be. */
function changesFrom({ rules, ...texts }: Texts, { ruleset, ipvs }: InForce): readonly IpvsChange[] {
  const { family } = ruleset;
  if (ipvs === undefined) return diffRulesets(parseRuleset(rules, family), ruleset);
  const { sets = "", addresses = "", servers = "" } = texts;
  const { state, others } = parseState({ rules, sets, addresses, servers }, family);
  const { excludeCidrs } = ipvs.node;
  const { steps } = diffStates(state, ipvs.state, { isDrained: () => false, excludeCidrs, others });
  return steps.flatMap((step): readonly IpvsChange[] => step.changes);
}

async function diffText(builds: readonly InForce[], reader: KernelReader<Texts>): Promise<string> {
  const texts: string[] = [];
  for (const build of builds) {
    const { family } = build.ruleset;
    const changes = changesFrom(await reader.read(family), build);
    texts.push(`IPv${family}: ${renderCount(changes)}\n${renderChanges(changes, false)}`);
  }
  return texts.join("");
}

function serviceAnswer({ builds, lastChange, quarantined, serviceCidrs }: Debugged, { path }: Request): Answer {
  const name = path.slice("/debug/services/".length);
  const state = serviceState(builds(), name, {
    lastChange: lastChange(name),
    quarantined: quarantined().get(name),
    serviceCidrs: serviceCidrs(),
  });
  if (state === undefined) return textAnswer(404, "no such Service: ask for /debug/services/NAMESPACE/NAME\n");
  return jsonAnswer(200, `${JSON.stringify(state, undefined, 2)}\n`);
}

/** The rules that the agent wrote, by the objects that it holds. */
function explainAnswer({ builds, node }: Debugged, { query }: Request): Answer {
  const [from, to] = [parseFrom(query.get("from") ?? ""), parseTo(query.get("to") ?? "")];
  if (from === undefined) return textAnswer(400, `from must be one of ${fromForms}\n`);
  if (to === undefined) return textAnswer(400, `to must be one of ${toForms}\n`);
  const built = builds();
  const parsed = parseFirewalls(planText(built)).firewalls;
  const firewalls: Partial<Record<Family, Firewall>> = { ...parsed };
  const backend = built.some(({ ipvs }) => ipvs !== undefined) ? ("ipvs" as const) : ("iptables" as const);
  const objects = { backend, models: built.map(({ model }) => model), pods: [], podCidrs: [], problems: [] };
  const context = { sources: [{ name: "the agent", firewalls, node: node() }], objects, inInterface: undefined };
  const explanation = explain({ from, to, zone: "cluster.local" }, context);
  if (explanation.kind === "refused") return textAnswer(404, `${renderReason(explanation.reason)}\n`);
  return bounded(renderExplanation(explanation, false));
}

function heading(family: Family): string {
  return `# for ${family === 4 ? "iptables" : "ip6tables"}-restore --noflush\n`;
}
