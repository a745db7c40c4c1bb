// Tests of rules/explain/lookup.ts.
import { expect, test } from "@jest/globals";
import {
  endpointOf,
  findHealthPort,
  findNodePort,
  findPod,
  findService,
  findVip,
  frontendsAt,
  isKnownPodIp,
  podNames,
  servedPort,
  serviceNames,
} from "../../../rules/explain/lookup.ts";
import { modelOf, type Objects } from "../../../rules/explain/context.ts";
import { aService, aSlice, anIp } from "../../make/objects.ts";
import { aContext, aPod } from "./a-context.ts";

const web = aService({
  type: "LoadBalancer",
  externalTrafficPolicy: "Local",
  healthCheckNodePort: 32000,
  ports: [{ port: 80, nodePort: 30080 }],
});
const listed = aSlice({ endpoints: [{ ip: "10.1.0.1", nodeName: "there", pod: "web-0" }] });
const told = aPod("web-1", {
  nodeName: "here",
  hostNetwork: true,
  status: { phase: "Running", ips: [anIp("192.168.0.2")], ready: true },
});
const objects = aContext([web, listed, aSlice({ service: "gone" })], { pods: [told] }).objects as Objects;
const model = modelOf(objects, 4) as NonNullable<ReturnType<typeof modelOf>>;

test("Services are found by name, and slices without one are none", () => {
  expect(findService(objects, "default", "web")?.slices).toEqual([listed]);
  expect([findService(objects, "default", "gone"), serviceNames(objects)]).toEqual([undefined, ["default/web"]]);
});

test("pods are found by their own object and by the slices that list them", () => {
  expect(findPod(objects, "default", "web-0")).toEqual({ ips: ["10.1.0.1"], nodeName: "there", onHost: false });
  expect(findPod(objects, "default", "web-1")).toEqual({ ips: ["192.168.0.2"], nodeName: "here", onHost: true });
  expect([findPod(objects, "other", "web-0"), podNames(objects)]).toEqual([
    undefined,
    ["default/web-0", "default/web-1"],
  ]);
  expect(["10.1.0.1", "192.168.0.2", "10.1.0.2"].map((ip) => isKnownPodIp(objects, anIp(ip)))).toEqual([
    true,
    true,
    false,
  ]);
});

test("frontends are found by address, port and protocol", () => {
  const at = { port: 80, protocol: "tcp" } as const;
  expect(findVip(model, anIp("10.96.0.1"), at)?.service).toBe("default/web");
  expect(findVip(model, anIp("10.96.0.1"), { port: 80, protocol: "udp" })).toBeUndefined();
  expect(findNodePort(model, { port: 30080, protocol: "tcp" })?.kind).toBe("node-port");
  expect(findHealthPort(model, { port: 32000, protocol: "tcp" })?.service).toBe("default/web");
  expect(findHealthPort(model, { port: 32000, protocol: "udp" })).toBeUndefined();
  expect([frontendsAt(model, anIp("10.96.0.1")).length, frontendsAt(model, undefined).length]).toEqual([1, 1]);
});

test("a frontend is found with all that it was made from", () => {
  const frontend = findVip(model, anIp("10.96.0.1"), { port: 80, protocol: "tcp" });
  const served = frontend && servedPort(model, frontend);
  expect([served?.held.service, served?.spec, served?.servicePort.name]).toEqual([web, web.ports[0], "default/web"]);
  const other = aContext([aService({ name: "other" })]).objects as Objects;
  expect(frontend && servedPort(modelOf(other, 4) ?? model, frontend)).toBeUndefined();
});

test("an endpoint is one at its own port only", () => {
  expect(endpointOf(objects, anIp("10.1.0.1"), 8080)).toEqual(["default/gone", "default/web"]);
  expect(endpointOf(objects, anIp("10.1.0.1"), 80)).toEqual([]);
});
