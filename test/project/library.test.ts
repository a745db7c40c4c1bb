import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { execa } from "execa";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

// Somebody else's project, with nothing installed but the packed tarball.
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rulewright-stranger-"));
  await execa("npm", ["pack", "--ignore-scripts", "--pack-destination", folder]);
  const [tarball = ""] = (await readdir(folder)).filter((file) => file.endsWith(".tgz"));
  await mkdir(join(folder, "node_modules"));
  await execa("tar", ["xzf", tarball], { cwd: folder });
  await execa("mv", ["package", "node_modules/rulewright"], { cwd: folder });
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(folder, "use.ts"), program);
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

const program = `
import {
  buildCluster, buildModel, buildRuleset, buildView, causeOf, decodeEndpointSlice, decodeService, defaultSettings, diffRulesets,
  emptyRuleset, orderChanges, parseRuleset, renderRuleset, renderScript, type Change, type Service,
} from "rulewright/rules";

const service = decodeService({
  metadata: { name: "web", namespace: "shop" },
  spec: { clusterIP: "10.96.0.10", ports: [{ port: 80 }] },
});
const slice = decodeEndpointSlice({
  metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  ports: [{ port: 8080 }],
  endpoints: [{ addresses: ["10.244.0.5"] }],
});
const services: readonly Service[] = service.value === undefined ? [] : [service.value];
const cluster = buildCluster(services, slice.value === undefined ? [] : [slice.value]);
const node = { name: "node-a", zone: undefined, podCidrs: [], primaryIps: [], localIps: [] };
const { ruleset } = buildRuleset(buildModel(cluster, buildView(node, defaultSettings, 4)));
const changes: Change[] = diffRulesets(emptyRuleset(4), ruleset);
const readBack = parseRuleset(renderRuleset(ruleset), 4);
const out: unknown = {
  dnat: renderScript(orderChanges(changes, 1000)).includes("-j DNAT --to-destination 10.244.0.5:8080"),
  causes: changes.flatMap((change) => causeOf(change).texts).includes("endpoint 10.244.0.5:8080 is new"),
  same: diffRulesets(readBack, ruleset).length,
  problems: decodeService({}).problems.length > 0,
};
export default JSON.stringify(out);
`;

test("the tarball holds only what is needed to run", async () => {
  const files = await readdir(join(folder, "node_modules/rulewright"), { recursive: true, withFileTypes: true });
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const unexpected = paths
    .map((path) => path.slice(path.indexOf("node_modules/rulewright/") + "node_modules/rulewright/".length))
    .filter(
      (path) =>
        !/^(package\.json|README\.md|LICENSE|dist\/rulewright\.js|dist\/parts\/[\w-]+\.js|dist\/rules\/(index\.js|.*\.d\.ts))$/.test(
          path,
        ),
    );
  expect(unexpected).toEqual([]);
});

test("a stranger's TypeScript compiles against it, declarations checked", async () => {
  const options = { module: "NodeNext", strict: true, noEmit: true, types: [], target: "ES2022", lib: ["ES2023"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["use.ts"] }));
  const { exitCode, stdout } = await execa(resolve("node_modules/.bin/tsc"), ["-p", "."], {
    cwd: folder,
    reject: false,
  });
  expect([exitCode, stdout]).toEqual([0, ""]);
}, 60_000);

test("decode, build, render, diff and parse work from it without anything else installed", async () => {
  await execa(resolve("node_modules/.bin/esbuild"), ["use.ts", "--format=esm", "--outfile=use.js"], { cwd: folder });
  const run = 'import("./use.js").then((used) => console.log(used.default))';
  const { stdout } = await execa("node", ["--input-type=module", "-e", run], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual({ dnat: true, causes: true, same: 0, problems: true });
});

test("its command line runs", async () => {
  const { stdout } = await execa(join(folder, "node_modules/rulewright/dist/rulewright.js"), ["--version"]);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+$/);
});
