// Tests of src/commands/options.ts.
import { describe, expect, test } from "@jest/globals";
import { Command } from "commander";
import { familyOf } from "../../../rules/index.ts";
import {
  addClusterOptions,
  addInputOptions,
  addOptionalInputOptions,
  addRecordOption,
  addVariantOption,
  familiesOf,
  inputOf,
  sourceOf,
  thisHost,
  toDesiredOptions,
  type ClusterOptions,
  type InputOptions,
  type OptionalInputOptions,
} from "../../../src/commands/options.ts";

const parse = (line: string) =>
  addVariantOption(addInputOptions(new Command()))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .parse(line.split(" "), { from: "user" })
    .opts<InputOptions>();
const desired = (line: string) => toDesiredOptions(parse(line));

test("what is not given has kubeadm's ranges, both families, and no node", () => {
  expect(desired("-f a")).toEqual({
    files: ["a"],
    recursive: false,
    configFile: undefined,
    nodeName: undefined,
    nodeAddresses: [],
    families: [4, 6],
    serviceCidrs: ["10.96.0.0/12", "fd00:10:96::/112"],
    podCidrs: ["10.244.0.0/16", "fd00:10:244::/64"],
    nodePorts: { low: 30000, high: 32767 },
  });
});

test.each([
  ["-f a -f - -f b", { files: ["a", "-", "b"] }],
  ["-f a -R", { recursive: true }],
  ["-f a --config c", { configFile: "c" }],
  ["-f a --node-name n", { nodeName: "n" }],
  ["-f a --node-address 10.0.0.1 --node-address FD00:0::1", { nodeAddresses: ["10.0.0.1", "fd00::1"] }],
  ["-f a --family 6", { families: [6] }],
  ["-f a --service-cidr 10.0.0.0/16 --service-cidr fd00::/112", { serviceCidrs: ["10.0.0.0/16", "fd00::/112"] }],
  ["-f a --pod-cidr 10.1.0.0/16", { podCidrs: ["10.1.0.0/16"] }],
  ["-f a --node-port-range 1-65535", { nodePorts: { low: 1, high: 65535 } }],
  ["-f a --node-port-range 80-80", { nodePorts: { low: 80, high: 80 } }],
])("%s", (line, expected) => {
  expect(desired(line)).toMatchObject(expected);
});

describe("is refused:", () => {
  test.each([
    ["", "commander.missingMandatoryOptionValue"],
    ["-f a --node-address x", "commander.invalidArgument"],
    ["-f a --node-address 10.0.0.1/8", "commander.invalidArgument"],
    ["-f a --service-cidr 10.0.0.0/33", "commander.invalidArgument"],
    ["-f a --pod-cidr 10.0.0.0", "commander.invalidArgument"],
    ["-f a --node-port-range 0-9", "commander.invalidArgument"],
    ["-f a --node-port-range 9-8", "commander.invalidArgument"],
    ["-f a --node-port-range 1-65536", "commander.invalidArgument"],
    ["-f a --node-port-range 80", "commander.invalidArgument"],
    ["-f a --family 10", "commander.invalidArgument"],
    ["-f a --variant ipvs", "commander.invalidArgument"],
  ])("%j", (line, code) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ code }));
  });
});

describe("where manifests are not required", () => {
  const optional = (line: string) =>
    inputOf(
      addOptionalInputOptions(new Command())
        .parse(
          line.split(" ").filter((word) => word !== ""),
          { from: "user" },
        )
        .opts<OptionalInputOptions>(),
    );

  test("they are the same options", () => {
    const line = "-f a -f b -R --config c --node-name n --pod-cidr 10.1.0.0/16";
    expect(optional(line)).toEqual(parse(line));
  });

  test.each(["", "--family 6", "--node-port-range 1-2"])("%j names none", (line) => {
    expect(optional(line)).toBeUndefined();
  });

  test.each([
    "-R",
    "--config c",
    "--node-name n",
    "--node-address 10.0.0.1",
    "--service-cidr 10.0.0.0/16",
    "--pod-cidr 10.1.0.0/16",
  ])("%s is refused without them", (line) => {
    expect(() => optional(line)).toThrow(expect.objectContaining({ name: "InputError" }));
  });
});

describe("where a cluster may take the place of manifests", () => {
  const source = (line: string) =>
    sourceOf(
      addRecordOption(addClusterOptions(addOptionalInputOptions(new Command())))
        .parse(
          line.split(" ").filter((word) => word !== ""),
          { from: "user" },
        )
        .opts<OptionalInputOptions & ClusterOptions>(),
    );

  test("manifests are read as elsewhere", () => {
    const line = "-f a -R --config c --node-name n --service-cidr 10.0.0.0/16 --node-port-range 1-2";
    expect(source(line)).toEqual({ kind: "manifests", options: desired(line) });
  });

  test("of a cluster nothing is made up", () => {
    const line = "--config c --node-name n --node-address 10.0.0.1";
    expect(source(`--from-cluster ${line} --kubeconfig k --record r --family 6`)).toEqual({
      kind: "cluster",
      options: { ...desired(`-f a ${line} --family 6`), files: [], placeholders: "none" },
      kubeconfig: "k",
      record: { folder: "r", families: [6] },
    });
  });

  test("a record is about no family where none is named", () => {
    expect(source("--from-cluster --record r")).toMatchObject({ record: { families: [] } });
    expect(source("--from-cluster")).toMatchObject({ kubeconfig: undefined, record: undefined });
  });

  test.each([
    ["", "--from-cluster"],
    ["--node-name n", "--from-cluster"],
    ["-f a --from-cluster", "-f"],
    ["--from-cluster -R", "--recursive"],
    ["--from-cluster --service-cidr 10.0.0.0/16", "--service-cidr"],
    ["--from-cluster --pod-cidr 10.0.0.0/16", "--pod-cidr"],
    ["--from-cluster --node-port-range 1-2", "--node-port-range"],
    ["--from-cluster --node-port-range 30000-32767", "--node-port-range"],
    ["-f a --kubeconfig k", "--kubeconfig"],
    ["-f a --record r", "--record"],
  ])("%j is refused, and %s is named", (line, named) => {
    const message = expect.stringContaining(named) as unknown;
    expect(() => source(line)).toThrow(expect.objectContaining({ name: "InputError", message }));
  });
});

test.each([
  ["4", [4]],
  ["6", [6]],
  ["both", [4, 6]],
] as const)("family %s is %j", (choice, families) => {
  expect(familiesOf(choice)).toEqual(families);
});

test("this host has a name in lower case, and of each family the loopback and link-local addresses come last", () => {
  const { name, ips } = thisHost();
  expect(name).toBe(name.toLowerCase());
  for (const family of [4, 6]) {
    const ranks = ips.filter((ip) => familyOf(ip) === family).map((ip) => /^(127\.|::1$|fe80)/.test(ip));
    expect(ranks).toEqual([...ranks].sort());
  }
});
