// Tests of src/output/summary.ts.
import { describe, expect, test } from "@jest/globals";
import { renderSummary } from "../../../src/output/summary.ts";
import { aWeb, aWeb6, madeUp } from "../commands/a-manifest.ts";
import { aDesired } from "../desired/a-desired.ts";
import { config, input } from "../golden/a-case.ts";

/** Cells of the rows, without the heading. */
const rows = (...args: Parameters<typeof aDesired>) =>
  renderSummary(aDesired(...args))
    .split("\n\n")[0]
    ?.trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(/ {3,}/));

const web = (spec: string, endpoints: readonly string[] = ["10.244.0.5"]) =>
  aWeb({ endpoints }).replace('clusterIP: "10.96.0.10"', `clusterIP: 10.96.0.10, ${spec}`);

test("a frontend is a line; node ports are on the unspecified address", () => {
  expect(rows(aWeb({ nodePort: 30080 }))).toEqual([
    [
      "default/web",
      "10.96.0.10:80/TCP",
      "cluster-ip",
      "Cluster",
      "10.244.0.5:8080",
      expect.stringMatching(/^KUBE-SVC-/),
    ],
    ["default/web", "0.0.0.0:30080/TCP", "node-port", "Cluster", "10.244.0.5:8080", expect.stringMatching(/^KUBE-/)],
  ]);
});

test("IPv6 addresses are in brackets, and come after IPv4's", () => {
  expect(rows(aWeb6() + aWeb())?.map(([, frontend, , , endpoints]) => [frontend, endpoints])).toEqual([
    ["10.96.0.10:80/TCP", "10.244.0.5:8080"],
    ["[fd00:10:96::10]:80/TCP", "[fd00::5]:8080"],
  ]);
});

describe("endpoints", () => {
  test.each([
    [
      "three at most are shown",
      aWeb({ endpoints: ["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5"] }),
      "10.1.0.1:8080, 10.1.0.2:8080, 10.1.0.3:8080, and 2 more",
    ],
    [
      "three are not cut short",
      aWeb({ endpoints: ["10.1.0.1", "10.1.0.2", "10.1.0.3"] }),
      "10.1.0.1:8080, 10.1.0.2:8080, 10.1.0.3:8080",
    ],
    ["none", input, "none: refused"],
    ["none here", web("internalTrafficPolicy: Local"), "none on this node: dropped"],
  ])("%s", (_, text, expected) => {
    expect(rows(text)?.[0]?.[4]).toBe(expected);
  });
});

describe("the policy", () => {
  test.each([
    ["of a cluster IP is the internal one", "internalTrafficPolicy: Local, externalTrafficPolicy: Cluster", 0, "Local"],
    ["of a node port is the external one", "type: NodePort, externalTrafficPolicy: Local", 1, "Local"],
    ["names affinity", "sessionAffinity: ClientIP", 0, "Cluster, ClientIP 10800s"],
    [
      "names source ranges",
      "type: LoadBalancer, externalIPs: [], loadBalancerSourceRanges: [10.0.0.0/8, 192.168.0.0/16]",
      1,
      "Cluster, from 10.0.0.0/8,192.168.0.0/16",
    ],
  ])("%s", (_, spec, row, expected) => {
    const text = web(spec)
      .replace("port: 80,", spec.startsWith("type") ? "port: 80, nodePort: 30080," : "port: 80,")
      .replace(/(kind: Service\n.*\n.*)/, "$1\nstatus: { loadBalancer: { ingress: [{ ip: 203.0.113.1 }] } }");
    const all = rows(text) ?? [];
    const wanted = spec.includes("Ranges") ? all.find((cells) => cells[1]?.startsWith("203.")) : all[row];
    expect(wanted?.[3]).toBe(expected);
  });
});

test("a frontend that another Service has says so", () => {
  const chains = rows(aWeb() + aWeb({ name: "web2" }))?.map((cells) => cells[5]);
  expect(chains).toEqual([expect.stringMatching(/^KUBE-SVC-/), "taken by another Service"]);
});

test("a node port that no address of the node has says so", () => {
  const cells = rows(aWeb({ nodePort: 30080 }), {
    config: `${config}nodePortAddresses: [198.51.100.0/24]\n`,
    nodeName: "a",
  });
  expect(cells?.[1]?.[5]).toBe("no address in nodePortAddresses");
});

test("what was made up has a star, and is explained below", () => {
  const text = renderSummary(aDesired(madeUp, { families: [4] }));
  const [table = "", notes = ""] = text.split("\n\n");
  expect(table.match(/ \*(?=,| {3}|$)/gm)?.length).toBeGreaterThanOrEqual(4);
  expect(notes.match(/^# placeholder: /gm)).toHaveLength(4);
  expect(renderSummary(aDesired(aWeb()))).not.toMatch(/[*#]/);
});

test("in IPVS mode the last column has the scheduler, and - where rules refuse or drop", () => {
  const text = aWeb({ nodePort: 30080 }) + aWeb({ name: "dead", ip: "10.96.0.11", endpoints: [] });
  const asked = text.replace(
    "metadata: { name: web }",
    "metadata: { name: web, annotations: { rulewright.dev/ipvs-scheduler: mh } }",
  );
  const ipvs = (nodeAddresses: string[]) =>
    aDesired(asked, { backend: "ipvs", families: [4], nodeAddresses: nodeAddresses as never });
  const lines = renderSummary(ipvs(["192.168.0.2"]))
    .trimEnd()
    .split("\n");
  expect(lines.map((line) => line.split(/ {3,}/).at(-1))).toEqual(["VIRTUAL SERVER", "-", "mh,mh-port", "mh,mh-port"]);
  expect(renderSummary(ipvs([]))).toMatch(/30080\/TCP .* no address in nodePortAddresses$/m);
});
