// Tests of src/agent/lean.ts.
import { expect, test } from "@jest/globals";
import { decodeEndpointSlice } from "../../../rules/decode/endpoint-slice.ts";
import { decodeService } from "../../../rules/decode/service.ts";
import { buildCluster, buildModel } from "../../../rules/index.ts";
import { createLean } from "../../../src/agent/lean.ts";
import { aView, rulesetOf } from "../../make/node.ts";
import { manifest } from "../../bench/cluster.ts";
import { renderRuleset } from "../../../rules/index.ts";

const { items } = JSON.parse(manifest({ services: 40, endpoints: 5 })) as { items: { kind: string }[] };
const services = items.filter(({ kind }) => kind === "Service").flatMap((item) => decodeService(item).value ?? []);
const slices = items
  .filter(({ kind }) => kind === "EndpointSlice")
  .flatMap((item) => decodeEndpointSlice(item).value ?? []);

test("keeps all that rules depend on", () => {
  const lean = createLean();
  const whole = rulesetOf(buildCluster(services, slices));
  const small = rulesetOf(buildCluster(services.map(lean.service), slices.map(lean.slice)));
  expect(whole.tables.nat.chains.size).toBeGreaterThan(40);
  expect(renderRuleset(small)).toBe(renderRuleset(whole));
  const view = aView({ node: { name: "node-7" } });
  const ends = (model: ReturnType<typeof buildModel>) => JSON.stringify(model.services);
  expect(ends(buildModel(buildCluster(services.map(lean.service), slices.map(lean.slice)), view))).toBe(
    ends(buildModel(buildCluster(services, slices), view)),
  );
});

test("leaves out selectors and the names of Pods", () => {
  const lean = createLean();
  const text = JSON.stringify([services.map(lean.service), slices.map(lean.slice)]);
  expect(JSON.stringify([services, slices])).toMatch(/"pod":.*5d8f7c9b6/);
  expect(text).not.toMatch(/"pod"|"hostname"|5d8f7c9b6|"app"/);
});

test("keeps hints and conditions", () => {
  const lean = createLean();
  const endpoint = {
    addresses: ["10.0.0.1"],
    conditions: { ready: false, serving: true, terminating: true },
    nodeName: "node-a",
    hints: { forZones: [{ name: "a" }], forNodes: [{ name: "node-a" }] },
  };
  const { value } = decodeEndpointSlice({
    metadata: { name: "web-1", namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 80 }],
    endpoints: [endpoint],
  });
  if (value === undefined) throw new Error("bug: no slice");
  expect(lean.slice(value)).toEqual(value);
});
