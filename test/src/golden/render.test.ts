import { Command } from "commander";
import { expect, test } from "@jest/globals";
import { addInputOptions, toDesiredOptions as fromCommandLine } from "../../../src/commands/options.ts";
import type { GoldenCase } from "../../../src/golden/load.ts";
import { noNodeSettings, type NodeSettings } from "../../../src/golden/node-settings.ts";
import { renderCase, toDesiredOptions } from "../../../src/golden/render.ts";
import { badInput, config, input, input6 } from "./a-case.ts";

function aCase(text: string, node: Partial<NodeSettings> = {}, configText?: string): GoldenCase {
  return {
    read: { sources: [{ name: "input.yaml", text }], problems: [] },
    config: configText === undefined ? undefined : { name: "config.yaml", text: configText },
    node: { ...noNodeSettings, ...node },
    expected: new Map(),
    packets: [],
  };
}

const namesOf = (golden: GoldenCase) => [...renderCase(golden).keys()];

test.each<[string, GoldenCase, string[]]>([
  ["a Service of IPv4", aCase(input), ["iptables.rules", "summary.txt"]],
  ["a Service of IPv6", aCase(input6), ["ip6tables.rules", "summary.txt"]],
  [
    "Services of both",
    aCase(`${input}---\n${input6.replace("web", "web6")}`),
    ["iptables.rules", "ip6tables.rules", "summary.txt"],
  ],
  ["no Service", aCase(""), ["iptables.rules", "summary.txt"]],
  ["no Service, IPv6 asked for", aCase("", { families: [6] }), ["ip6tables.rules", "summary.txt"]],
  ["IPv4 asked for, a Service of IPv6", aCase(input6, { families: [4] }), ["iptables.rules", "summary.txt"]],
  ["a Service of IPv4 in IPVS mode", aCase(input, { backend: "ipvs" }), ["ipvs.rules", "summary.txt"]],
  [
    "both families, by a configuration's mode",
    aCase(input, { families: [4, 6] }, `${config}mode: ipvs\n`),
    ["ipvs.rules", "ipvs6.rules", "summary.txt", "problems.txt"],
  ],
  [
    "a configuration's mode that node.yaml overrules",
    aCase(input, { backend: "iptables" }, `${config}mode: ipvs\n`),
    ["iptables.rules", "summary.txt", "problems.txt"],
  ],
  ["a problem", aCase(badInput), ["iptables.rules", "summary.txt", "problems.txt"]],
])("%s: %#", (_, golden, names) => {
  expect(namesOf(golden)).toEqual(names);
});

test("problems are one located line each", () => {
  expect(renderCase(aCase(badInput)).get("problems.txt")).toMatch(/^input\.yaml:6:1: Object: [^\n]+\n$/);
});

test("a configuration with an error gives nothing", () => {
  expect(() => renderCase(aCase(input, {}, `${config}iptables: { masqueradeBit: 40 }\n`))).toThrow(/^config\.yaml:3:/);
});

test("what node.yaml leaves out is as on the command line", () => {
  const command = addInputOptions(new Command()).parse(["-f", "x"], { from: "user" });
  expect(toDesiredOptions(noNodeSettings)).toEqual({ ...fromCommandLine(command.opts()), files: [] });
});

test("what node.yaml says is as on the command line", () => {
  const flags =
    "--backend ipvs --node-name a --node-address 10.0.0.1 --family 6 --service-cidr 10.1.0.0/16 --pod-cidr 10.2.0.0/16 --node-port-range 1-2";
  const command = addInputOptions(new Command()).parse(["-f", "x", ...flags.split(" ")], { from: "user" });
  const node = {
    name: "a",
    addresses: ["10.0.0.1"],
    families: [6],
    serviceCidrs: ["10.1.0.0/16"],
    podCidrs: ["10.2.0.0/16"],
    nodePortRange: { low: 1, high: 2 },
    backend: "ipvs",
  } as unknown as NodeSettings;
  expect(toDesiredOptions(node)).toEqual({ ...fromCommandLine(command.opts()), files: [] });
});
