// Tests of src/from-cluster/from-cluster.ts and of `plan --from-cluster`: the built command line beside a fake API server.
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { Ended } from "../commands/cli.ts";
import { built, cli } from "../commands/cli.ts";
import { aFolder, config } from "../golden/a-case.ts";
import type { Fault } from "../../support/faults.ts";
import { aCluster, aNodeObject, aServiceObject, aSliceObject, someObjects, stopClusters } from "./a-cluster.ts";

jest.setTimeout(120_000);
beforeAll(built, 120_000);
afterEach(stopClusters);

/** What was said without the places of a file, which a cluster's objects do not have. */
const placeless = ({ code, stdout, stderr }: Ended) => {
  const without = (text: string) => text.replaceAll(/\/\S*\.(?:json|yaml):\d+:\d+: /g, "");
  return { code, stdout: without(stdout), stderr: without(stderr) };
};

const filesOf = async (folder: string) => {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)),
  );
};

/** Where a golden case may be recorded: not there yet. */
const aNewFolder = async () => join(await aFolder(), "cases", "live");

describe("gives what plan -f gives of the same objects", () => {
  test.each([
    [[]],
    [["--node-name", "node-a"]],
    [["--node-name", "node-b", "-o", "summary"]],
    [["--node-name", "node-a", "-o", "json"]],
    [["--node-name", "node-b", "-o", "sh"]],
    [["--node-name", "node-a", "--family", "6"]],
    [["--node-name", "node-a", "--family", "both", "--variant", "legacy"]],
    [["--node-name", "node-a", "--node-address", "10.9.9.9", "-o", "summary"]],
    [["-o", "json"]],
  ])("with %j", async (args) => {
    const here = await aCluster(someObjects);
    const wanted = await cli(["plan", "-f", await here.manifest(), ...args]);
    expect([wanted.code, /10\.96\.0\.10|fd00:96::10/.test(wanted.stdout)]).toEqual([0, true]);
    expect(placeless(await here.plan(...args))).toEqual(placeless(wanted));
  });

  test("for a cluster of several pages, and asks for each page once", async () => {
    const here = await aCluster([aNodeObject()]);
    await here.api.fill({ services: 1200, endpoints: 3 });
    const args = ["--node-name", "node-a", "-o", "json"];
    const wanted = await cli(["plan", "-f", await here.manifest(), ...args]);
    await here.api.forgetRequests();
    expect(placeless(await here.plan(...args))).toEqual(placeless(wanted));
    const pages = (await here.api.requests()).map(({ path, query }) => [
      path.split("/").at(-1),
      query["limit"],
      "continue" in query,
    ]);
    const three = (name: string) => [
      [name, "500", false],
      [name, "500", true],
      [name, "500", true],
    ];
    expect(pages).toEqual([
      ["nodes", "500", false],
      ["servicecidrs", "500", false],
      ...three("services"),
      ...three("endpointslices"),
    ]);
  });

  test("on a server that knows no field selector for it and no ServiceCIDRs", async () => {
    const objects = someObjects.filter(({ kind }) => kind !== "ServiceCIDR");
    const here = await aCluster(objects, { version: "1.28" });
    const wanted = await cli(["plan", "-f", await here.manifest(), "--node-name", "node-a", "-o", "json"]);
    expect(placeless(await here.plan("--node-name", "node-a", "-o", "json"))).toEqual(placeless(wanted));
  });

  test("with a configuration that names the node", async () => {
    const here = await aCluster(someObjects);
    const text = `${config}hostnameOverride: node-b\nclusterCIDR: 10.244.0.0/16\n`;
    const args = ["--config", join(await aFolder({ "c.yaml": text }), "c.yaml"), "-o", "json"];
    const wanted = await cli(["plan", "-f", await here.manifest(), ...args]);
    await here.api.forgetRequests();
    expect(placeless(await here.plan(...args))).toEqual(placeless(wanted));
    expect((await here.api.requests())[0]?.query["fieldSelector"]).toBe("metadata.name=node-b");
  });
});

test("asks for Nodes, ServiceCIDRs, Services and EndpointSlices, as the agent does, and for nothing else", async () => {
  const here = await aCluster(someObjects);
  await here.plan("--node-name", "node-a");
  const asked = (await here.api.requests()).map(({ method, path, query }) => ({ method, path, ...query }));
  const ours = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";
  expect(asked).toEqual([
    { method: "GET", path: "/api/v1/nodes", fieldSelector: "metadata.name=node-a", limit: "500" },
    { method: "GET", path: "/apis/networking.k8s.io/v1/servicecidrs", limit: "500" },
    {
      method: "GET",
      path: "/api/v1/services",
      labelSelector: ours,
      fieldSelector: "spec.clusterIP!=None",
      limit: "500",
    },
    { method: "GET", path: "/apis/discovery.k8s.io/v1/endpointslices", labelSelector: ours, limit: "500" },
  ]);
});

test("makes nothing up: a Service without cluster IP and node port has none", async () => {
  const bare = { clusterIP: undefined, clusterIPs: undefined, type: "NodePort" };
  const here = await aCluster([aServiceObject("bare", "", bare), aSliceObject("bare", ["10.244.1.5"])]);
  const folder = await aNewFolder();
  const { code, stdout } = await here.plan("-o", "json", "--record", folder);
  const { placeholders, families } = JSON.parse(stdout) as {
    placeholders: unknown[];
    families: { services: { frontends: unknown[] }[] }[];
  };
  expect([code, placeholders]).toEqual([0, []]);
  expect(families.flatMap(({ services }) => services.flatMap(({ frontends }) => frontends))).toEqual([]);
  expect((await cli(["golden", "update", folder])).code).toBe(0);
  expect((await filesOf(folder))["summary.txt"]).not.toContain("bare");
});

test("diff takes a cluster too", async () => {
  const here = await aCluster(someObjects);
  const args = ["--node-name", "node-a", "--family", "4"];
  const dump = join(here.folder, "node.rules");
  await writeFile(dump, (await here.plan(...args)).stdout);
  const diff = () => cli(["diff", "--from-cluster", "--kubeconfig", here.kubeconfig, ...args, "--against", dump]);
  expect(await diff()).toMatchObject({ code: 0, stdout: "IPv4: no change\n" });
  await here.api.set(aSliceObject("web", ["10.244.1.5", "10.244.1.77"]));
  const { code, stdout } = await diff();
  expect([code, stdout.includes("10.244.1.77")]).toEqual([1, true]);
});

describe("where the API server is:", () => {
  const nowhere = { KUBECONFIG: "", KUBERNETES_SERVICE_HOST: "", KUBERNETES_SERVICE_PORT: "" };
  const plan = (env: Readonly<Record<string, string>>) =>
    cli(["plan", "--from-cluster", "--node-name", "node-a"], { env: { ...nowhere, ...env } });

  test("KUBECONFIG says, or the home directory", async () => {
    const here = await aCluster(someObjects);
    const wanted = await here.plan("--node-name", "node-a");
    expect(wanted.code).toBe(0);
    const home = await aFolder({ ".kube/config": await readFile(here.kubeconfig, "utf8") });
    expect(await plan({ HOME: here.folder, KUBECONFIG: here.kubeconfig })).toEqual(wanted);
    expect(await plan({ HOME: here.folder, KUBECONFIG: `/none:${here.kubeconfig}` })).toEqual(wanted);
    expect(await plan({ HOME: home })).toEqual(wanted);
  });

  test("nothing says: trouble, and what could say", async () => {
    const { code, stdout, stderr } = await plan({ HOME: await aFolder() });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/--kubeconfig.*KUBECONFIG.*\.kube\/config/);
  });
});

describe("trouble, told once and without rules:", () => {
  test.each([
    ["nodes", "", "nodes"],
    ["services", "", "services"],
    ["endpointslices", "discovery.k8s.io", "endpointslices"],
  ])("%s may not be listed", async (resource, group, name) => {
    const all = ["nodes", "services", "endpointslices", "servicecidrs"].filter((each) => each !== resource);
    const here = await aCluster(someObjects, {
      rbac: all.map((each) => ({ verb: "list", group: "*", resource: each })),
    });
    const folder = await aNewFolder();
    const { code, stdout, stderr } = await here.plan("--record", folder);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(new RegExp(`GET /api\\S*/${name}: 403`));
    expect(stderr).toContain(`apiGroups ["${group}"], resources ["${name}"], verbs ["list"]`);
    await expect(readdir(folder)).rejects.toThrow("ENOENT");
  });

  test("the token is wrong", async () => {
    const here = await aCluster(someObjects);
    await here.api.setAccess({ tokens: ["another"] });
    const { code, stdout, stderr } = await here.plan();
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/GET \/api\/v1\/nodes: 401/);
  });

  test.each<[Fault]>([[{ status: 500 }], [{ status: 410 }], ["truncated"], ["garbage"], ["reset"]])(
    "%j",
    async (fault) => {
      const here = await aCluster(someObjects);
      await here.api.failNext(1, fault, { resource: "services" });
      const { code, stdout, stderr } = await here.plan();
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^error: GET \/api\/v1\/services: /);
      const lists = (await here.api.requests()).filter(({ path }) => path === "/api/v1/services");
      expect(lists).toHaveLength(1);
    },
  );

  test("nobody listens", async () => {
    const here = await aCluster();
    await here.api.down();
    const { code, stdout, stderr } = await here.plan();
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: GET \/api\/v1\/nodes: .*ECONNREFUSED/);
  });

  test("a node's name that none can have", async () => {
    const here = await aCluster(someObjects);
    const { code } = await here.plan("--node-name", "a,spec.unschedulable=true");
    expect([code, await here.api.requests()]).toEqual([2, []]);
  });
});

test("ServiceCIDRs that may not be listed are gone without, and so it says", async () => {
  const allowed = ["nodes", "services", "endpointslices"].map((each) => ({ verb: "list", group: "*", resource: each }));
  const here = await aCluster(someObjects, { rbac: allowed });
  const { code, stdout, stderr } = await here.plan("--node-name", "node-a", "-o", "summary");
  expect([code, stdout.includes("default/web:http")]).toEqual([0, true]);
  expect(stderr).toMatch(/^info: GET \S*servicecidrs: 403/m);
});

test("a Node that is not there is named, and the rules are those of a node of that name", async () => {
  const here = await aCluster(someObjects);
  const { code, stdout, stderr } = await here.plan("--node-name", "node-c");
  expect([code, stdout.includes("node node-c")]).toEqual([0, true]);
  expect(stderr).toMatch(/^warn: .*node-c/m);
});

describe("--record", () => {
  test("makes a golden case that gives the plan's rules, and a folder that plan -f reads alike", async () => {
    const here = await aCluster(someObjects);
    const folder = await aNewFolder();
    const args = ["--node-name", "node-a", "--family", "both"];
    const { code, stdout } = await here.plan(...args, "--record", folder);
    expect(code).toBe(0);
    expect((await cli(["golden", "update", folder])).code).toBe(0);
    const check = await cli(["golden", "check", dirname(folder)]);
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining("1 passed")]);
    const files = await filesOf(folder);
    expect(Object.keys(files)).toEqual(["input.yaml", "ip6tables.rules", "iptables.rules", "node.yaml", "summary.txt"]);
    expect(`${files["iptables.rules"] ?? ""}${files["ip6tables.rules"] ?? ""}`).toBe(stdout);
    const again = await cli(["plan", "-f", folder, "--family", "both"]);
    expect([again.code, again.stdout]).toEqual([0, stdout]);
  });

  test.each([
    ["only the node's address", ["--node-name", "node-a", "--node-address", "10.9.9.9"]],
    ["a node without a Node", ["--node-name", "node-c"]],
    ["no node", []],
    ["one family", ["--node-name", "node-b", "--family", "6"]],
  ])("keeps what the options say: %s", async (_, args) => {
    const here = await aCluster(someObjects);
    const folder = await aNewFolder();
    const { stdout } = await here.plan(...args, "-o", "summary", "--record", folder);
    await cli(["golden", "update", folder]);
    expect((await filesOf(folder))["summary.txt"]).toBe(stdout);
  });

  test("keeps the configuration, byte for byte", async () => {
    const here = await aCluster(someObjects);
    const folder = await aNewFolder();
    const text = `# ours\n${config}hostnameOverride: node-b\niptables: { masqueradeBit: 20 }\n`;
    const file = join(await aFolder({ "c.yaml": text }), "c.yaml");
    const { stdout } = await here.plan("--config", file, "--record", folder);
    expect((await cli(["golden", "update", folder])).code).toBe(0);
    const files = await filesOf(folder);
    expect([files["config.yaml"], files["iptables.rules"]]).toEqual([text, stdout]);
    expect(files["node.yaml"]).toContain("name: node-b\n");
  });

  test("twice gives the same bytes, in whatever order objects came to be, and holds no noise", async () => {
    const recorded = async (objects: typeof someObjects) => {
      const here = await aCluster(objects, { managedFields: true });
      const folder = await aNewFolder();
      expect((await here.plan("--record", folder)).code).toBe(0);
      return filesOf(folder);
    };
    const files = await recorded(someObjects);
    expect(await recorded(someObjects.toReversed())).toEqual(files);
    const noise =
      "managedFields|resourceVersion|uid|creationTimestamp|last-applied|last-change|images|Ready|providerID";
    expect(files["input.yaml"]).not.toMatch(new RegExp(noise));
    expect(files["input.yaml"]?.match(/^kind: \w+\n.*\n {2}name: \S+/gm)).toHaveLength(someObjects.length);
  });

  test("refuses a folder that holds something, before it asks anybody, and leaves it as it is", async () => {
    const here = await aCluster(someObjects);
    const folder = await aFolder({ notes: "mine" });
    const { code, stdout, stderr } = await here.plan("--record", folder);
    expect([code, stdout, await here.api.requests()]).toEqual([2, "", []]);
    expect(stderr).toContain(folder);
    expect(await filesOf(folder)).toEqual({ notes: "mine" });
  });

  test("keeps malformed objects as they are; plan and the golden case both name them", async () => {
    const odd = { clusterIP: "10.96.0.300", ports: [{ port: 70000 }, "x"], selector: 5 };
    const bad = [
      { ...aServiceObject("odd", "10.96.0.99"), spec: odd, status: "odd" },
      { ...aSliceObject("web2", ["10.244.1.5"]), endpoints: [{ addresses: ["127.0.0.1"] }] },
    ];
    const here = await aCluster([...someObjects, ...bad]);
    const folder = await aNewFolder();
    await mkdir(folder, { recursive: true });
    const { code, stdout, stderr } = await here.plan("--node-name", "node-a", "--record", folder);
    expect(code).toBe(1);
    expect(stdout).toContain("10.96.0.10/32");
    const lines = stderr.split("\n").filter((line) => line.startsWith("error: "));
    expect(lines.length).toBeGreaterThanOrEqual(4);
    expect((await cli(["golden", "update", folder])).code).toBe(0);
    const files = await filesOf(folder);
    expect(files["iptables.rules"]).toBe(stdout);
    const told = (files["problems.txt"] ?? "")
      .split("\n")
      .flatMap((line) => /^input\.yaml:\d+:\d+: (.*)/.exec(line)?.[1] ?? []);
    expect(told.toSorted()).toEqual(lines.map((line) => line.replace("error: ", "")).toSorted());
  });

  test("writes nothing where the configuration is wrong", async () => {
    const here = await aCluster(someObjects);
    const folder = await aNewFolder();
    const file = join(await aFolder(), "c.yaml");
    await writeFile(file, `${config}iptables: { masqueradeBit: 40 }\n`);
    expect((await here.plan("--config", file, "--record", folder)).code).toBe(2);
    await expect(readdir(folder)).rejects.toThrow("ENOENT");
  });
});
