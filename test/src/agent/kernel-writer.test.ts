// Tests of src/agent/kernel-writer.ts on the fake kernel.
import { describe, expect, test } from "@jest/globals";
import { emptyRuleset, parseRuleset, type Cluster } from "../../../rules/index.ts";
import { write } from "../../../src/agent/kernel-writer.ts";
import { rulesetOf } from "../../make/node.ts";
import { aCluster, aService, aSlice, podIp } from "../../make/objects.ts";
import { aKernel, rulesIn, rulesOf, type Naming } from "./a-kernel.ts";

const served = (name: string, at: number) => [
  aService({ name, clusterIps: [`10.96.${at >> 8}.${at & 255}`] }),
  aSlice({ service: name, endpoints: [podIp(at)] }),
];
const cluster = (...names: string[]): Cluster => aCluster(...names.flatMap((name, at) => served(name, at + 1)));
const many = aCluster(...Array.from({ length: 1020 }, (_, at) => served(`s${at}`, at)).flat());
const none = emptyRuleset(4);

describe("a write that is taken", () => {
  test.each<[string, Cluster, Cluster]>([
    ["makes all", aCluster(), cluster("a", "b")],
    ["changes what differs", cluster("a", "b"), cluster("a", "c", "d")],
    ["takes away", cluster("a", "b"), cluster("a")],
    ["makes several batches", aCluster(), many],
  ])("%s", async (_, before, after) => {
    const kernel = aKernel();
    await write(kernel, none, rulesetOf(before));
    kernel.take();
    const written = await write(kernel, rulesetOf(before), rulesetOf(after));
    expect(written).toMatchObject({ ok: true, left: undefined });
    expect(kernel.take()).toEqual(Array.from({ length: written.ok ? written.batches : 0 }, () => "write"));
    expect(await rulesIn(kernel)).toBe(rulesOf(after));
  });

  test("asks nothing of the kernel where nothing differs", async () => {
    const kernel = aKernel();
    expect(await write(kernel, rulesetOf(cluster("a")), rulesetOf(cluster("a")))).toEqual({
      ok: true,
      changes: [],
      batches: 0,
      leftChains: [],
      left: undefined,
    });
    expect(kernel.take()).toEqual([]);
  });

  test("is one commit a table where the kernel is legacy", async () => {
    const kernel = aKernel({}, { variant: "legacy" });
    expect(await write(kernel, none, rulesetOf(many))).toMatchObject({ ok: true, batches: 2 });
  });
});

describe("a write that is refused", () => {
  test.each<[string, RegExp, Naming, object]>([
    [
      "names the Service of the line",
      /--to-destination 10\.1\.0\.2:/,
      "line",
      { namesLine: true, services: ["default/b"] },
    ],
    ["names the Service of a chain's name", /^:KUBE-SVC-\S+ - /, "line", { namesLine: true, services: ["default/a"] }],
    [
      "names the Services of a chain that they share",
      /^-A KUBE-SERVICES -d /,
      "line",
      { namesLine: true, services: ["default/a", "default/b"] },
    ],
    ["names nobody for a line that is everybody's", /^-I PREROUTING /, "line", { namesLine: true, services: [] }],
    [
      "names nobody for the end of the batch",
      /--to-destination 10\.1\.0\.2:/,
      "commit",
      { namesLine: true, services: [] },
    ],
    ["names nobody where the tool names no line", /--to-destination/, "nothing", { namesLine: false, services: [] }],
  ])("%s", async (_, lines, naming, expected) => {
    const kernel = aKernel({ lines, naming });
    const names = naming === "line" && lines.source.startsWith("^:KUBE-SVC") ? ["a"] : ["a", "b"];
    const written = await write(kernel, none, rulesetOf(cluster(...names)));
    expect(written).toMatchObject({ ok: false, refused: expected });
    expect(
      !written.ok && lines.exec(written.refused.script.split("\n").find((line) => lines.test(line)) ?? ""),
    ).not.toBeNull();
  });

  test("stops there; what was written before is in force, and the rest can follow", async () => {
    const kernel = aKernel({ lines: /--to-destination 10\.1\.3\.250:/ });
    const written = await write(kernel, none, rulesetOf(many));
    expect(written).toMatchObject({ ok: false, done: 2, refused: { services: ["default/s1018"] } });
    expect(kernel.take()).toEqual(["write", "write", "refused"]);
    kernel.refusal.lines = undefined;
    await write(kernel, parseRuleset(await kernel.readRules(4), 4), rulesetOf(many));
    expect(await rulesIn(kernel)).toBe(rulesOf(many));
  });
});

describe("chains that others lead to", () => {
  const foreign = async (name: string) => {
    const kernel = aKernel();
    await write(kernel, none, rulesetOf(cluster("a", "b", "c")));
    const chain = new RegExp(`^-A (KUBE-SVC-\\S+) .*"default/${name} `, "m").exec(await kernel.readRules(4))?.[1] ?? "";
    await kernel.restore(4, `*nat\n:others - [0:0]\n-A others -j ${chain}\nCOMMIT\n`);
    kernel.take();
    return { kernel, chain };
  };

  test("are left, and told; all else is written", async () => {
    const { kernel, chain } = await foreign("b");
    const after = cluster("a", "d", "c", "e");
    const written = await write(kernel, rulesetOf(cluster("a", "b", "c")), rulesetOf(after));
    expect(written).toMatchObject({ ok: true, left: { services: ["default/b"] } });
    const lines = (text: string) => text.split("\n").filter((line) => !line.includes(chain));
    expect(lines(await rulesIn(kernel))).toEqual(lines(rulesOf(after)));
    expect(await kernel.readRules(4)).toContain(`-A others -j ${chain}`);
  });

  test("go once nobody leads to them", async () => {
    const { kernel } = await foreign("b");
    await write(kernel, rulesetOf(cluster("a", "b", "c")), rulesetOf(cluster("a")));
    await kernel.restore(4, "*nat\n-F others\n-X others\nCOMMIT\n");
    const there = parseRuleset(await kernel.readRules(4), 4);
    expect(await write(kernel, there, rulesetOf(cluster("a")))).toMatchObject({ ok: true, left: undefined });
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a")));
  });

  test("do not hide what is refused besides", async () => {
    const { kernel } = await foreign("b");
    kernel.refusal.lines = /--to-destination 10\.1\.0\.4:/;
    kernel.refusal.naming = "line";
    const before = rulesetOf(cluster("a", "b", "c"));
    expect(await write(kernel, before, rulesetOf(cluster("a", "x", "c", "e")))).toMatchObject({
      ok: false,
      refused: { services: ["default/e"] },
    });
  });
});
