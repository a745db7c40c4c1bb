// Tests of src/commands/graph.ts, through the built file.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { aFolder, badInput } from "../golden/a-case.ts";
import { aWeb, aWeb6, madeUp } from "./a-manifest.ts";
import { built, cli } from "./cli.ts";
import { describeNodes } from "./node.ts";

beforeAll(built, 120_000);

const samplePath = join(import.meta.dirname, "..", "..", "rules", "iptables", "samples", "mixed-six-services.rules");
const graph = (subject: string, input: string, ...args: string[]) =>
  cli(["graph", subject, "-f", "-", ...args], { input });
const headings = (text: string) => [...text.matchAll(/subgraph p\d+\["(.*)"\]/g)].map((found) => found[1]);

describe("draws", () => {
  test.each([
    ["one Service", "svc/default/web", aWeb() + aWeb({ name: "other", ip: "10.96.0.11" }), ["default/web"]],
    [
      "all of a namespace",
      "ns/default",
      aWeb() + aWeb({ name: "other", ip: "10.96.0.11" }),
      ["default/other", "default/web"],
    ],
    ["both families", "ns/default", aWeb() + aWeb6(), ["default/web (IPv4)", "default/web6 (IPv6)"]],
    ["what is made up", "svc/default/open", madeUp, ["default/open"]],
  ])("%s of manifests", async (_, subject, input, expected) => {
    const { code, stdout } = await graph(subject, input);
    expect([code, headings(stdout)]).toEqual([0, expected]);
  });

  test("one family where it is asked for", async () => {
    const { code, stdout } = await graph("ns/default", aWeb() + aWeb6(), "--family", "6");
    expect([code, headings(stdout)]).toEqual([0, ["default/web6"]]);
  });

  test("a dump of another's rules, from a file and from standard input", async () => {
    const file = await cli(["graph", "svc/edge/gate", "--rules", samplePath]);
    expect([file.code, headings(file.stdout)]).toEqual([0, ["edge/gate:web"]]);
    expect(file.stdout).toContain("dropped: no local endpoints");
    const stdin = await cli(["graph", "svc/edge/gate", "--rules", "-"], { input: readFileSync(samplePath, "utf8") });
    expect([stdin.code, stdin.stdout]).toEqual([0, file.stdout]);
  });

  test("a dump of our plan as it draws the manifests", async () => {
    const plan = await cli(["plan", "-f", "-"], { input: aWeb({ nodePort: 30_080 }) });
    const ofPlan = await cli(["graph", "svc/default/web", "--rules", "-"], { input: plan.stdout });
    expect([ofPlan.code, ofPlan.stdout]).toEqual([
      0,
      (await graph("svc/default/web", aWeb({ nodePort: 30_080 }))).stdout,
    ]);
  });

  test("SVG, the same each time", async () => {
    const [first, second] = [
      await graph("svc/default/web", aWeb(), "-o", "svg"),
      await graph("svc/default/web", aWeb(), "-o", "svg"),
    ];
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toMatch(/^<svg [^]*<title>Service default\/web<\/title>[^]*<\/svg>\n$/);
    expect(second.stdout).toBe(first.stdout);
  });
});

describe("draws nothing and says why", () => {
  const headless = aWeb().replace('clusterIP: "10.96.0.10"', "clusterIP: None");
  const external =
    "apiVersion: v1\nkind: Service\nmetadata: { name: db }\nspec: { type: ExternalName, externalName: x.example }\n";
  test.each([
    ["of a Service that is not there, with near names", "svc/default/wbe", aWeb(), "did you mean default/web?"],
    ["of a namespace that is not there", "ns/defualt", aWeb(), "did you mean default?"],
    ["of a headless Service", "svc/default/web", headless, "headless"],
    ["of an ExternalName", "svc/default/db", external, "ExternalName"],
    ["of a Service that only the other family has", "svc/default/web6 --family 4", aWeb6(), "families"],
    ["of what is no Service", "pod/default/web", aWeb(), "svc/NAMESPACE/NAME"],
    ["of too much", "svc/default/web/80", aWeb(), "svc/NAMESPACE/NAME"],
    ["of too little", "svc/web", aWeb(), "svc/NAMESPACE/NAME"],
    ["of nothing", "ns/", aWeb(), "ns/NAMESPACE"],
  ])("%s", async (_, line, input, expected) => {
    const [subject = "", ...args] = line.split(" ");
    const { code, stdout, stderr } = await graph(subject, input, ...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(expected);
  });

  test.each([
    ["a dump without the Service", ["svc/edge/gat", "--rules", samplePath], "", "did you mean edge/gate?"],
    ["a dump that is none", ["ns/a", "--rules", "-"], "hello\n", "line 1"],
    ["a file that is not there", ["ns/a", "--rules", "/nonexistent"], "", "/nonexistent"],
    ["manifests and a dump", ["ns/a", "-f", "-", "--rules", samplePath], "", "give one"],
    ["a configuration without manifests", ["ns/a", "--rules", samplePath, "--config", "x"], "", "--config"],
  ])("for %s", async (_, args, input, expected) => {
    const { code, stdout, stderr } = await cli(["graph", ...args], { input });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(expected);
  });
});

test("problems in manifests are told, and the rest is drawn", async () => {
  const { code, stdout, stderr } = await graph("svc/default/web", badInput);
  expect([code, headings(stdout)]).toEqual([1, ["default/web"]]);
  expect(stderr).toContain("stdin:6:1: ");
});

test("a diagram that is too large for Mermaid is drawn with a warning", async () => {
  const many = Array.from({ length: 260 }, (_, index) =>
    aWeb({ name: `web${index}`, ip: `10.96.${index >> 8}.${index & 255}` }),
  );
  const { code, stderr } = await graph("ns/default", many.join(""));
  expect([code, stderr.includes("520 edges")]).toEqual([0, true]);
});

await describeNodes("on a node", (node) => {
  test("without manifests and dump it draws what the kernel holds, of both families", async () => {
    const { variant } = node();
    const file = join(await aFolder({ "web.yaml": aWeb() + aWeb6() }), "web.yaml");
    expect((await node().cli("apply", "--variant", variant, "-f", file)).code).toBe(0);
    const { code, stdout, stderr } = await node().cli("graph", "ns/default", "--variant", variant);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toBe((await graph("ns/default", aWeb() + aWeb6())).stdout);
  });
});

test("of IPVS mode there is nothing to draw, which is said", async () => {
  const { code, stderr } = await graph("svc/default/web", aWeb(), "--backend", "ipvs");
  expect([code, stderr]).toEqual([2, expect.stringContaining("graph draws the rules of iptables mode")]);
});
