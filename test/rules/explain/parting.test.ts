// Tests of rules/explain/parting.ts.
import { describe, expect, test } from "@jest/globals";
import { endText, findParting } from "../../../rules/explain/parting.ts";
import type { PartingReason } from "../../../rules/explain/reason/parting-reason.ts";
import { parseFirewalls } from "../../../rules/trace/firewall.ts";
import { buildTracer } from "../../../rules/trace/trace.ts";
import { anIp } from "../../make/objects.ts";

function walked(source: string, rules: readonly string[], table = "nat") {
  const firewall = parseFirewalls(`*${table}\n:X - [0:0]\n:Y - [0:0]\n${rules.join("\n")}\nCOMMIT\n`).firewalls[4];
  if (firewall === undefined) throw new Error("bug: no rules");
  const node = { localIps: [], interfaces: [], routeLocalnet: undefined };
  const packet = {
    source: anIp("192.0.2.1"),
    destination: anIp("10.96.0.1"),
    destinationPort: 80,
    protocol: "tcp",
    origin: "network",
  } as const;
  return { source, branches: buildTracer(firewall, node).trace(packet) };
}

const half = "-m statistic --mode random --probability 0.50000000000";
const dnat = (ip: string) => `-j DNAT --to-destination ${ip}:8080`;
const jump = "-A PREROUTING -j X";
const balanced = [jump, `-A X ${half} ${dnat("10.1.0.1")}`, `-A X ${dnat("10.1.0.2")}`];

describe("the same is", () => {
  test.each([
    ["the same rules", balanced],
    ["rules with comments", [`-A PREROUTING -m comment --comment "a" -j X`, ...balanced.slice(1)]],
    ["the other order", [jump, `-A X ${half} ${dnat("10.1.0.2")}`, `-A X ${dnat("10.1.0.1")}`]],
    [
      "another layout",
      ["-A PREROUTING -j Y", `-A Y ${half} -j X`, `-A Y ${dnat("10.1.0.2")}`, `-A X ${dnat("10.1.0.1")}`],
    ],
    [
      "chances rounded otherwise",
      [
        jump,
        `-A X -m statistic --mode random --probability 0.50000000200 ${dnat("10.1.0.1")}`,
        `-A X ${dnat("10.1.0.2")}`,
      ],
    ],
  ])("%s", (_, rules) => {
    expect(findParting(walked("a", balanced), walked("b", rules))).toEqual({
      code: "sources-agree",
      first: "a",
      second: "b",
    });
  });
});

describe("they part where", () => {
  const part = (rules: readonly string[]) =>
    findParting(walked("a", balanced), walked("b", rules)) as Extract<PartingReason, { code: "sources-part" }>;

  test("an endpoint is missing", () => {
    expect(part([jump, `-A X ${dnat("10.1.0.1")}`])).toMatchObject({
      code: "sources-part",
      outcome: { end: "to 10.1.0.1:8080, source kept", first: "50%", second: "100%" },
    });
  });

  test("a rule before them decides", () => {
    const { stops } = part([`-A PREROUTING -p tcp ${dnat("10.9.9.9")}`, ...balanced]);
    expect(stops.first?.where).toBe("nat PREROUTING line 4");
    expect(stops.second).toEqual({ where: "nat PREROUTING line 4", text: `-A PREROUTING -p tcp ${dnat("10.9.9.9")}` });
  });

  test("one of them has no rule at all", () => {
    const { outcome, stops } = part([]);
    expect(outcome).toEqual({ end: "to 10.1.0.1:8080, source kept", first: "50%", second: "0%" });
    expect([stops.first?.where, stops.second]).toEqual(["nat PREROUTING line 4", undefined]);
  });
});

test("ends have words", () => {
  const delivered = {
    kind: "delivered",
    to: anIp("fd00::1"),
    port: undefined,
    here: true,
    translated: false,
    source: { kind: "kept" },
  } as const;
  const ends = [
    delivered,
    { kind: "rejected", with: "tcp-reset" },
    { kind: "dropped" },
    { kind: "undecided", on: "x" },
  ] as const;
  expect(ends.map(endText)).toEqual([
    "to fd00::1 as sent, source kept",
    "refused with tcp-reset",
    "dropped",
    "hangs on x",
  ]);
});

test("a scheduler that chooses by what only it knows agrees with itself, and parts from chances", () => {
  const served = (scheduler: string) => {
    const reals = ["10.1.0.1", "10.1.0.2"].map((ip) => `-a -t 10.96.0.1:80 -r ${ip}:8080 -m -w 1`);
    const device = '[{"ifname":"kube-ipvs0","addr_info":[{"local":"10.96.0.1"}]}]';
    return walked("x", ["COMMIT", device, `-A -t 10.96.0.1:80 -s ${scheduler}`, ...reals, "*filter"]);
  };
  expect(findParting(served("wlc"), served("wlc")).code).toBe("sources-agree");
  expect(findParting(served("wlc"), served("rr"))).toMatchObject({
    code: "sources-part",
    outcome: { end: "to 10.1.0.1:8080, source kept", first: "some, as a scheduler chooses,", second: "50%" },
    stops: { first: { text: "-A -t 10.96.0.1:80 -s wlc" }, second: { text: "-A -t 10.96.0.1:80 -s rr" } },
  });
});
