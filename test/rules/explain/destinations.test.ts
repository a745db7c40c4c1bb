// Tests of rules/explain/destinations.ts.
import { describe, expect, test } from "@jest/globals";
import {
  addressDestination,
  dumpDestinations,
  isInRules,
  nodePortDestination,
} from "../../../rules/explain/destinations.ts";
import { parseTo, type To } from "../../../rules/explain/question.ts";
import { aCidr, aService, anIp, aSlice } from "../../make/objects.ts";
import { aContext, aPlan, type ContextFields } from "./a-context.ts";

type Of<K> = Extract<To, { readonly kind: K }>;
const address = (text: string) => parseTo(text) as Of<"address">;
const nodePort = (text: string) => parseTo(text) as Of<"node-port">;
const service = (text: string) => parseTo(text) as Of<"service">;

const exposed = aService({
  type: "LoadBalancer",
  ports: [
    { name: "http", port: 80, nodePort: 30080 },
    { name: "dns", protocol: "UDP", port: 53 },
  ],
  externalIps: ["192.0.2.1"],
  loadBalancerIps: ["198.51.100.10"],
});
const slice = aSlice({ ports: [{ name: "http" }, { name: "dns", protocol: "UDP", port: 5353 }] });
const context = (fields: ContextFields = {}) => aContext([exposed, slice], fields);
const rulesOnly = aContext([], { dumps: [aPlan([exposed, slice])], withoutObjects: true });

test.each([
  ["10.96.0.1:80", "cluster-ip", "default/web:http"],
  ["10.96.0.1:53/udp", "cluster-ip", "default/web:dns"],
  ["10.96.0.1:53", "address", undefined],
  ["192.0.2.1:80", "external-ip", "default/web:http"],
  ["198.51.100.10:80", "load-balancer-ip", "default/web:http"],
  ["192.168.0.2:30080", "node-port", "default/web:http"],
  ["127.0.0.1:30080", "node-port", "default/web:http"],
  ["192.168.0.3:30080", "address", undefined],
])("%s is a %s of %s", (to, kind, name) => {
  expect(addressDestination(address(to), context())).toMatchObject({ kind, service: name });
});

describe("a node port is asked on", () => {
  const at = (fields: ContextFields) => nodePortDestination(nodePort("nodeport:30080"), 4, context(fields));
  const only = (...blocks: string[]) => ({ settings: { nodePortAddresses: blocks.map(aCidr) } });

  test("the node's own address", () => {
    expect(at({})).toMatchObject({ ip: "192.168.0.2", standsForNode: false, kind: "node-port" });
  });

  test("another of its addresses, where its first does not answer", () => {
    expect(at(only("172.16.0.0/16")).ip).toBe("172.16.0.2");
  });

  test("its own all the same, where none answers, or only loopback does", () => {
    expect([at(only("10.9.0.0/16")).ip, at(only("127.0.0.0/8")).ip]).toEqual(["192.168.0.2", "192.168.0.2"]);
  });

  test("a stand-in, where none is known", () => {
    expect(at({ node: { localIps: [], primaryIps: [] } })).toMatchObject({ ip: "192.0.2.1", standsForNode: true });
  });
});

describe("from the comments of rules", () => {
  const found = (text: string) =>
    dumpDestinations(service(text), 4, rulesOnly).map(
      ({ kind, ip, port, protocol, service: name }) => `${kind} ${ip} ${port} ${protocol} ${name ?? ""}`,
    );

  test("each frontend is found once, of all ports", () => {
    expect(found("svc/default/web").sort()).toEqual([
      "cluster-ip 10.96.0.1 53 udp default/web:dns",
      "cluster-ip 10.96.0.1 80 tcp default/web:http",
      "external-ip 192.0.2.1 53 udp default/web:dns",
      "external-ip 192.0.2.1 80 tcp default/web:http",
      "load-balancer-ip 198.51.100.10 53 udp default/web:dns",
      "load-balancer-ip 198.51.100.10 80 tcp default/web:http",
      "node-port 192.168.0.2 30080 tcp default/web:http",
    ]);
  });

  test.each(["svc/default/web:dns", "svc/default/web:53"])("one port alone by its name or number: %s", (text) => {
    expect(found(text).every((each) => each.endsWith("default/web:dns"))).toBe(true);
    expect(found(text)).toHaveLength(3);
  });

  test("a Service that no rule names is not there", () => {
    const there = [
      { namespace: "default", name: "web" },
      { namespace: "default", name: "we" },
      { namespace: "other", name: "web" },
    ];
    expect(there.map((name) => isInRules(name, rulesOnly))).toEqual([true, false, false]);
  });
});

test("an address of another family than the rules' is an address", () => {
  expect(addressDestination(address("[fd00::1]:80"), context())).toMatchObject({
    ip: anIp("fd00::1"),
    kind: "address",
  });
});
