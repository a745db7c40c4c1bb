// Makes the files that a case must give. In: GoldenCase. Out: their texts, exactly what `rulewright plan` prints.
import type { Build, Cidr } from "../../rules/index.ts";
import { buildDesired, defaultRanges, servesSomething, type Desired, type DesiredOptions } from "../desired/desired.ts";
import { renderPlan } from "../output/plan-text.ts";
import { renderSummary } from "../output/summary.ts";
import type { ExpectedFile, ExpectedTexts } from "./expected-file.ts";
import type { GoldenCase } from "./load.ts";
import type { NodeSettings } from "./node-settings.ts";

/**
 * The texts of a case: the rules of each family that `node.yaml` names, or else that has Services (IPv4 where none has), the
 * summary, and the problems where there are any.
 * @throws InputError for a configuration that has an error.
 */
export function renderCase({ read, config, node }: GoldenCase): ExpectedTexts {
  const desired = buildDesired({ read, config }, toDesiredOptions(node));
  const texts = new Map<ExpectedFile, string>();
  for (const build of wantedBuilds(desired, node)) {
    const file = build.model.view.family === 4 ? "iptables.rules" : "ip6tables.rules";
    texts.set(file, [...renderPlan({ ...desired, builds: [build] }, "nft")].join(""));
  }
  texts.set("summary.txt", renderSummary(desired));
  if (desired.problems.length > 0) texts.set("problems.txt", desired.problems.map(({ line }) => `${line}\n`).join(""));
  return texts;
}

/** What `plan` is given where the same is said by its options. What `node.yaml` leaves out is as there. */
export function toDesiredOptions(node: NodeSettings): DesiredOptions {
  return {
    files: [],
    recursive: false,
    configFile: undefined,
    nodeName: node.name,
    nodeAddresses: node.addresses,
    families: node.families.length > 0 ? node.families : [4, 6],
    serviceCidrs: otherwise(node.serviceCidrs, defaultRanges.serviceCidrs),
    podCidrs: otherwise(node.podCidrs, defaultRanges.podCidrs),
    nodePorts: node.nodePortRange ?? defaultRanges.nodePorts,
    placeholders: node.placeholders,
  };
}

function wantedBuilds({ builds }: Desired, node: NodeSettings): readonly Build[] {
  if (node.families.length > 0) return builds;
  const serving = builds.filter(servesSomething);
  return serving.length > 0 ? serving : builds.filter(({ model }) => model.view.family === 4);
}

function otherwise(given: readonly Cidr[], defaults: readonly Cidr[]): readonly Cidr[] {
  return given.length > 0 ? given : defaults;
}
