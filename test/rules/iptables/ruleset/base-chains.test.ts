// Tests of rules/iptables/ruleset/base-chains.ts. Source: kube-proxy iptables/proxier.go.
import { describe, expect, test } from "@jest/globals";
import { renderRuleset } from "../../../../rules/iptables/text/render-ruleset.ts";
import { rulesetOf, aView, type ViewFields } from "../../../make/node.ts";
import { aCidr, aCluster } from "../../../make/objects.ts";

const linesOf = (options: ViewFields = {}) => renderRuleset(rulesetOf(aCluster(), aView(options))).split("\n");
const of = (chain: string, options: ViewFields = {}) =>
  linesOf(options).flatMap((line) => (line.startsWith(`-A ${chain} `) ? [line.slice(chain.length + 4)] : []));
const targets = (chain: string, options: ViewFields = {}) =>
  of(chain, options).map((line) => line.replace(/.*-j (\S+).*/, "$1"));

test("packets meet the jumps in kube-proxy's order", () => {
  expect([targets("INPUT"), targets("FORWARD"), targets("POSTROUTING")]).toEqual([
    ["KUBE-FIREWALL", "KUBE-PROXY-FIREWALL", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES"],
    ["KUBE-PROXY-FIREWALL", "KUBE-FORWARD", "KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES"],
    ["KUBE-POSTROUTING"],
  ]);
  // First filter's, then nat's.
  expect(targets("OUTPUT").slice(0, 3)).toEqual(["KUBE-FIREWALL", "KUBE-PROXY-FIREWALL", "KUBE-SERVICES"]);
  expect(targets("OUTPUT").at(-1)).toBe("KUBE-SERVICES");
  expect(targets("PREROUTING")).toEqual(["KUBE-SERVICES"]);
});

test.each<[ViewFields]>([[{ family: 6 }], [{ settings: { localhostNodePorts: false } }]])(
  "with %j loopback is not guarded",
  (options) => {
    expect(linesOf(options).join("\n")).not.toContain("KUBE-FIREWALL");
  },
);

describe("the way to node ports", () => {
  const note = '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"';
  test.each<[string, ViewFields, string[]]>([
    ["all", {}, [`${note} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`]],
    [
      "all but loopback",
      { settings: { localhostNodePorts: false } },
      [`! -d 127.0.0.0/8 ${note} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`],
    ],
    [
      "all of IPv6 but loopback",
      { family: 6 },
      [`! -d ::1/128 ${note} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`],
    ],
    ["some", { settings: { nodePortAddresses: "primary" } }, [`-d 192.168.0.2/32 ${note} -j KUBE-NODEPORTS`]],
    ["none", { settings: { nodePortAddresses: [aCidr("198.18.0.0/15")] } }, []],
  ])("%s", (_, options, expected) => {
    expect(of("KUBE-SERVICES", options)).toEqual(expected);
  });
});

test("the mark is what settings say, and cleared before masquerading", () => {
  const options = { settings: { masqueradeBit: 31 } };
  expect(of("KUBE-MARK-MASQ", options)).toEqual(["-j MARK --set-xmark 0x80000000/0x80000000"]);
  expect(of("KUBE-POSTROUTING", options)).toEqual([
    "-m mark ! --mark 0x80000000/0x80000000 -j RETURN",
    "-j MARK --set-xmark 0x80000000/0x0",
    '-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
  ]);
});

test.each([
  [false, ["DROP", "ACCEPT", "ACCEPT"]],
  [true, ["ACCEPT", "ACCEPT"]],
])("with tcpBeLiberal %s forwarded packets meet %j", (tcpBeLiberal, expected) => {
  expect(targets("KUBE-FORWARD", { settings: { tcpBeLiberal } })).toEqual(expected);
});
