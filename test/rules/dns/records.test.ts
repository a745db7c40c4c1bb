// Tests of rules/dns/records.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { dnsRecords } from "../../../rules/dns/records.ts";
import { get } from "../../../rules/radix/radix.ts";
import type { ClusterService } from "../../../rules/model/cluster.ts";
import { servedAt } from "../../make/arbitrary.ts";
import { aCluster, aService, aSlice, gone, type ServiceFields, type SliceFields } from "../../make/objects.ts";
import { hostileTexts } from "../decode/hostile.ts";

const lines = (held: ClusterService, zone = "cluster.local") =>
  dnsRecords(held, zone).map(({ name, type, value }) => `${name} ${type} ${value}`);

const of = (service: ServiceFields, ...slices: readonly SliceFields[]) =>
  lines({ service: aService(service), slices: slices.map((fields, at) => aSlice({ name: `web-${at}`, ...fields })) });

const web = "web.default.svc.cluster.local.";
const http = { name: "http", port: 80 };
const plain = [`${web} A 10.96.0.1`, `1.0.96.10.in-addr.arpa. PTR ${web}`];

describe("a Service with cluster IPs", () => {
  test.each<[string, ServiceFields, string[]]>([
    ["an address and the way back", {}, plain],
    [
      "both of a dual-stack Service, with one SRV record that has half the weight",
      { clusterIps: ["10.96.0.1", "fd00:96::1"], ports: [http] },
      [
        `${web} A 10.96.0.1`,
        `${web} AAAA fd00:96::1`,
        `_http._tcp.${web} SRV 0 50 80 ${web}`,
        `1.0.96.10.in-addr.arpa. PTR ${web}`,
        `1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa. PTR ${web}`,
      ],
    ],
    [
      "SRV of each named port with the Service's number",
      {
        ports: [
          { name: "http", port: 80, targetPort: 8080 },
          { name: "dns", protocol: "UDP", port: 53 },
          { name: "dns-tcp", protocol: "TCP", port: 53 },
        ],
      },
      [
        `${web} A 10.96.0.1`,
        `_dns-tcp._tcp.${web} SRV 0 100 53 ${web}`,
        `_dns._udp.${web} SRV 0 100 53 ${web}`,
        `_http._tcp.${web} SRV 0 100 80 ${web}`,
        `1.0.96.10.in-addr.arpa. PTR ${web}`,
      ],
    ],
    ["no SRV of a port without name", { ports: [80] }, plain],
    ["nothing before an address is assigned", { clusterIps: [], ports: [http] }, []],
    ["the same of type NodePort", { type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] }, plain],
    ["the same of type LoadBalancer", { type: "LoadBalancer", loadBalancerIps: ["203.0.113.1"] }, plain],
    ["the same where it is left to others", { leftToOthers: true }, plain],
  ])("has %s", (_, service, expected) => {
    expect(of(service)).toEqual(expected);
  });

  test("has no records of endpoints", () => {
    expect(of({}, { endpoints: [{ ip: "10.1.0.1", hostname: "web-0" }] })).toEqual(plain);
  });
});

describe("a headless Service", () => {
  const headless: ServiceFields = { clusterIps: "none", ports: [http] };
  const [named, dashed] = [{ ip: "10.1.0.1", hostname: "web-0" }, "10.1.0.2"] as const;
  const ports = [{ name: "http", port: 8080 }];

  test.each<[string, ServiceFields, SliceFields[], string[]]>([
    [
      "a name of their own for endpoints with a hostname, there and back",
      {},
      [{ endpoints: [named] }],
      [`${web} A 10.1.0.1`, `web-0.${web} A 10.1.0.1`, `1.0.1.10.in-addr.arpa. PTR web-0.${web}`],
    ],
    [
      "their address with dashes as name for those without, and no way back",
      {},
      [{ endpoints: [dashed] }],
      [`${web} A 10.1.0.2`, `10-1-0-2.${web} A 10.1.0.2`],
    ],
    [
      "dashes for colons in IPv6",
      {},
      [{ addressType: "IPv6", endpoints: ["fd00:1::2"] }],
      [`${web} AAAA fd00:1::2`, `fd00-1--2.${web} AAAA fd00:1::2`],
    ],
    [
      "SRV of each named port of each endpoint, with the endpoint's number, weighted equally",
      {},
      [{ ports, endpoints: [dashed, named] }],
      [
        `${web} A 10.1.0.1`,
        `${web} A 10.1.0.2`,
        `_http._tcp.${web} SRV 0 50 8080 web-0.${web}`,
        `_http._tcp.${web} SRV 0 50 8080 10-1-0-2.${web}`,
        `web-0.${web} A 10.1.0.1`,
        `10-1-0-2.${web} A 10.1.0.2`,
        `1.0.1.10.in-addr.arpa. PTR web-0.${web}`,
      ],
    ],
    [
      "one name and one SRV record of a hostname with an address of each family",
      {},
      [
        { addressType: "IPv6", ports, endpoints: [{ ip: "fd00:1::1", hostname: "web-0" }] },
        { ports, endpoints: [named] },
      ],
      [
        `${web} A 10.1.0.1`,
        `${web} AAAA fd00:1::1`,
        `_http._tcp.${web} SRV 0 50 8080 web-0.${web}`,
        `web-0.${web} A 10.1.0.1`,
        `web-0.${web} AAAA fd00:1::1`,
        `1.0.1.10.in-addr.arpa. PTR web-0.${web}`,
        `1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa. PTR web-0.${web}`,
      ],
    ],
    [
      "each endpoint once where several slices list it, and its other port",
      {},
      [
        { ports, endpoints: [named] },
        { ports: [{ name: "http", port: 9090 }], endpoints: [named] },
      ],
      [
        `${web} A 10.1.0.1`,
        `_http._tcp.${web} SRV 0 50 8080 web-0.${web}`,
        `_http._tcp.${web} SRV 0 50 9090 web-0.${web}`,
        `web-0.${web} A 10.1.0.1`,
        `1.0.1.10.in-addr.arpa. PTR web-0.${web}`,
      ],
    ],
    ["nothing of endpoints that are not ready", {}, [{ ports, endpoints: [{ ...named, ...gone }] }], []],
    [
      "them too where the Service publishes them",
      { publishNotReadyAddresses: true },
      [{ endpoints: [{ ...named, ...gone }] }],
      [`${web} A 10.1.0.1`, `web-0.${web} A 10.1.0.1`, `1.0.1.10.in-addr.arpa. PTR web-0.${web}`],
    ],
    [
      "endpoints of slices that carry the headless label, as controllers write them",
      {},
      [{ leftToOthers: true, endpoints: [dashed] }],
      [`${web} A 10.1.0.2`, `10-1-0-2.${web} A 10.1.0.2`],
    ],
    ["nothing of slices of host names", {}, [{ addressType: "FQDN", endpoints: [{ ip: undefined }] }], []],
    ["nothing without slices", {}, [], []],
  ])("has %s", (_, fields, slices, expected) => {
    expect(of({ ...headless, ...fields }, ...slices)).toEqual(expected);
  });

  test("has no SRV of a port that has no number in a slice", () => {
    const found = of(headless, { ports: [{ name: "http", port: undefined }], endpoints: [dashed] });
    expect(found).toEqual([`${web} A 10.1.0.2`, `10-1-0-2.${web} A 10.1.0.2`]);
  });

  test("sorts endpoints by address, not by spelling, and gives no SRV record a weight of 0", () => {
    const endpoints = Array.from({ length: 150 }, (_, index) => `10.1.0.${150 - index}`);
    const found = of(headless, { ports, endpoints });
    expect(found.slice(0, 150)).toEqual(Array.from({ length: 150 }, (_, index) => `${web} A 10.1.0.${index + 1}`));
    expect(found[150]).toBe(`_http._tcp.${web} SRV 0 1 8080 10-1-0-1.${web}`);
  });
});

describe("an ExternalName Service", () => {
  const external = (externalName: string | undefined) => of({ type: "ExternalName", clusterIps: [], externalName });

  test.each(["www.example.com", "www.example.com.", "localhost"])("is another name for %s", (externalName) => {
    expect(external(externalName)).toEqual([`${web} CNAME ${externalName.replace(/\.$/, "")}.`]);
  });

  test.each([undefined, "", ".", "a..b", "10.0.0.1", ...hostileTexts])("is nothing for %j", (externalName) => {
    expect(external(externalName)).toEqual([]);
  });
});

test("slices without their Service have no records", () => {
  expect(lines({ slices: [aSlice()] })).toEqual([]);
});

test.each(["example.org", "example.org."])("names are in zone %s", (zone) => {
  const held = { service: aService({ namespace: "shop" }), slices: [] };
  expect(lines(held, zone)[0]).toBe("web.shop.svc.example.org. A 10.96.0.1");
});

test("every record comes once, has full names, and does not hang on the order of the slices", () => {
  fc.assert(
    fc.property(servedAt(1), ({ service, slices }) => {
      const held = get(aCluster(service, ...slices), `${service.namespace}/${service.name}`);
      const turned = slices.map((slice) => ({ ...slice, endpoints: slice.endpoints.toReversed() }));
      const found = lines(held ?? { slices: [] });
      expect(new Set(found).size).toBe(found.length);
      for (const line of found) expect(line).toMatch(/^([a-z0-9_-]+\.)+ (AAAA|A|SRV|CNAME|PTR) [a-z0-9. :-]+$/);
      expect(lines({ service, slices: turned.reverse() })).toEqual(found);
    }),
  );
});
