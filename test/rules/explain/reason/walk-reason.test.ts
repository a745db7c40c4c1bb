// Tests of rules/explain/reason/walk-reason.ts.
import { expect, test } from "@jest/globals";
import { renderWalkReason, type RuleText, type WalkReason } from "../../../../rules/explain/reason/walk-reason.ts";

const rule: RuleText = {
  table: "nat",
  chain: "DOCKER",
  line: 12,
  text: "-A DOCKER -j ACCEPT",
  by: "PREROUTING line 5",
  whose: "Docker",
};
const source = { kind: "kept", as: undefined } as const;
const always = { when: [], share: undefined } as const;

test.each<[WalkReason, string[]]>([
  [
    { code: "foreign-translates", rule, before: true },
    ["nat DOCKER line 12, by PREROUTING line 5 (chains of Docker)", `"-A DOCKER -j ACCEPT"`, "decides first"],
  ],
  [
    { code: "foreign-ends-nat", rule: { ...rule, by: undefined, whose: undefined }, hook: "OUTPUT" },
    ["ends nat OUTPUT before KUBE-SERVICES", 'nat DOCKER line 12, "-A'],
  ],
  [
    {
      code: "goes-to",
      ...always,
      to: [
        { at: "a", share: "50%" },
        { at: "b", share: "50%" },
      ],
      more: 0,
      source,
      service: "x/y",
      server: undefined,
      chooser: undefined,
    },
    ["By the rules of x/y the packet goes to a (50%) or b (50%)"],
  ],
  [
    {
      code: "goes-to",
      ...always,
      to: [{ at: "a", share: "2%" }],
      more: 42,
      source: { kind: "mixed", as: undefined },
      service: undefined,
      server: undefined,
      chooser: undefined,
    },
    ["The packet goes to a (2%) or one of 42 more", "some see"],
  ],
  [
    {
      code: "goes-to",
      ...always,
      to: [
        { at: "a", share: undefined },
        { at: "b", share: undefined },
      ],
      more: 0,
      source,
      service: undefined,
      server: { line: 7, text: "-A -t 10.96.0.10:80 -s wlc" },
      chooser: "wlc",
    },
    ['By the virtual server "-A -t 10.96.0.10:80 -s wlc" (line 7) the packet goes to a or b, whichever wlc chooses;'],
  ],
  [
    {
      code: "refused",
      ...always,
      with: "icmp-port-unreachable",
      by: { ...rule, table: "ip_vs", chain: "INPUT", line: 7, text: "-A -t 10.96.0.10:80 -s rr" },
      service: undefined,
    },
    ['by the virtual server "-A -t 10.96.0.10:80 -s rr" (line 7) which gives it no real server.'],
  ],
  [
    { code: "dropped", when: [[{ on: "-i eth7", holds: true }]], share: "50%", by: rule, service: undefined },
    [`If "-i eth7" holds: 50% of the packets are dropped by nat DOCKER line 12`],
  ],
  [
    { code: "refused", ...always, with: "tcp-reset", by: { ...rule, line: undefined }, service: "x/y" },
    ["(tcp-reset) by nat DOCKER, for x/y."],
  ],
  [
    {
      code: "depends-on",
      on: [
        { text: "-i eth7", line: 12 },
        { text: "sysctl x", line: 0 },
      ],
    },
    ["-i eth7 (line 12) and sysctl x"],
  ],
])("%j", (reason, words) => {
  for (const word of words) expect(renderWalkReason(reason)).toContain(word);
});

test("of many sets of answers two are told", () => {
  const when = ["a", "b", "c", "d"].map((on) => [{ on, holds: false }]);
  expect(renderWalkReason({ code: "undecided", when, on: "x", share: undefined })).toMatch(
    /^If "a" does not, or if "b" does not, or 2 more ways: what/,
  );
});
