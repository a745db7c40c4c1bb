// Node settings of a case, node.yaml. In: its text. Out: NodeSettings, or every problem with its place.
import * as z from "zod";
import type { Backend } from "../config/settings.ts";
import { strictCidr } from "../config/fields.ts";
import { renderLocated } from "../manifest/located.ts";
import { parseSource } from "../manifest/parse.ts";
import { decodeWith } from "../../rules/decode/decode.ts";
import { list, object, optional, parsed, subdomain } from "../../rules/decode/fields.ts";
import type { Cidr } from "../../rules/net/cidr.ts";
import { parseIp, type Family, type Ip } from "../../rules/net/ip.ts";
import type { Problem } from "../../rules/problem.ts";

/** What the options of `plan` say about the node, as a file. Empty lists are as if not given. */
export type NodeSettings = {
  /** `--node-name`. */
  readonly name: string | undefined;
  /** `--node-address`. */
  readonly addresses: readonly Ip[];
  /** The families to make rules for, whether they have Services or not; empty: those that have. */
  readonly families: readonly Family[];
  /** `--service-cidr`. */
  readonly serviceCidrs: readonly Cidr[];
  /** `--pod-cidr`. */
  readonly podCidrs: readonly Cidr[];
  /** `--node-port-range`. */
  readonly nodePortRange: { readonly low: number; readonly high: number } | undefined;
  /** `none`: what the objects lack is not made up, as where they were recorded from a cluster. */
  readonly placeholders: "none" | undefined;
  /** `--backend`; undefined: the configuration's mode, else iptables. */
  readonly backend: Backend | undefined;
};

/** What the file may say it is, so that `plan -f` of its folder knows that it is no manifest. */
export const nodeSettingsKind = "NodeSettings";

/** The settings, or, where there are any, what is wrong: one line each, with file, line and column. */
export type DecodedNodeSettings =
  | { readonly kind: "decoded"; readonly settings: NodeSettings }
  | { readonly kind: "refused"; readonly lines: readonly string[] };

export const noNodeSettings: NodeSettings = {
  name: undefined,
  addresses: [],
  families: [],
  serviceCidrs: [],
  podCidrs: [],
  nodePortRange: undefined,
  placeholders: undefined,
  backend: undefined,
};

/** Decodes the text of `file`. Unknown fields are refused: one misspelt would leave the case checking something else. */
export function decodeNodeSettings(text: string, file: string): DecodedNodeSettings {
  const { documents, problems } = parseSource({ name: file, text });
  if (problems.length > 0) return { kind: "refused", lines: problems.map(renderLocated) };
  const [document, second] = documents;
  if (document === undefined) return { kind: "decoded", settings: noNodeSettings };
  if (second !== undefined) {
    const problem = settingsProblem([], "several-documents", "stand in the file a second time, must stand there once");
    return { kind: "refused", lines: [renderLocated({ problem, source: second.positionOf([]) })] };
  }
  const decoded = decodeWith(schema, document.value, "");
  const found = [...unknownFields(document.value), ...decoded.problems];
  if (decoded.value !== undefined && found.length === 0) return { kind: "decoded", settings: decoded.value };
  const lines = found.map(({ code, path, text: what }) =>
    renderLocated({ problem: settingsProblem(path, code, what), source: document.positionOf(path) }),
  );
  return { kind: "refused", lines };
}

const shape = {
  kind: optional(z.literal(nodeSettingsKind, `must be ${nodeSettingsKind}`), undefined),
  name: optional(subdomain, undefined),
  addresses: list(parsed<Ip>(parseIp, "not-an-address", "must be an IPv4 or IPv6 address")),
  families: list(z.union([z.literal(4), z.literal(6)], "must be 4 or 6")).transform((families) => [
    ...new Set(families),
  ]),
  serviceCIDRs: list(strictCidr),
  podCIDRs: list(strictCidr),
  nodePortRange: optional(parsed(parseRange, "not-a-range", "must be LOW-HIGH, e.g. 30000-32767"), undefined),
  placeholders: optional(z.literal("none", "must be none"), undefined),
  backend: optional(z.enum(["iptables", "ipvs"], "must be iptables or ipvs"), undefined),
};

const schema: z.ZodType<NodeSettings> = object(shape).transform(
  ({ name, addresses, families, serviceCIDRs, podCIDRs, nodePortRange, placeholders, backend }) => ({
    name,
    addresses,
    families,
    serviceCidrs: serviceCIDRs,
    podCidrs: podCIDRs,
    nodePortRange,
    placeholders,
    backend,
  }),
);

function unknownFields(value: unknown): Problem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  const known = Object.keys(shape);
  return Object.keys(value)
    .filter((name) => !known.includes(name))
    .map((name) => settingsProblem([name], "unknown-field", `is not known, must be one of ${known.join(", ")}`));
}

function settingsProblem(path: Problem["path"], code: string, text: string): Problem {
  return { code, severity: "error", object: "node settings", path, text };
}

function parseRange(text: string): { low: number; high: number } | undefined {
  const found = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [low, high] = [Number(found?.[1]), Number(found?.[2])];
  return found === null || low < 1 || high > 65535 || low > high ? undefined : { low, high };
}
