// Tests of rules/ipvs/build-server.ts.
import { expect, test } from "@jest/globals";
import { buildServer } from "../../../rules/ipvs/build-server.ts";
import { defaultScheduler } from "../../../rules/ipvs/scheduler.ts";
import { servicePorts } from "../../../rules/model/model.ts";
import { modelOf } from "../../make/node.ts";
import { aCluster, anIp, aService, aSlice, type ServiceFields, type SliceFields } from "../../make/objects.ts";

function serversOf(fields: ServiceFields, slice: SliceFields = {}) {
  const frontends = servicePorts(modelOf(aCluster(aService(fields), aSlice(slice)))).flatMap((port) => port.frontends);
  return frontends.map((frontend) =>
    buildServer({ ip: frontend.ip ?? anIp("192.168.0.2"), frontend }, defaultScheduler),
  );
}

const here = { endpoints: ["10.1.0.1", { ip: "10.1.0.2", nodeName: "here" }] };
const away = { endpoints: ["10.1.0.1"] };

test("has every endpoint as a real server of weight 1, and the affinity as persistence", () => {
  expect(serversOf({ affinitySeconds: 60 }, here)).toEqual([
    {
      ip: "10.96.0.1",
      protocol: "TCP",
      port: 80,
      scheduler: "rr",
      flags: [],
      persistentSeconds: 60,
      persistentBits: 32,
      servers: ["10.1.0.1", "10.1.0.2"].map((ip) => ({ ip, port: 8080, method: "masquerading", weight: 1 })),
      service: "default/web",
      others: [],
    },
  ]);
});

const exposed: ServiceFields = { type: "LoadBalancer", loadBalancerIps: ["203.0.113.1"], ports: [{ nodePort: 30080 }] };
const both = ["10.1.0.1", "10.1.0.2"];

test.each<[string, ServiceFields, SliceFields, (string[] | undefined)[]]>([
  ["policy Cluster", exposed, here, [both, both, both]],
  ["external policy Local", { ...exposed, externalTrafficPolicy: "Local" }, here, [both, ["10.1.0.2"], ["10.1.0.2"]]],
  [
    "external policy Local, none here",
    { ...exposed, externalTrafficPolicy: "Local" },
    away,
    [["10.1.0.1"], undefined, undefined],
  ],
  ["internal policy Local", { ...exposed, internalTrafficPolicy: "Local" }, here, [["10.1.0.2"], both, both]],
  [
    "internal policy Local, none here",
    { ...exposed, internalTrafficPolicy: "Local" },
    away,
    [undefined, ["10.1.0.1"], ["10.1.0.1"]],
  ],
  ["no endpoints", exposed, { endpoints: [] }, [undefined, undefined, undefined]],
])(
  "%s: cluster IP, load balancer and node port have the real servers of clients from off the node, and never fall back",
  (_, fields, slice, ips) => {
    expect(serversOf(fields, slice).map((server) => server?.servers.map(({ ip }) => ip))).toEqual(ips);
  },
);

test("virtual servers of the same endpoints share one list", () => {
  const [, one, other] = serversOf(exposed, here);
  expect(one?.servers).toBe(other?.servers);
});
