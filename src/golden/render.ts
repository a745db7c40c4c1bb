// Makes the files that a case must give. In: GoldenCase. Out: their texts, exactly what `rulewright plan` prints.
import type { Build, Cidr, Family } from "../../rules/index.ts";
import { buildDesired, defaultRanges, servesSomething, type Desired, type DesiredOptions } from "../desired/desired.ts";
import { renderIpvsPlan } from "../output/ipvs-text.ts";
import { renderPlan } from "../output/plan-text.ts";
import { renderSummary } from "../output/summary.ts";
import { rulesFile, type ExpectedFile, type ExpectedTexts } from "./expected-file.ts";
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
  for (const family of wantedFamilies(desired, node))
    texts.set(rulesFile(desired.backend, family), [...rulesOf(desired, family)].join(""));
  texts.set("summary.txt", renderSummary(desired));
  if (desired.problems.length > 0) texts.set("problems.txt", desired.problems.map(({ line }) => `${line}\n`).join(""));
  return texts;
}

function rulesOf(desired: Desired, family: Family): Iterable<string> {
  const isOf = ({ model }: Pick<Build, "model">) => model.view.family === family;
  const only = { ...desired, builds: desired.builds.filter(isOf), ipvsBuilds: desired.ipvsBuilds.filter(isOf) };
  return desired.backend === "ipvs" ? renderIpvsPlan(only, "nft") : renderPlan(only, "nft");
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
    backend: node.backend,
  };
}

function wantedFamilies({ models }: Desired, node: NodeSettings): readonly Family[] {
  if (node.families.length > 0) return models.map(({ view }) => view.family);
  const serving = models.filter((model) => servesSomething({ model })).map(({ view }) => view.family);
  return serving.length > 0 ? serving : [4];
}

function otherwise(given: readonly Cidr[], defaults: readonly Cidr[]): readonly Cidr[] {
  return given.length > 0 ? given : defaults;
}
