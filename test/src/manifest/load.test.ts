// Tests of src/manifest/load.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { resolve } from "../../../rules/offline/resolve.ts";
import { loadSources } from "../../../src/manifest/load.ts";
import { renderLocated } from "../../../src/manifest/located.ts";

const load = (...texts: readonly string[]) => loadSources(texts.map((text, index) => ({ name: `f${index}`, text })));
const found = (...texts: readonly string[]) =>
  load(...texts).problems.map(
    ({ problem, source }) => `${source?.file}:${source?.line}:${source?.column} ${problem.code}`,
  );

const service = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - name: http
    port: 80
    targetPort: http
  - name: admin
    port: 70000
`;
const sound = service.replace("70000", "8080");

test("decodes each kind into its list", () => {
  const template = "spec: {template: {spec: {}}}";
  const { objects, problems } = load(
    sound,
    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s}\naddressType: IPv4\n",
    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Endpoints, metadata: {name: e}}\n- {apiVersion: v1, kind: Node, metadata: {name: node}}",
    `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {}\n---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: d}\n${template}`,
  );
  expect(problems).toEqual([]);
  expect(Object.entries(objects).map(([list, members]) => [list, members.map(({ name }) => name)])).toEqual([
    ["services", ["web"]],
    ["slices", ["s"]],
    ["endpoints", ["e"]],
    ["nodes", ["node"]],
    ["pods", ["p"]],
    ["workloads", ["d"]],
  ]);
});

describe("problems", () => {
  test.each([
    ["a wrong value", service, ["f0:12:5 out-of-range"]],
    [
      "a missing value",
      "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - name: x\n",
      ["f0:6:5 wrong-type"],
    ],
    [
      "a wrong value in a list",
      `kind: List\nitems:\n- ${service.trim().replaceAll("\n", "\n  ")}`,
      ["f0:14:7 out-of-range"],
    ],
    [
      "a dropped version",
      "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: x}",
      ["f0:1:1 wrong-api-version"],
    ],
    ["a missing version", "kind: Pod\nmetadata: {name: x}", ["f0:1:1 wrong-api-version"]],
    ["a syntax error", `${sound}---\na: [\n`, ["f0:15:1 not-yaml-or-json"]],
    ["no object", "5", ["f0:1:1 not-an-object"]],
  ])("stand where there is %s", (_, text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  test("are one printable line", () => {
    expect(load(service).problems.map(renderLocated)).toEqual([
      "f0:12:5: Service default/web spec.ports[1].port: is 70000, must be 1 to 65535",
    ]);
  });

  test("of a later stage are placed by object and path", () => {
    const { objects, locate } = load(
      "# first\n",
      `kind: List\nitems:\n- ${sound.trim().replaceAll("\n", "\n  ")}`,
      pod,
    );
    const { problems } = resolve(objects, { serviceCidrs: [], podCidrs: [], nodePorts: { low: 1, high: 2 } });
    const named = problems.find(({ code }) => code === "named-port-not-found");
    expect(named && locate(named).source).toEqual({ file: "f1", line: 12, column: 7 });
    expect(named && locate({ ...named, object: "Service x/y" }).source).toBeUndefined();
  });
});

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {app: web}}\nspec: {}\n";

describe("an object that stands twice", () => {
  test("counts as it stands first, and the later one is reported with the place of the first", () => {
    const { objects, problems } = load(
      sound,
      `${pod}---\n${sound.replace("name: web", "name: web\n  namespace: default")}`,
    );
    expect(objects.services).toHaveLength(1);
    expect(problems).toMatchObject([{ problem: { code: "duplicate-object" }, source: { file: "f1", line: 6 } }]);
    expect(problems[0]?.problem.text).toContain("f0:1:1");
  });

  test("is another object in another namespace, or of another kind", () => {
    expect(
      found(sound, sound.replace("name: web", "name: web\n  namespace: x"), pod.replace("name: p", "name: web")),
    ).toEqual([]);
  });
});

test("kinds without a part in the rules are skipped and counted", () => {
  const text = "{apiVersion: v1, kind: ConfigMap}\n";
  const { skipped, problems } = load(
    text,
    text,
    "{apiVersion: serving.knative.dev/v1, kind: Service}",
    '{kind: "a\\nb"}',
    "{kind: __proto__}",
  );
  expect(problems).toEqual([]);
  expect([...skipped]).toEqual([
    ['"__proto__"', 1],
    ['"a\\nb"', 1],
    ["ConfigMap", 2],
    ["Service.serving.knative.dev", 1],
  ]);
});

test("20,000 objects with a problem each cost one scan of their file", () => {
  const items = Array.from({ length: 20000 }, (_, index) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `s${index}`, annotations: { filler: "x".repeat(200) } },
    spec: { ports: [{ port: 0 }] },
  }));
  const { problems } = load(JSON.stringify({ kind: "List", items }, null, 1));
  expect(problems).toHaveLength(20000);
  expect(problems[1]?.source).toMatchObject({ column: 7 });
});

test("nothing throws on hostile objects, and every line is printable", () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom("a\nb", "__proto__", '"', null, 70000, -1, "None", "10.0.0.1", "\u001b[31m", {}, []),
  );
  const kind = fc.constantFrom(
    "Service",
    "EndpointSlice",
    "Endpoints",
    "Node",
    "Pod",
    "Deployment",
    "List",
    "PodList",
    "x\ny",
  );
  const apiVersion = fc.constantFrom("v1", "apps/v1", "discovery.k8s.io/v1", "x", undefined);
  const object = fc.record(
    {
      apiVersion,
      kind,
      metadata: fc.record(
        { name: fc.oneof(fc.constantFrom("a", "b"), value), namespace: value, labels: value, ownerReferences: value },
        { requiredKeys: ["name"] },
      ),
      spec: fc.oneof(
        value,
        fc.record({
          ports: fc.array(fc.dictionary(fc.constantFrom("name", "port", "__proto__"), value)),
          selector: value,
        }),
      ),
      status: value,
      items: fc.array(value),
    },
    { requiredKeys: [] },
  );
  const ranges = { serviceCidrs: [], podCidrs: [], nodePorts: { low: 1, high: 2 } };
  fc.assert(
    fc.property(fc.array(object, { maxLength: 5 }), (objects) => {
      const loaded = load(
        JSON.stringify({ kind: "List", items: objects }),
        ...objects.map((each) => JSON.stringify(each)),
      );
      const later = resolve(loaded.objects, ranges).problems.map(loaded.locate);
      for (const problem of [...loaded.problems, ...later])
        expect(renderLocated(problem)).toMatch(/^f\d:\d+:\d+: [\x20-\x7e]+$/);
      for (const name of loaded.skipped.keys()) expect(name).toMatch(/^[\x20-\x7e]+$/);
    }),
    { numRuns: 500 },
  );
});
