import { expect, test } from "@jest/globals";
import { checkPackets } from "../../../src/golden/packets-check.ts";
import { noNodeSettings } from "../../../src/golden/node-settings.ts";
import { rowLine, rowWalks } from "../../../src/golden/packets-report.ts";
import { renderCase } from "../../../src/golden/render.ts";
import { checkRows, dualShop, failure, rowsOf, shop } from "./a-table.ts";

const both = "endpoints: [10.244.0.5:8080, 10.244.1.5:8080]";

const held = [
  `from: 10.244.0.9, to: svc/default/web:http, expect: delivered, ${both}, source: kept`,
  `from: 10.244.0.9, to: "svc/default/web:80", expect: delivered`,
  "from: 198.51.100.7, to: 203.0.113.10:80, expect: delivered, endpoints: [10.244.0.5:8080], source: kept",
  "from: outside, to: 203.0.113.10:80, expect: dropped",
  "from: outside, to: nodeport:30080, expect: delivered, endpoints: [10.244.0.5:8080]",
  `from: node, to: nodeport:30080, expect: delivered, ${both}, source: rewritten`,
  "from: outside, to: nodeport:30081, expect: untouched",
  "from: pod/default/web-a, to: svc/default/idle, expect: refused",
  "from: outside, to: 192.0.2.99:80, expect: untouched",
  "from: 10.244.0.9, to: 10.244.0.5:8080, expect: untouched",
];

test.each(held)("holds: %s", (row) => {
  expect(checkRows([row])).toEqual([]);
});

test.each(["ipvs", "wlc"] as const)("the same holds in IPVS mode (%s): other rules, the same packets", (mode) => {
  expect(checkRows(held, shop, mode)).toEqual([]);
  const refused = "from: outside, to: 203.0.113.10:81, expect: refused";
  expect(checkRows([refused], shop, mode)).toEqual([]);
  expect(checkRows([refused])).toHaveLength(1);
});

test("in IPVS mode a row fails, too, where one endpoint is not the only one, whoever chooses", () => {
  const row = "from: 10.244.0.9, to: svc/default/web, expect: delivered, endpoints: [10.244.0.5:8080]";
  const [finding] = checkRows([row], shop, "wlc");
  expect(finding && rowLine(finding)).toContain("but is delivered to 10.244.0.5:8080 and 10.244.1.5:8080");
  expect(finding && rowWalks(finding, false)).toContain("-A -t 10.96.0.10:80 -s wlc");
});

test.each([
  ["another end", "from: outside, to: 203.0.113.10:80, expect: delivered"],
  ["refused, not dropped", "from: node, to: svc/default/idle, expect: dropped"],
  ["dropped, not refused", "from: outside, to: 203.0.113.10:80, expect: refused"],
  ["no rule chose the receiver", "from: 10.244.0.9, to: 10.244.0.5:8080, expect: delivered"],
  ["a rule chose it", "from: 10.244.0.9, to: svc/default/web, expect: untouched"],
  ["another source", "from: node, to: svc/default/web, expect: delivered, source: kept"],
  ["one endpoint more", "from: 10.244.0.9, to: svc/default/web, expect: delivered, endpoints: [10.244.0.5:8080]"],
  ["one endpoint less", `from: outside, to: nodeport:30080, expect: delivered, ${both}`],
  ["another port", "from: outside, to: nodeport:30080, expect: delivered, endpoints: [10.244.0.5:80]"],
  ["by chance only", "from: pod/default/web-a, to: svc/default/web, expect: delivered, source: kept"],
])("fails: %s", (_, row) => {
  const { fault } = failure(row);
  expect(fault).toMatchObject({ kind: "otherwise", packets: 1, failing: [{ walks: [{ source: "the case" }] }] });
});

test("every packet of a Service must fare as expected: the load-balancer address is closed, the node port open", () => {
  const { fault } = failure("from: outside, to: svc/default/web, expect: dropped");
  expect(fault).toMatchObject({
    kind: "otherwise",
    packets: 2,
    failing: [{ probe: { destination: { kind: "node-port" } } }],
  });
});

test.each([
  ["service-not-found", "from: node, to: svc/default/wep, expect: delivered"],
  ["port-not-found", "from: node, to: svc/default/web:https, expect: delivered"],
  ["pod-not-found", "from: pod/default/client, to: svc/default/web, expect: delivered"],
  ["no-client-of-family", 'from: "fd00::9", to: svc/default/web, expect: delivered'],
  ["no-rules-of-family", 'from: "fd00::9", to: "[fd00::12]:80", expect: untouched'],
  ["headless", "from: node, to: svc/default/db, expect: delivered"],
])("fails where nothing can be sent: %s", (code, row) => {
  expect(failure(row).fault).toMatchObject({ kind: "not-asked", because: [{ code }] });
});

test("what depends on something that is not known fails, unless the row holds either way", () => {
  const row = "from: 10.244.0.9, to: svc/default/web, expect: delivered";
  expect(checkRows([row, `${row}, ${both}`], shop, "bridge")).toEqual([]);
  const { fault } = failure(`${row}, source: kept`, shop, "bridge");
  expect(fault.kind === "otherwise" && fault.failing[0]?.walks[0]?.cases).toHaveLength(2);
});

test("an interface decides it", () => {
  const row = "from: 10.244.0.9, to: svc/default/web, expect: delivered";
  const rows = [`${row}, in-interface: cni0, source: kept`, `${row}, in-interface: eth0, source: rewritten`];
  expect(checkRows(rows, shop, "bridge")).toEqual([]);
});

const four = "10.244.0.6:80";
const six = '"[fd00:1::6]:80"';

test("both families are asked about, each with its own endpoints", () => {
  const row = "from: node, to: svc/default/both, expect: delivered";
  expect(checkRows([`${row}, endpoints: [${four}, ${six}]`], dualShop)).toEqual([]);
  expect(failure(`${row}, endpoints: [${four}]`, dualShop).fault).toMatchObject({
    kind: "otherwise",
    packets: 2,
    failing: [{ probe: { family: 6 } }],
  });
});

test("an endpoint of a family in which nothing is sent fails", () => {
  const row = `from: 10.244.0.9, to: svc/default/both, expect: delivered, endpoints: [${four}, ${six}]`;
  expect(failure(row, dualShop).fault).toEqual({ kind: "never-sent", endpoints: ["[fd00:1::6]:80"] });
});

test("a node port is asked for in the families that have it", () => {
  const { fault } = failure("from: outside, to: nodeport:30080, expect: dropped", dualShop);
  expect(fault).toMatchObject({ kind: "otherwise", packets: 1, failing: [{ probe: { family: 4 } }] });
});

test("lines of a walk are those of the case's own file", () => {
  const golden = {
    read: { sources: [{ name: "input.yaml", text: shop }], problems: [] },
    config: undefined,
    node: noNodeSettings,
    expected: new Map(),
    packets: rowsOf("from: outside, to: 203.0.113.10:80, expect: delivered"),
  };
  const texts = renderCase(golden);
  const lines = texts.get("iptables.rules")?.split("\n") ?? [];
  const [finding] = checkPackets(golden, texts);
  const steps = finding?.fault.kind === "otherwise" ? (finding.fault.failing[0]?.walks[0]?.steps ?? []) : [];
  const told = steps.flatMap((step) => (step.kind === "hop" && step.hop.line !== undefined ? [step.hop] : []));
  expect(told.length).toBeGreaterThan(1);
  for (const { line = 0, chain } of told) expect(lines[line - 1]).toMatch(new RegExp(`^-[AI] ${chain} `));
  expect(lines[(told.at(-1)?.line ?? 0) - 1]).toContain("-j DROP");
});

test("without rows there is nothing to find", () => {
  const golden = {
    read: { sources: [{ name: "input.yaml", text: shop }], problems: [] },
    config: undefined,
    node: noNodeSettings,
    expected: new Map(),
    packets: [],
  };
  expect(checkPackets(golden, renderCase(golden))).toEqual([]);
});
