// Tests of rules/ipvs/seats.ts.
import { expect, test } from "@jest/globals";
import { seatClaims } from "../../../rules/ipvs/seats.ts";
import { servicePorts } from "../../../rules/model/model.ts";
import { anIpvsNode, ipvsOf } from "../../make/ipvs.ts";
import { modelOf } from "../../make/node.ts";
import { aCidr, aCluster, aService, aSlice, type ServiceFields } from "../../make/objects.ts";

function seatsOf(fields: ServiceFields) {
  const cluster = aCluster(aService(fields), aSlice());
  const frontends = servicePorts(modelOf(cluster)).flatMap((port) => port.frontends);
  const claims = frontends.flatMap((after) => seatClaims({ key: "", after }, { node: anIpvsNode(), cluster }));
  return claims.map(({ key, claimant, value }) => ({ key, claimant, ...value }));
}

test("a node port has a seat at each address that node ports answer on", () => {
  const seats = seatsOf({ type: "NodePort", ports: [{ nodePort: 30080 }] });
  expect(seats.map(({ ip, claimant }) => `${ip ?? ""} ${claimant}`)).toEqual([
    "10.96.0.1 0",
    "172.16.0.2 1",
    "192.168.0.2 1",
  ]);
});

test("gives up the seats that it had", () => {
  const cluster = aCluster(aService(), aSlice());
  const [before] = servicePorts(modelOf(cluster)).flatMap((port) => port.frontends);
  if (before === undefined) throw new Error("bug: no frontend");
  expect(seatClaims({ key: "", before }, { node: anIpvsNode(), cluster })).toEqual([
    { key: "0a600001t0050", claimant: "0" },
  ]);
});

test.each([
  ["lc", { name: "lc", flags: [] }],
  ["no such", undefined],
])("the scheduler %j of the Service's annotation is %j", (ipvsScheduler, scheduler) => {
  expect(seatsOf({ ipvsScheduler }).map((seat) => seat.scheduler)).toEqual([scheduler]);
});

test.each([
  [[], undefined],
  [["2001:db8::/32"], true],
  [["2001:db8::/32", "10.0.0.0/8"], undefined],
])("with source ranges %j a load-balancer address is closed: %s", (sourceRanges, closed) => {
  const seats = seatsOf({
    type: "LoadBalancer",
    loadBalancerIps: ["203.0.113.1"],
    sourceRanges: sourceRanges.map(aCidr),
  });
  expect(seats.map(({ frontend, closed: is }) => [frontend?.kind, is])).toEqual([
    ["cluster-ip", undefined],
    ["load-balancer-ip", closed],
  ]);
});

test("a frontend with an address of its own goes before a node port at the same place", () => {
  const { state } = ipvsOf(
    aCluster(
      aService({ type: "NodePort", ports: [{ nodePort: 30080 }] }),
      aSlice(),
      aService({ name: "other", clusterIps: ["10.96.0.2"], externalIps: ["192.168.0.2"], ports: [30080] }),
      aSlice({ service: "other", ports: [9000] }),
    ),
  );
  const text = JSON.stringify(state.servers);
  expect(text).toContain('"ip":"192.168.0.2","protocol":"TCP","port":30080');
  expect(text).not.toMatch(/"ip":"192.168.0.2","protocol":"TCP","port":30080[^}]*"port":8080/);
});
