// Rows of expectations, each a test that sends packets. In: rows. Out: a jest block for each iptables variant, a test for each row.
import { beforeAll, expect, test } from "@jest/globals";
import type { Family } from "../../rules/net/ip.ts";
import { describeLabs } from "../lab/describe-labs.ts";
import type { Variant } from "../lab/tables.ts";
import type { Lab, LabOptions, Sending, Sent } from "../lab/lab.ts";
import { applyTo, type Situation } from "./harness.ts";
import { addressOf, type VirtualAddress } from "./objects.ts";

/** A situation, and what clients get in it. */
export type Row = Situation & {
  /** The behaviour, as a sentence. */
  readonly title: string;
  readonly expect: readonly Expectation[];
  /** Default both. */
  readonly families?: readonly Family[];
  /** Default both. */
  readonly protocols?: readonly Protocol[];
};

/** What one client gets, or each of several. */
export type Expectation = {
  readonly from: string | readonly string[];
  /** A virtual address; `loopback`; the first address of a host; or an address, whose family is then the only one. */
  readonly to: Destination;
  /** Default 80. */
  readonly port?: number;
  /** Default the row's. */
  readonly protocols?: readonly Protocol[];
  readonly families?: readonly Family[];
} & Outcome;

/**
 * The servers that answer, all of them and no other, and whether they see the client's own address, or the node's, or some of them
 * the one and some the other. Or a refusal at once.
 * Or nothing: `dropped` by a rule, `unanswered` for want of one; from outside they look the same.
 */
export type Outcome =
  | { readonly answeredBy: readonly string[]; readonly source: "kept" | "node" | "either" }
  | { readonly answeredBy: "refused" | "dropped" | "unanswered" };

type Protocol = "TCP" | "UDP";

export type Destination = VirtualAddress | "loopback" | (string & {});

/**
 * Declares a block for each variant, that of iptables-legacy with every third row. `prepare` makes hosts answer on more ports, once for all rows; `declare` declares tests that are
 * not rows, after them and in the same lab (making one, and asking whether it can be made, takes a second).
 */
export async function describeRows(
  title: string,
  rows: readonly Row[],
  { prepare, declare, ...options }: RowsOptions = {},
): Promise<void> {
  if (collected !== undefined) {
    collected.push({ rows, prepare });
    return;
  }
  await describeLabs(
    title,
    (lab, variant) => {
      beforeAll(() => prepare?.(lab()));
      for (const row of rowsOf(variant, rows)) test(row.title, () => checkRow(lab(), row));
      declare?.(lab);
    },
    options,
  );
}

/** The rules are the same text for both, and the kernel's matches the same code: of iptables-legacy a third shows that they arrive. */
function rowsOf(variant: Variant, rows: readonly Row[]): readonly Row[] {
  return variant === "nft" ? rows : rows.filter((_, index) => index % 3 === 0);
}

type RowsOptions = Omit<LabOptions, "variant"> & {
  readonly prepare?: Prepare;
  readonly declare?: (lab: () => Lab) => void;
};

type Prepare = (lab: Pick<Lab, "listen">) => Promise<void>;

/** The rows of one call of `describeRows`, and what they need to be there. */
export type Declared = { readonly rows: readonly Row[]; readonly prepare: Prepare | undefined };

let collected: Declared[] | undefined;

/** The rows of test files, for another way to send them: while `load` imports the files, they declare no tests. */
export async function collectRows(load: () => Promise<unknown>): Promise<readonly Declared[]> {
  const found: Declared[] = [];
  collected = found;
  try {
    await load();
  } finally {
    collected = undefined;
  }
  return found;
}

/** Applies the row's rules and sends its packets. */
export async function checkRow(lab: Lab, row: Row): Promise<void> {
  await applyTo(lab, row);
  await checkPackets(lab, row);
}

/** Sends the packets of every expectation, in all families and protocols at once, and compares all outcomes at the end. */
export async function checkPackets(lab: Lab, row: Pick<Row, "expect" | "families" | "protocols">): Promise<void> {
  const attempts = row.expect.flatMap((expectation) => attemptsOf(lab, expectation, row));
  const observed = await Promise.all(attempts.map(({ sending }) => lab.send(sending)));
  const lines = (texts: readonly string[]) => attempts.map(({ name }, index) => `${name}: ${texts[index]}`);
  expect(lines(observed.map((sent) => outcomeOf(sent)))).toEqual(lines(attempts.map(({ wanted }) => wanted)));
}

/** Connections to send, named, and `outcomeOf` them as it must be. */
export type Attempt = { readonly name: string; readonly sending: Sending; readonly wanted: string };

/** What an expectation of a row sends, in all its families and protocols, from all its clients. */
export function attemptsOf(
  lab: Pick<Lab, "address">,
  expectation: Expectation,
  row: Pick<Row, "families" | "protocols">,
): Attempt[] {
  const { from, to, port = 80 } = expectation;
  const clients = typeof from === "string" ? [from] : from;
  const families = expectation.families ?? row.families ?? [4, 6];
  const protocols = expectation.protocols ?? row.protocols ?? ["TCP", "UDP"];
  return families.flatMap((family) =>
    protocols.flatMap((protocol) =>
      clients.map((client): Attempt => ({
        name: `IPv${family} ${protocol} ${client} -> ${to}:${port}`,
        sending: {
          from: client,
          to: resolve(lab, to, family),
          port,
          protocol,
          count: countFor(expectation),
          timeoutMs: timeoutFor(expectation),
        },
        wanted: wantedOf(expectation, lab.address(client, family), lab.address("node", family)),
      })),
    ),
  );
}

/** The address of a destination in one family. */
export function resolve(lab: Pick<Lab, "address">, to: Destination, family: Family): string {
  if (to === "loopback") return family === 4 ? "127.0.0.1" : "::1";
  if (/^(cluster-ip|external-ip|vip)( \d+)?$/.test(to)) return addressOf(to as VirtualAddress, family);
  return /[.:]/.test(to) ? to : lab.address(to, family);
}

/** So many that the odds of missing one of the servers are one in ten million. */
function countFor({ answeredBy }: Outcome): number {
  if (typeof answeredBy === "string") return answeredBy === "refused" ? 3 : 2;
  const servers = answeredBy.length;
  return servers === 1 ? 3 : Math.ceil(Math.log(servers * 1e7) / -Math.log1p(-1 / servers));
}

/**
 * What must stay without an answer is not waited for longer than what comes needs. What must come may be late on a busy machine, but not
 * so late that the client had to send a second SYN (1 s); but for IPv6 refusals on the node, see `defaultTimeoutMs` of the lab.
 */
function timeoutFor({ answeredBy }: Outcome): number {
  if (typeof answeredBy !== "string") return 900;
  return answeredBy === "refused" ? 1500 : 350;
}

function wantedOf(outcome: Outcome, client: string, node: string): string {
  if (!("source" in outcome)) return outcome.answeredBy === "refused" ? "refused" : "no answer";
  const seen = { kept: [client], node: [node], either: [client, node].sort() }[outcome.source];
  return answered(outcome.answeredBy, seen);
}

/** One phrase; where attempts fared differently, all of it. */
export function outcomeOf({ answered: by, clients, refused, timedOut, failed }: Sent): string {
  const parts = [
    ...(Object.keys(by).length > 0 ? [answered(Object.keys(by), clients)] : []),
    ...(refused > 0 ? ["refused"] : []),
    ...(timedOut > 0 ? ["no answer"] : []),
    ...Object.keys(failed),
  ];
  return parts.join(" and ");
}

function answered(servers: readonly string[], clients: readonly string[]): string {
  return `${[...servers].sort().join(", ")} to ${clients.join(", ")}`;
}
