// Tests of rules/ipvs/entries.ts.
import { expect, test } from "@jest/globals";
import { addressPort, isDetoured, loopEntries, nodePortEntries, seatEntries } from "../../../rules/ipvs/entries.ts";
import { servicePorts } from "../../../rules/model/model.ts";
import { aView, modelOf } from "../../make/node.ts";
import { aCluster, anIp, aService, aSlice, type ServiceFields, type SliceFields } from "../../make/objects.ts";

const vip = "203.0.113.1";
const exposed: ServiceFields = {
  type: "LoadBalancer",
  externalIps: ["192.0.2.1"],
  loadBalancerIps: [vip],
  ports: [{ nodePort: 30080 }],
};
const local: ServiceFields = { ...exposed, externalTrafficPolicy: "Local" };
const here: SliceFields = { endpoints: [{ ip: "10.1.0.1", nodeName: "here" }] };

function portsOf(fields: ServiceFields, slice: SliceFields = here) {
  const [protocol] = (fields.ports ?? []).map((port) => (typeof port === "number" ? "TCP" : (port.protocol ?? "TCP")));
  const given = { ...slice, ports: [{ port: 8080, protocol: protocol ?? ("TCP" as const) }] };
  return servicePorts(modelOf(aCluster(aService(fields), aSlice(given))));
}

function entriesOf(fields: ServiceFields, slice?: SliceFields) {
  return portsOf(fields, slice)
    .flatMap(({ frontends }) => frontends)
    .map((frontend) =>
      seatEntries({ ip: frontend.ip ?? anIp("192.168.0.2"), frontend }).map((entry) => entry.join(" ")),
    );
}

test.each<[string, ServiceFields, SliceFields, string[][]]>([
  [
    "policy Cluster",
    exposed,
    here,
    [["CLUSTER-IP 10.96.0.1,tcp:80"], ["EXTERNAL-IP 192.0.2.1,tcp:80"], [`LOAD-BALANCER ${vip},tcp:80`], []],
  ],
  [
    "policy Local",
    local,
    here,
    [
      ["CLUSTER-IP 10.96.0.1,tcp:80"],
      ["EXTERNAL-IP-LOCAL 192.0.2.1,tcp:80"],
      [`LOAD-BALANCER ${vip},tcp:80`, `LOAD-BALANCER-LOCAL ${vip},tcp:80`],
      [],
    ],
  ],
  [
    "policy Local, none here",
    local,
    { endpoints: ["10.1.0.1"] },
    [
      ["CLUSTER-IP 10.96.0.1,tcp:80"],
      ["NO-LOCAL-EXTERNAL 192.0.2.1,tcp:80", "EXTERNAL-IP-LOCAL 192.0.2.1,tcp:80"],
      [`NO-LOCAL-EXTERNAL ${vip},tcp:80`, `LOAD-BALANCER ${vip},tcp:80`, `LOAD-BALANCER-LOCAL ${vip},tcp:80`],
      ["NO-LOCAL-EXTERNAL 192.168.0.2,tcp:30080"],
    ],
  ],
  [
    "no endpoints",
    exposed,
    { endpoints: [] },
    ["10.96.0.1,tcp:80", "192.0.2.1,tcp:80", `${vip},tcp:80`, "192.168.0.2,tcp:30080"].map((at) => [
      `NO-ENDPOINTS ${at}`,
    ]),
  ],
  [
    "internal policy Local, none here",
    { internalTrafficPolicy: "Local" },
    { endpoints: ["10.1.0.1"] },
    [["NO-LOCAL 10.96.0.1,tcp:80"]],
  ],
  [
    "SCTP node port",
    { type: "NodePort", externalTrafficPolicy: "Local", ports: [{ protocol: "SCTP", nodePort: 30080 }] },
    here,
    [
      ["CLUSTER-IP 10.96.0.1,sctp:80"],
      ["NODE-PORT-SCTP-HASH 192.168.0.2,sctp:30080", "NODE-PORT-LOCAL-SCTP-HASH 192.168.0.2,sctp:30080"],
    ],
  ],
])("%s", (_, fields, slice, wanted) => {
  expect(entriesOf(fields, slice)).toEqual(wanted);
});

test("source ranges, and the address itself where one of them holds the node", () => {
  const fields: ServiceFields = {
    type: "LoadBalancer",
    loadBalancerIps: [vip],
    sourceRanges: ["192.168.0.0/16", "198.51.100.7/32"],
  };
  expect(entriesOf(fields)[1]).toEqual([
    `LOAD-BALANCER ${vip},tcp:80`,
    `LOAD-BALANCER-FW ${vip},tcp:80`,
    `LOAD-BALANCER-SOURCE-CIDR ${vip},tcp:80,192.168.0.0/16`,
    `LOAD-BALANCER-SOURCE-CIDR ${vip},tcp:80,198.51.100.7`,
    `LOAD-BALANCER-SOURCE-IP ${vip},tcp:80,${vip}`,
  ]);
});

test("a closed seat is guarded, and no range opens it", () => {
  const frontend = portsOf({ type: "LoadBalancer", loadBalancerIps: [vip] })[0]?.frontends[1];
  if (frontend === undefined) throw new Error("bug: no frontend");
  expect(seatEntries({ ip: anIp(vip), frontend, closed: true })).toContainEqual(["LOAD-BALANCER-FW", `${vip},tcp:80`]);
});

test.each<[string, ServiceFields, string[]]>([
  ["policy Cluster", exposed, ["NODE-PORT-TCP 30080"]],
  ["policy Local", local, ["NODE-PORT-TCP 30080", "NODE-PORT-LOCAL-TCP 30080"]],
  ["UDP", { type: "NodePort", ports: [{ protocol: "UDP", nodePort: 30080 }] }, ["NODE-PORT-UDP 30080"]],
  ["SCTP", { type: "NodePort", ports: [{ protocol: "SCTP", nodePort: 30080 }] }, []],
])("a node port of %s", (_, fields, wanted) => {
  const frontend = portsOf(fields)[0]?.frontends.at(-1);
  expect(frontend && nodePortEntries(frontend).map((entry) => entry.join(" "))).toEqual(wanted);
  expect(frontend && isDetoured(frontend)).toBe(fields === local);
});

test.each<[string, ServiceFields, string[]]>([
  ["endpoints here or of no node", {}, ["10.1.0.1,tcp:8080,10.1.0.1", "10.1.0.3,tcp:8080,10.1.0.3"]],
  [
    "all with external policy Local",
    { ...local, internalTrafficPolicy: "Cluster" },
    ["10.1.0.1,tcp:8080,10.1.0.1", "10.1.0.2,tcp:8080,10.1.0.2", "10.1.0.3,tcp:8080,10.1.0.3"],
  ],
])("hairpins: %s", (_, fields, wanted) => {
  const endpoints = [{ ip: "10.1.0.1", nodeName: "here" }, { ip: "10.1.0.2", nodeName: "there" }, "10.1.0.3"];
  const [port] = portsOf(fields, { endpoints });
  expect(port && [...new Set(loopEntries(port, aView()))]).toEqual(wanted);
});

test("an address and port as ipset spells it", () => {
  expect(addressPort(anIp("fd00::1"), { protocol: "UDP", port: 53 })).toBe("fd00::1,udp:53");
});
