// Tests of src/desired/desired.ts.
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { renderRuleset, type Ip } from "../../../rules/index.ts";
import type { Problem } from "../../../rules/problem.ts";
import {
  buildFromObjects,
  defaultRanges,
  InputError,
  readDesired,
  readSettings,
  servesSomething,
  type Desired,
} from "../../../src/desired/desired.ts";
import { loadSources } from "../../../src/manifest/load.ts";
import { ManifestReadError } from "../../../src/manifest/read.ts";
import { aWeb, aWeb6, madeUp } from "../commands/a-manifest.ts";
import { aFolder, badInput, config, input } from "../golden/a-case.ts";
import { aDesired, type DesiredFields } from "./a-desired.ts";

const codes = (...args: Parameters<typeof aDesired>) =>
  aDesired(...args).problems.map(({ severity, code }) => `${severity} ${code}`);
const places = (...args: Parameters<typeof aDesired>) =>
  aDesired(...args).problems.map(({ line }) => /^\S+:\d+:\d+(?=: )/.exec(line)?.[0]);
const ips = (...texts: string[]) => texts as Ip[];

describe("builds", () => {
  test("are one of each family, in their order", () => {
    expect(aDesired(aWeb(), { families: [4, 6] }).builds.map(({ ruleset }) => ruleset.family)).toEqual([4, 6]);
    expect(aDesired(aWeb(), { families: [6] }).builds.map(({ ruleset }) => ruleset.family)).toEqual([6]);
  });

  test.each([
    ["neither", "", [false, false]],
    ["IPv4", aWeb(), [true, false]],
    ["IPv6", aWeb6(), [false, true]],
    ["both", aWeb() + aWeb6(), [true, true]],
    ["neither, of a headless Service", input.replace("10.96.0.10", "None"), [false, false]],
  ])("serve something: %s", (_, text, expected) => {
    expect(aDesired(text).builds.map(servesSomething)).toEqual(expected);
  });

  test("are the same whatever the order of objects and files", () => {
    const render = (...args: Parameters<typeof aDesired>) =>
      aDesired(...args).builds.map(({ ruleset }) => renderRuleset(ruleset));
    const rendered = render(aWeb(), { files: [aWeb6(), madeUp] });
    expect(render(madeUp, { files: [aWeb6(), aWeb()] })).toEqual(rendered);
    expect(render(aWeb6() + madeUp + aWeb())).toEqual(rendered);
  });
});

describe("problems", () => {
  test("leave the rest as it is without them", () => {
    const [sound, bad] = [aDesired(input), aDesired(badInput)];
    expect(bad.problems).toHaveLength(1);
    expect(bad.builds.map(({ ruleset }) => renderRuleset(ruleset))).toEqual(
      sound.builds.map(({ ruleset }) => renderRuleset(ruleset)),
    );
  });

  test("are in the order of files and lines, whichever stage found them", () => {
    const clash = input.replace("web", "web2");
    expect(places(`${badInput}---\n${clash}`, { files: [badInput.replace("web", "web3"), "- ["] })).toEqual([
      "a.yaml:6:1",
      "a.yaml:11:1",
      "b.yaml:4:1",
      "b.yaml:6:1",
      "c.yaml:1:4",
    ]);
  });

  test("that both families find are told once", () => {
    const none = aWeb({ nodePort: 30080 }) + aWeb({ name: "web2", ip: "10.96.0.11", nodePort: 30080 });
    expect(codes(none)).toHaveLength(new Set(aDesired(none).problems.map(({ line }) => line)).size);
    expect(codes(none).length).toBeGreaterThan(0);
  });

  test("of the configuration come first, and warnings stop nothing", () => {
    const desired = aDesired(badInput, { config: `${config}nodePortAdresses: []\n` });
    const severities = desired.problems.map(({ severity }) => severity);
    expect(severities.at(-1)).toBe("error");
    expect(new Set(severities.slice(0, -1))).toEqual(new Set(["warning"]));
    expect(desired.problems.slice(0, -1).map(({ line }) => /^config\.yaml:\d+/.exec(line)?.[0])).toContain(
      "config.yaml:3",
    );
  });

  test("of the configuration that are errors stop everything, and all of them are named", () => {
    const broken = `${config}iptables: { masqueradeBit: 40 }\nconfigSyncPeriod: soon\n`;
    let message = "";
    try {
      aDesired(input, { config: broken });
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      message = (error as Error).message;
    }
    expect(message.split("\n").map((line) => /^config\.yaml:\d+/.exec(line)?.[0])).toEqual([
      "config.yaml:3",
      "config.yaml:4",
    ]);
  });
});

test("objects of other kinds are counted", () => {
  const text = `${input}---\n{ apiVersion: v1, kind: Secret }\n---\n{ apiVersion: v1, kind: Secret }\n`;
  expect([...aDesired(text).skipped]).toEqual([["Secret", 2]]);
});

test("what was made up is named, and is in the ranges given", () => {
  const fields: DesiredFields = { ...defaultRanges, nodePorts: { low: 31000, high: 31000 }, families: [4] };
  const { placeholders } = aDesired(madeUp, fields);
  expect(placeholders.map(({ field, from }) => [field, from])).toContainEqual([
    "spec.ports[0].nodePort",
    "31000-31000",
  ]);
  expect(placeholders.filter(({ object }) => object === "Service default/open").length).toBeGreaterThanOrEqual(2);
});

test("objects that nothing is to be made up for count as they are, and are otherwise built alike", () => {
  const [bare, full] = [aDesired(madeUp, { placeholders: "none" }), aDesired(aWeb(), { placeholders: "none" })];
  expect([bare.placeholders, bare.problems, bare.builds.map(servesSomething)]).toEqual([[], [], [false, false]]);
  expect(full.builds.map(({ ruleset }) => renderRuleset(ruleset))).toEqual(
    aDesired(aWeb()).builds.map(({ ruleset }) => renderRuleset(ruleset)),
  );
});

describe("buildFromObjects", () => {
  test("tells problems without places where no file holds the objects", () => {
    const { problems, locate, ...loaded } = loadSources([{ name: "a.yaml", text: badInput }]);
    const bare = problems.map(({ problem }) => ({ problem, source: undefined }));
    const objects = {
      ...loaded,
      problems: bare,
      locate: (problem: Problem) => ({ ...locate(problem), source: undefined }),
    };
    const options = { files: [], recursive: false, configFile: undefined, nodeName: undefined, nodeAddresses: [] };
    const desired = buildFromObjects(
      { loaded: objects, sources: [], config: undefined },
      { ...options, families: [4, 6], ...defaultRanges },
    );
    const rules = ({ builds }: Desired) => builds.map(({ ruleset }) => renderRuleset(ruleset));
    expect(rules(desired)).toEqual(rules(aDesired(badInput)));
    expect(desired.problems.map(({ line }) => line)).toEqual(
      aDesired(badInput).problems.map(({ line }) => line.replace(/^a\.yaml:\d+:\d+: /, "")),
    );
  });
});

test.each([
  ["none", undefined, undefined],
  ["a configuration without a node", config, undefined],
  ["one with a node", `${config}hostnameOverride: node-n\n`, "node-n"],
])("readSettings finds the node's name: %s", (_, text, name) => {
  expect(readSettings(text === undefined ? undefined : { name: "c", text }).nodeName).toBe(name);
});

describe("the node", () => {
  const nodes = (...names: string[]) =>
    names
      .map(
        (name, index) => `---
apiVersion: v1
kind: Node
metadata: { name: ${name}, labels: { topology.kubernetes.io/zone: zone-${name} } }
spec: { podCIDRs: [10.244.${index}.0/24] }
status: { addresses: [{ type: InternalIP, address: 192.168.0.${index + 1} }] }
`,
      )
      .join("");
  const host = { name: "b", ips: ips("10.9.9.9", "127.0.0.1") };

  test.each<[string, string, DesiredFields, string | undefined]>([
    ["nothing where nothing says so", "", {}, undefined],
    ["the only Node", nodes("a"), {}, "a"],
    ["none of several Nodes", nodes("a", "b"), {}, undefined],
    ["the host's", nodes("a", "b"), { host }, "b"],
    ["the configuration's before the host's", nodes("a", "b"), { host, config: `${config}hostnameOverride: a\n` }, "a"],
    [
      "the option's before all others",
      nodes("a"),
      { host, config: `${config}hostnameOverride: a\n`, nodeName: "c" },
      "c",
    ],
  ])("has a name: %s", (_, text, fields, expected) => {
    expect(aDesired(text, fields).node.name).toBe(expected);
  });

  test.each<[string, DesiredFields, object]>([
    [
      "the Node object's",
      { nodeName: "a" },
      { localIps: ["127.0.0.1", "::1", "192.168.0.1"], primaryIps: ["192.168.0.1"] },
    ],
    [
      "the host's, where it is one, but its primary one is the Node object's",
      { host },
      { localIps: ["127.0.0.1", "::1", "10.9.9.9"], primaryIps: ["192.168.0.2"] },
    ],
    [
      "the options'",
      { nodeName: "a", host, nodeAddresses: ips("10.1.1.1", "fd00::1") },
      { localIps: ["127.0.0.1", "::1", "10.1.1.1", "fd00::1"], primaryIps: ["192.168.0.1"] },
    ],
    [
      "and without a Node object the first of each family is primary",
      { nodeName: "x", nodeAddresses: ips("10.1.1.1", "10.1.1.2", "fd00::1") },
      { primaryIps: ["10.1.1.1", "fd00::1"], podCidrs: [], zone: undefined },
    ],
    ["and its Pods and zone are the Node object's", { nodeName: "b" }, { podCidrs: ["10.244.1.0/24"], zone: "zone-b" }],
  ])("has addresses: %s", (_, fields, expected) => {
    expect(aDesired(nodes("a", "b"), fields).node).toMatchObject(expected);
  });
});

describe("readDesired", () => {
  const options = (folder: string, more: object = {}) => ({
    files: [folder],
    recursive: false,
    configFile: undefined,
    nodeName: undefined,
    nodeAddresses: [],
    families: [4] as const,
    ...defaultRanges,
    ...more,
  });

  test("reads files and configuration", async () => {
    const folder = await aFolder({
      "a.yaml": input,
      "b.json": "{}",
      "config.conf": `${config}hostnameOverride: node-n\n`,
    });
    const desired = await readDesired(options(folder, { configFile: join(folder, "config.conf") }));
    expect(desired.node.name).toBe("node-n");
    expect(desired.builds.map(servesSomething)).toEqual([true]);
    const errors = desired.problems.filter(({ severity }) => severity === "error");
    expect(errors.map(({ line }) => line.startsWith(join(folder, "b.json:1:1")))).toEqual([true]);
  });

  test("throws for what cannot be read", async () => {
    const folder = await aFolder({ "a.yaml": input });
    await expect(readDesired(options(join(folder, "b.yaml")))).rejects.toThrow(ManifestReadError);
    await expect(readDesired(options(folder, { configFile: join(folder, "none") }))).rejects.toThrow(InputError);
  });
});
