// Tests of rules/explain/walk-tree.ts.
import { describe, expect, test } from "@jest/globals";
import { buildWalk, mostWays, type WalkStep } from "../../../rules/explain/walk-tree.ts";
import { parseFirewalls } from "../../../rules/trace/firewall.ts";
import { toNumber } from "../../../rules/trace/fraction.ts";
import { buildTracer } from "../../../rules/trace/trace.ts";
import { anIp } from "../../make/objects.ts";

function walk(...rules: readonly string[]): WalkStep[] {
  const firewall = parseFirewalls(`*nat\n:X - [0:0]\n:Y - [0:0]\n${rules.join("\n")}\nCOMMIT\n`).firewalls[4];
  if (firewall === undefined) throw new Error("bug: no rules");
  const node = { localIps: [], interfaces: [], routeLocalnet: undefined };
  const packet = {
    source: anIp("192.0.2.1"),
    destination: anIp("10.96.0.1"),
    destinationPort: 80,
    protocol: "tcp",
    origin: "network",
  } as const;
  return buildWalk(buildTracer(firewall, node).trace(packet));
}

/** Lines by number; ways in brackets. */
function shape(steps: readonly WalkStep[]): unknown[] {
  return steps.map((step) => (step.kind === "hop" ? step.hop.line : step.ways.map((way) => shape(way.steps))));
}

const chance = (share: string) => `-m statistic --mode random --probability ${share}`;
const dnat = (ip: string) => `-j DNAT --to-destination ${ip}`;

test("one way is a list of rules", () => {
  expect(shape(walk("-A PREROUTING -j X", `-A X ${dnat("10.1.0.1")}`, "-A POSTROUTING -j MASQUERADE"))).toEqual([
    4, 5, 6,
  ]);
});

test("what all ways share stands once, before and after the fork", () => {
  const steps = walk(
    "-A PREROUTING -j X",
    `-A X ${chance("0.5")} ${dnat("10.1.0.1")}`,
    `-A X ${dnat("10.1.0.2")}`,
    "-A POSTROUTING -j MASQUERADE",
  );
  expect(shape(steps)).toEqual([4, [[5], [6]], 7]);
  const fork = steps.find((step) => step.kind === "fork");
  expect(
    fork?.kind === "fork" &&
      fork.ways.map(({ chance: share, end }) => [share && toNumber(share), end?.kind === "delivered" && end.to]),
  ).toEqual([
    [0.5, "10.1.0.1"],
    [0.5, "10.1.0.2"],
  ]);
});

test("ways that go on differently are told to their ends", () => {
  const steps = walk(
    "-A PREROUTING -j X",
    `-A X ${chance("0.5")} ${dnat("10.1.0.1")}`,
    `-A X ${dnat("10.1.0.2")}`,
    "-A POSTROUTING -d 10.1.0.2 -j MASQUERADE",
  );
  expect(shape(steps)).toEqual([4, [[5], [6, 7]]]);
});

describe("of many ways", () => {
  const many = (count: number) =>
    walk(
      "-A PREROUTING -j X",
      ...Array.from(
        { length: count - 1 },
        (_, at) => `-A X ${chance((1 / (count - at)).toFixed(11))} ${dnat(`10.1.0.${at + 1}`)}`,
      ),
      `-A X ${dnat(`10.1.0.${count}`)}`,
    );
  const forkOf = (steps: readonly WalkStep[]) => steps.find((step) => step.kind === "fork");

  test("the first are told and the rest counted, with what each is taken", () => {
    const fork = forkOf(many(50));
    expect(
      fork?.kind === "fork" && [
        fork.ways.length,
        fork.more?.ways,
        fork.more?.each && toNumber(fork.more.each).toFixed(3),
      ],
    ).toEqual([mostWays, 42, "0.020"]);
  });

  test("as many as can be told are told", () => {
    const fork = forkOf(many(mostWays));
    expect(fork?.kind === "fork" && [fork.ways.length, fork.more]).toEqual([mostWays, undefined]);
  });
});

test("a way tells the conditions that others do not have", () => {
  const steps = walk(
    "-A PREROUTING -i eth7 -j DNAT --to-destination 10.1.0.1",
    "-A PREROUTING -p tcp -j DNAT --to-destination 10.1.0.2",
  );
  const [fork] = steps;
  expect(
    fork?.kind === "fork" &&
      fork.ways.map(({ when, chance: share }) => [when.map(({ on, holds }) => `${on} ${holds}`), share]),
  ).toEqual([
    [["-i eth7 true"], undefined],
    [["-i eth7 false"], undefined],
  ]);
});

test("no branches are no walk", () => {
  expect(buildWalk([])).toEqual([]);
});
