// The table of packets of a case, packets.yaml. In: its text. Out: PacketRow[], or every problem with its place.
import * as z from "zod";
import { parseSource, type Document } from "../manifest/parse.ts";
import { renderLocated, type LocatedProblem, type SourcePosition } from "../manifest/located.ts";
import { at, decodeWith } from "../../rules/decode/decode.ts";
import { object, optional, parsed } from "../../rules/decode/fields.ts";
import { fromForms, parseFrom, parseTo, toForms, type From, type To } from "../../rules/explain/question.ts";
import { hostPort } from "../../rules/net/ip.ts";
import type { Problem } from "../../rules/problem.ts";

/** One row: a packet, or those that a Service's addresses and ports ask for, and how each of them must fare. */
export type PacketRow = {
  /** Where the row begins. */
  readonly position: SourcePosition;
  readonly from: Asked<From>;
  readonly to: Asked<To>;
  /** The interface that it comes in by; undefined: not told. */
  readonly inInterface: string | undefined;
  readonly expected: Expected;
  /** Why the row is there, in its author's words: any text. */
  readonly note: string | undefined;
};

/** An address as it stands in the file, and what it means. */
export type Asked<T> = { readonly text: string; readonly means: T };

export type Expected =
  /** A rule chooses its receiver. `endpoints`: all that may be chosen, each `IP:PORT` or `[IP]:PORT`; undefined: any. */
  | {
      readonly kind: "delivered";
      readonly endpoints: readonly string[] | undefined;
      readonly source: "kept" | "rewritten" | undefined;
    }
  /** `untouched`: it goes on as it was sent, with neither end translated. */
  | { readonly kind: "refused" | "dropped" | "untouched" };

/** The rows in their order, at least one, or what is wrong: one line each, with file, line and column. */
export type DecodedPackets =
  | { readonly kind: "decoded"; readonly rows: readonly PacketRow[] }
  | { readonly kind: "refused"; readonly lines: readonly string[] };

/** Decodes the text of `file`. Unknown fields are refused: one misspelt would leave a row expecting less than it says. */
export function decodePackets(text: string, file: string): DecodedPackets {
  const { documents, problems } = parseSource({ name: file, text });
  if (problems.length > 0) return { kind: "refused", lines: problems.map(renderLocated) };
  const [document, second] = documents;
  if (document === undefined) {
    const problem = tableProblem(["packets"], "is missing, must be a list of rows", "wrong-type");
    return { kind: "refused", lines: [renderLocated({ problem, source: { file, line: 1, column: 1 } })] };
  }
  if (second !== undefined) {
    const problem = tableProblem([], "stands in the file a second time, must stand there once", "several-documents");
    return { kind: "refused", lines: [renderLocated({ problem, source: second.positionOf([]) })] };
  }
  const decoded = decodeWith(tableSchema, document.value, "");
  const found = [...misplacedFields(document.value), ...decoded.problems];
  if (decoded.value !== undefined && found.length === 0)
    return { kind: "decoded", rows: decoded.value.packets.map((row, index) => toRow(row, index, document)) };
  return { kind: "refused", lines: inOrder(found, document).map(renderLocated) };
}

const endpoint = parsed(readEndpoint, "not-an-endpoint", "must be IP:PORT, e.g. 10.244.1.5:8080 or [fd00::5]:8080");

const rowShape = {
  from: parsed((text) => asked(text, parseFrom(text)), "not-a-client", `must be one of ${fromForms}`),
  to: parsed((text) => asked(text, parseTo(text)), "not-a-destination", `must be one of ${toForms}`),
  expect: z.enum(["delivered", "refused", "dropped", "untouched"], "must be delivered, refused, dropped or untouched"),
  endpoints: optional(z.array(endpoint, "must be a list").min(1, "must hold at least one endpoint"), undefined),
  source: optional(z.enum(["kept", "rewritten"], "must be kept or rewritten"), undefined),
  "in-interface": optional(
    parsed(readInterface, "not-an-interface", "must be an interface's name, 1 to 15 characters"),
    undefined,
  ),
  note: optional(z.string("must be text"), undefined),
};

const rowSchema = object(rowShape);

const tableShape = { packets: z.array(rowSchema, "must be a list of rows").min(1, "must hold at least one row") };

const tableSchema = object(tableShape);

type DecodedRow = z.output<typeof rowSchema>;

function toRow(row: DecodedRow, index: number, { positionOf }: Document): PacketRow {
  const { from, to, expect, endpoints, source, note } = row;
  return {
    position: positionOf(["packets", index]),
    from,
    to,
    inInterface: row["in-interface"],
    expected: expect === "delivered" ? { kind: expect, endpoints, source } : { kind: expect },
    note,
  };
}

/** What was found in different ways, as it stands in the file. */
function inOrder(found: readonly Problem[], { positionOf }: Document): LocatedProblem[] {
  return found
    .map(({ code, path, text }) => ({ problem: tableProblem(path, text, code), source: positionOf(path) }))
    .sort((a, b) => a.source.line - b.source.line || a.source.column - b.source.column);
}

/** Fields that nobody knows, and known ones where they would be without meaning. Bears any input. */
function misplacedFields(value: unknown): Problem[] {
  const rows = at(value, ["packets"]);
  const own = unknownFields(value, [], Object.keys(tableShape));
  if (!Array.isArray(rows)) return own;
  return [
    ...own,
    ...rows.flatMap((row: unknown, index) => [
      ...unknownFields(row, ["packets", index], Object.keys(rowShape)),
      ...idleFields(row, ["packets", index]),
    ]),
  ];
}

function unknownFields(value: unknown, path: Problem["path"], known: readonly string[]): Problem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.keys(value)
    .filter((name) => !known.includes(name))
    .map((name) => tableProblem([...path, name], `is not known, must be one of ${known.join(", ")}`, "unknown-field"));
}

/** Fields that the row's others leave nothing to say. */
function idleFields(row: unknown, path: Problem["path"]): Problem[] {
  const [from, expect] = [at(row, ["from"]), at(row, ["expect"])];
  const isThere = (name: string) => (at(row, [name]) ?? undefined) !== undefined;
  const stopped = expect === "refused" || expect === "dropped" || expect === "untouched" ? expect : undefined;
  const idle = stopped === undefined ? [] : ["endpoints", "source"].filter(isThere);
  const problems = idle.map((name) =>
    tableProblem([...path, name], `stands beside expect: ${stopped}, may stand only beside delivered`, "idle-field"),
  );
  if (from === "node" && isThere("in-interface"))
    problems.push(
      tableProblem(
        [...path, "in-interface"],
        "stands beside from: node, whose packets come in by no interface",
        "idle-field",
      ),
    );
  return problems;
}

function tableProblem(path: Problem["path"], text: string, code: string): Problem {
  return { code, severity: "error", object: "packet table", path, text };
}

function asked<T>(text: string, means: T | undefined): Asked<T> | undefined {
  return means === undefined ? undefined : { text, means };
}

/** Canonical, so that it can be compared. The protocol is the packet's. */
function readEndpoint(text: string): string | undefined {
  const to = text.includes("/") ? undefined : parseTo(text);
  return to?.kind === "address" ? hostPort(to.ip, to.port) : undefined;
}

/** Source: Linux dev_valid_name. */
function readInterface(text: string): string | undefined {
  return /^[\x21-\x7e]{1,15}$/.test(text) && !/[/:]|^\.\.?$/.test(text) ? text : undefined;
}
