// What an explanation is made from, for tests. In: objects, dumps, the few fields that matter. Out: ExplainContext; all reasons of an answer.
import type { Pod } from "../../../rules/decode/pod.ts";
import type { EndpointSlice } from "../../../rules/decode/endpoint-slice.ts";
import type { Service } from "../../../rules/decode/service.ts";
import type { ExplainContext, ObjectProblem, Source } from "../../../rules/explain/context.ts";
import { explain, type Explanation } from "../../../rules/explain/explain.ts";
import { parseFrom, parseTo } from "../../../rules/explain/question.ts";
import type { Reason } from "../../../rules/explain/reason/reason.ts";
import { renderRuleset } from "../../../rules/iptables/text/render-ruleset.ts";
import { buildView } from "../../../rules/model/view.ts";
import { buildRuleset } from "../../../rules/iptables/ruleset/build.ts";
import { buildModel } from "../../../rules/model/model.ts";
import { parseFirewalls } from "../../../rules/trace/firewall.ts";
import type { TraceNode } from "../../../rules/trace/packet.ts";
import { ipvsOf } from "../../make/ipvs.ts";
import { ipvsPlan } from "../trace/ipvs-tracer.ts";
import { aCluster, aSlice, type EndpointFields } from "../../make/objects.ts";
import { aNode, someSettings, type ViewFields } from "../../make/node.ts";

export type ContextFields = Pick<ViewFields, "node" | "settings"> & {
  readonly pods?: readonly Pod[];
  readonly problems?: readonly ObjectProblem[];
  readonly inInterface?: string;
  /** More sources, each as text. */
  readonly dumps?: readonly string[];
  /** Only the dumps, no objects. */
  readonly withoutObjects?: true;
  readonly routeLocalnet?: boolean;
  readonly backend?: "ipvs";
};

/** The context of these objects on the node `here`, both families; what `rulewright plan` gives is the first source. */
export function aContext(objects: readonly (Service | EndpointSlice)[], fields: ContextFields = {}): ExplainContext {
  const { pods = [], problems = [], inInterface, dumps = [] } = fields;
  const cluster = aCluster(...objects);
  const node = aNode(fields.node);
  const settings = someSettings(fields.settings);
  const models = ([4, 6] as const).map((family) => buildModel(cluster, buildView(node, settings, family)));
  const traceNode = { localIps: node.localIps, interfaces: [], routeLocalnet: fields.routeLocalnet };
  const planned = models.map((model) =>
    fields.backend === "ipvs"
      ? ipvsPlan(ipvsOf(cluster, model.view).state)
      : heading(model.view.family) + renderRuleset(buildRuleset(model).ruleset),
  );
  const others = dumps.map((text, index) => aSource(text, { name: `dump ${index + 1}`, node: traceNode }));
  if (fields.withoutObjects === true) return { sources: others, objects: undefined, inInterface };
  return {
    sources: [aSource(planned.join(""), { name: "the manifests", node: traceNode }), ...others],
    objects: {
      ...(fields.backend === undefined ? {} : { backend: fields.backend }),
      models,
      pods,
      podCidrs: node.podCidrs,
      problems,
    },
    inInterface,
  };
}

/** What `rulewright plan` gives for these objects, IPv4, as a dump. */
export function aPlan(objects: readonly (Service | EndpointSlice)[]): string {
  const model = buildModel(aCluster(...objects), buildView(aNode(), someSettings(), 4));
  return heading(4) + renderRuleset(buildRuleset(model).ruleset);
}

function aSource(text: string, { name, node }: { readonly name: string; readonly node: TraceNode }): Source {
  const { firewalls, problems } = parseFirewalls(text);
  if (problems.length > 0) throw new Error(`bug: ${JSON.stringify(problems)}`);
  return { name, firewalls, node };
}

/** Asks, in the words of the command line. */
export function ask(from: string, to: string, context: ExplainContext): Explanation {
  const [sender, place] = [parseFrom(from), parseTo(to)];
  if (sender === undefined || place === undefined) throw new Error(`bug: ${from} to ${to} is no question`);
  return explain({ from: sender, to: place, zone: "cluster.local" }, context);
}

/** Every reason that an explanation gives, in order. */
export function reasonsOf(explanation: Explanation): Reason[] {
  if (explanation.kind === "refused") return [explanation.reason];
  const { about, answers } = explanation;
  return [
    ...about,
    ...answers.flatMap(({ reasons, walks, parting }) => [
      ...reasons,
      ...walks.flatMap((walk) => walk.reasons),
      ...(parting === undefined ? [] : [parting]),
    ]),
  ];
}

export function codesOf(explanation: Explanation): Reason["code"][] {
  return reasonsOf(explanation).map(({ code }) => code);
}

/** A slice of `web` with these endpoints. */
export function endpoints(...members: readonly (string | EndpointFields)[]): EndpointSlice {
  return aSlice({ endpoints: members });
}

/** A pod of the namespace `default`. */
export function aPod(
  name: string,
  fields: Partial<Omit<Pod, "spec">> & { readonly nodeName?: string; readonly hostNetwork?: boolean } = {},
): Pod {
  const { nodeName, hostNetwork = false, ...rest } = fields;
  return {
    namespace: "default",
    name,
    labels: {},
    controller: undefined,
    spec: { nodeName, hostNetwork, hostname: undefined, subdomain: undefined, ports: [] },
    status: undefined,
    deleting: false,
    ...rest,
  };
}

function heading(family: 4 | 6): string {
  return `# Generated by ${family === 4 ? "iptables" : "ip6tables"}-save\n`;
}
