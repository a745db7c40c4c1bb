// Tests of src/subject/sides.ts.
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { defaultRanges } from "../../../src/desired/desired.ts";
import { nodeStandIn } from "../../../rules/explain/clients.ts";
import { buildSides } from "../../../src/subject/sides.ts";
import { dumpSubject, readManifestSubject, unknownNode, type Subject } from "../../../src/subject/subject.ts";
import type { Tracer } from "../../../rules/trace/trace.ts";
import { aWeb } from "../commands/a-manifest.ts";
import { aFolder } from "../golden/a-case.ts";

const manifests = async (text: string, nodeName?: string): Promise<Subject> =>
  readManifestSubject({
    files: [join(await aFolder({ "web.yaml": text }), "web.yaml")],
    recursive: false,
    configFile: undefined,
    nodeName,
    nodeAddresses: [],
    families: [4, 6],
    ...defaultRanges,
  });

const foreign = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -j OTHERS\n:OTHERS - [0:0]\n-A OTHERS -j ACCEPT\nCOMMIT\n";
const dump = (text: string) => dumpSubject({ name: "node.rules", text }, unknownNode);
const chainsOf = ({ firewall }: Tracer, table: string) => [...(firewall.dump.tables.get(table)?.chains.keys() ?? [])];

test("manifests beside a dump are that dump with their rules put in: rules of others and policies stay", async () => {
  const [found] = buildSides(dump(foreign), await manifests(aWeb()));
  expect(found?.family).toBe(4);
  const grafted = found?.sides.b;
  if (grafted === undefined) throw new Error("no side");
  expect(chainsOf(grafted, "filter")).toEqual(expect.arrayContaining(["OTHERS", "KUBE-FORWARD"]));
  const forward = grafted.firewall.dump.tables.get("filter")?.chains.get("FORWARD");
  expect(forward?.policy).toBe("DROP");
  expect(forward?.rules.at(-1)?.rule.target).toEqual({ kind: "jump", chain: "OTHERS" });
});

test("rules of Services in the dump give way to those of the manifests", async () => {
  const old =
    "*nat\n:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -j KUBE-SVC-AAAAAAAAAAAAAAAA\nCOMMIT\n";
  const [found] = buildSides(await manifests(aWeb()), dump(old));
  if (found === undefined) throw new Error("no side");
  expect(chainsOf(found.sides.a, "nat")).not.toContain("KUBE-SVC-AAAAAAAAAAAAAAAA");
  expect(chainsOf(found.sides.b, "nat")).toContain("KUBE-SVC-AAAAAAAAAAAAAAAA");
});

test("a family that only one side has is left out", async () => {
  expect(buildSides(dump(foreign), await manifests(aWeb())).map(({ family }) => family)).toEqual([4]);
  expect(buildSides(await manifests(aWeb()), await manifests(aWeb())).map(({ family }) => family)).toEqual([4, 6]);
});

test("where no address of the node is known, one of nobody's stands in", async () => {
  const [found] = buildSides(dump(foreign), await manifests(aWeb()));
  expect(found?.sides.a.node.localIps).toEqual(["127.0.0.1", "::1", nodeStandIn(4), nodeStandIn(6)]);
});

test("which endpoints are here is known from manifests, and from nothing else", async () => {
  const named = aWeb().replace('{ addresses: ["10.244.0.5"] }', '{ addresses: ["10.244.0.5"], nodeName: there }');
  const here = async (text: string, name?: string) =>
    buildSides(dump(foreign), await manifests(text, name))[0]?.settings.endpointsHere;
  expect(await here(named, "here")).toEqual(new Set());
  expect(await here(named, "there")).toEqual(new Set(["10.244.0.5"]));
  expect(await here(named)).toEqual(new Set(["10.244.0.5"]));
  expect(buildSides(dump(foreign), dump(foreign))[0]?.settings.endpointsHere).toBeUndefined();
});
