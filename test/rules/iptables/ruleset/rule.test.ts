// Tests of rules/iptables/ruleset/rule.ts.
import { expect, test } from "@jest/globals";
import { chainName } from "../../../../rules/iptables/ruleset/chain-name.ts";
import { accept, comment, destinationPort, drop, jumpTo, masquerade } from "../../../../rules/iptables/ruleset/rule.ts";

test("makers give plain data", () => {
  expect([comment("x"), destinationPort("tcp", 80), jumpTo(chainName("C")), drop, accept, masquerade]).toEqual([
    { kind: "comment", text: "x" },
    { kind: "destination-ports", protocol: "tcp", low: 80, high: 80 },
    { kind: "jump", chain: "C" },
    { kind: "verdict", verdict: "DROP" },
    { kind: "verdict", verdict: "ACCEPT" },
    { kind: "masquerade", randomFully: true },
  ]);
});
