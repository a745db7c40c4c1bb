// Rows of iptables mode that fare otherwise in IPVS mode, or are not sent in it. In: a moved row. Out: the row as it must fare here.
import type { Outcome } from "../packets/rows.ts";
import type { MovedExpectation, MovedRow } from "./merge.ts";

/** The test files of `packets/` that consist of rows. */
export const rowFiles = [
  ...["affinity", "cluster-ip", "conflicts", "detect-local", "external-ips", "hairpin", "labels-and-kinds"],
  ...["load-balancer", "masquerade", "no-endpoints", "node-options", "node-port", "terminating", "topology"],
  "traffic-policy",
] as const;

type Difference = { readonly because: string; readonly outcome: (expectation: MovedExpectation) => Outcome };

const refused: Outcome = { answeredBy: "refused" };

const held: Difference = {
  because: "addresses of Services are the node's own, which refuses where no Service listens",
  outcome: (expectation) => (expectation.answeredBy === "unanswered" ? refused : expectation),
};

const loopback: Difference = {
  because: "ip_vs takes nothing from loopback addresses (findIpvsProblems says so)",
  outcome: (expectation) => (expectation.to === "loopback" ? refused : expectation),
};

const closed: Difference = {
  because: "an address with source ranges is closed to whoever is not in one, whatever their family",
  outcome: (expectation) => (expectation.families[0] === 6 ? { answeredBy: "dropped" } : expectation),
};

/** By the rows' titles. */
export const differences: Readonly<Record<string, Difference>> = {
  "serves each of several ports by its own endpoints and target port": held,
  "balances over all endpoints and masquerades every client of an external IP": held,
  "balances over all endpoints and masquerades every client of a load-balancer address": held,
  "lets what the node itself sends to external addresses without endpoints go its way": held,
  "node ports answer on 127.0.0.1 and never on ::1": loopback,
  "nodePortAddresses with 127.0.0.0/8 alone answers on 127.0.0.1 only": loopback,
  "externalTrafficPolicy Local on 127.0.0.1 treats the client as the node": loopback,
  "leaves a family without source ranges of its own open": closed,
};

const many =
  "many Services are in one table here, not in a tree of rules; the test of 1,000 Services sends to some of them";

/** Rows that are not sent, with the reason. */
export const leftOut: Readonly<Record<string, string>> = {
  "finds the right one of 200 Services": many,
  "finds the right one of 60 node ports": many,
  "refuses on each of 60 Services without endpoints, and serves the one between them": many,
};

/** The row with its expectations of this mode. */
export function inIpvsMode(row: MovedRow): MovedRow {
  const difference = differences[row.title];
  if (difference === undefined) return row;
  return {
    ...row,
    expect: row.expect.map(({ from, to, port, protocols, families, ...rest }) => {
      const given = {
        from,
        to,
        families,
        ...(port === undefined ? {} : { port }),
        ...(protocols === undefined ? {} : { protocols }),
      };
      return { ...given, ...difference.outcome({ ...given, ...rest }) };
    }),
  };
}
