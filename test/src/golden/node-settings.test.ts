import { expect, test } from "@jest/globals";
import { decodeNodeSettings, noNodeSettings } from "../../../src/golden/node-settings.ts";

test("reads every field", () => {
  const text = `name: node-a
addresses: [192.168.0.2, "fd00::2"]
families: [6, 4, 6]
serviceCIDRs: [10.0.0.0/16]
podCIDRs: [10.1.0.0/16]
nodePortRange: 31000-31999
placeholders: none
backend: ipvs
kind: NodeSettings
`;
  expect(decodeNodeSettings(text, "node.yaml")).toEqual({
    kind: "decoded",
    settings: {
      name: "node-a",
      addresses: ["192.168.0.2", "fd00::2"],
      families: [6, 4],
      serviceCidrs: ["10.0.0.0/16"],
      podCidrs: ["10.1.0.0/16"],
      nodePortRange: { low: 31000, high: 31999 },
      placeholders: "none",
      backend: "ipvs",
    },
  });
});

test.each(["", "# nothing\n", "{}", "name:\n", "null"])("%j says nothing", (text) => {
  expect(decodeNodeSettings(text, "node.yaml")).toEqual({ kind: "decoded", settings: noNodeSettings });
});

test.each([
  ["nam: a", "node.yaml:1:1: node settings nam: is not known"],
  ["name: a\nserviceCidrs: []", "node.yaml:2:1: node settings serviceCidrs: is not known"],
  ["name: Upper_Case", "node.yaml:1:1: node settings name: is"],
  ["addresses:\n  - 010.0.0.1", "node.yaml:2:5: node settings addresses[0]: is"],
  ["families: [5]", "node.yaml:1:12: node settings families[0]: is 5, must be 4 or 6"],
  ['families: ["4"]', "node.yaml:1:12: node settings families[0]: is"],
  ["serviceCIDRs: [10.0.0.1]", "node.yaml:1:16: node settings serviceCIDRs[0]: is"],
  ["podCIDRs: 10.0.0.0/8", "node.yaml:1:1: node settings podCIDRs: is"],
  ["nodePortRange: 3-2", "node.yaml:1:1: node settings nodePortRange: is"],
  ["nodePortRange: 0-70000", "node.yaml:1:1: node settings nodePortRange: is"],
  ["backend: nftables", "node.yaml:1:1: node settings backend: is"],
  ["placeholders: some", "node.yaml:1:1: node settings placeholders: is"],
  ["kind: Node", "node.yaml:1:1: node settings kind: is"],
  ["- name", "node.yaml:1:1: node settings: is a list, must be an object"],
  ["name: a\n---\nname: b", "node.yaml:3:1: node settings: stand in the file a second time"],
  ["name: [", "node.yaml:"],
])("refuses %j, with its place", (text, line) => {
  const decoded = decodeNodeSettings(text, "node.yaml");
  expect(decoded).toEqual({ kind: "refused", lines: [expect.stringContaining(line)] });
});

test("tells every problem", () => {
  const decoded = decodeNodeSettings("nam: a\nfamilies: [5, 7]\n", "node.yaml");
  expect(decoded.kind === "refused" && decoded.lines).toHaveLength(3);
});

test("no text of the file ends a line of a problem", () => {
  const decoded = decodeNodeSettings('"a\\nb": 1\n', "node.yaml");
  expect(decoded).toEqual({ kind: "refused", lines: [expect.stringMatching(/^[\x20-\x7e]+$/)] });
});
