// The files of a case folder. In: nothing. Out: their names, which every other file here agrees on.
import type { Family } from "../../rules/index.ts";
import type { Backend } from "../config/settings.ts";

/** What a case is made from; one of them must be there. */
export const inputFiles = ["input.yaml", "input.json"] as const;

/** A KubeProxyConfiguration, and node settings; either may be missing. */
export const configFile = "config.yaml";
export const nodeFile = "node.yaml";

/** How packets must fare under the case's rules, written by people; may be missing. */
export const packetsFile = "packets.yaml" as const;

/** What a case must give, in the order in which it is reported: of the first four those of its mode. */
export const expectedFiles = [
  "iptables.rules",
  "ip6tables.rules",
  "ipvs.rules",
  "ipvs6.rules",
  "summary.txt",
  "problems.txt",
] as const;

export type ExpectedFile = (typeof expectedFiles)[number];

/** The text of each file that a case has, or should have. No file is held as undefined. */
export type ExpectedTexts = ReadonlyMap<ExpectedFile, string>;

/** The file that holds a family's rules in a mode. */
export function rulesFile(backend: Backend, family: Family): ExpectedFile {
  if (backend === "ipvs") return family === 4 ? "ipvs.rules" : "ipvs6.rules";
  return family === 4 ? "iptables.rules" : "ip6tables.rules";
}
