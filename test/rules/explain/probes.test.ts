// Tests of rules/explain/probes.ts.
import { describe, expect, test } from "@jest/globals";
import type { ExplainContext } from "../../../rules/explain/context.ts";
import { findProbes } from "../../../rules/explain/probes.ts";
import { parseFrom, parseTo, type From, type To } from "../../../rules/explain/question.ts";
import { aService, aSlice } from "../../make/objects.ts";
import { aContext, aPlan } from "./a-context.ts";

const web = aService({
  type: "NodePort",
  clusterIps: ["10.96.0.1", "fd00:10::1"],
  ports: [
    { name: "a", port: 80, nodePort: 30080 },
    { name: "b", port: 81, nodePort: 30081 },
  ],
});
const context = aContext([web, aSlice()]);

function labels(from: string, to: string, given: ExplainContext = context): string[] {
  const found = findProbes(parseFrom(from) as From, parseTo(to) as To, given);
  return "code" in found ? [found.code] : found.probes.map(({ label }) => label.split(",")[0] ?? "");
}

describe("a Service is asked", () => {
  test("inside the cluster at its cluster IPs, of every port and family", () => {
    expect(labels("node", "svc/default/web")).toEqual([
      "192.168.0.2 to 10.96.0.1:80/tcp",
      "192.168.0.2 to 10.96.0.1:81/tcp",
      "fd00:192::2 to [fd00:10::1]:80/tcp",
      "fd00:192::2 to [fd00:10::1]:81/tcp",
    ]);
  });

  test("from outside at its other addresses", () => {
    expect(labels("203.0.113.9", "svc/default/web")).toEqual([
      "203.0.113.9 to 192.168.0.2:30080/tcp",
      "203.0.113.9 to 192.168.0.2:30081/tcp",
    ]);
  });

  test("from outside at its cluster IP, where it has nothing else", () => {
    expect(labels("203.0.113.9", "svc/default/web", aContext([aService()]))).toEqual([
      "203.0.113.9 to 10.96.0.1:80/tcp",
    ]);
  });

  test.each(["svc/default/web:b", "svc/default/web:81"])("at one port alone: %s", (to) => {
    expect(labels("10.1.0.9", to)).toEqual(["10.1.0.9 to 10.96.0.1:81/tcp"]);
  });

  test("everywhere, by whom it is not known whether he is inside", () => {
    const rules = aContext([], { dumps: [aPlan([web, aSlice()])], withoutObjects: true });
    expect(labels("10.1.0.9", "svc/default/web:80", rules)).toEqual(["10.1.0.9 to 10.96.0.1:80/tcp"]);
    expect(labels("10.1.0.9", "svc/default/web", rules)).toHaveLength(4);
  });
});

test("a node port is asked in every family where it is a Service's, else once", () => {
  expect(labels("outside", "nodeport:30080")).toEqual([
    "203.0.113.7 to 192.168.0.2:30080/tcp",
    "2001:db8:ffff::7 to [fd00:192::2]:30080/tcp",
  ]);
  expect(labels("outside", "nodeport:30090")).toHaveLength(1);
});

test("a packet has what is known of it and nothing else", () => {
  const found = findProbes({ kind: "outside" }, parseTo("10.96.0.1:80/udp") as To, { ...context, inInterface: "eth0" });
  expect("probes" in found && found.probes.map(({ packet }) => packet)).toEqual([
    {
      source: "203.0.113.7",
      destination: "10.96.0.1",
      protocol: "udp",
      destinationPort: 80,
      origin: "network",
      inInterface: "eth0",
    },
  ]);
});

test("a family that the client is not of is left out and said, unless none is left", () => {
  const six = aContext([{ ...web, clusterIps: web.clusterIps === "none" ? "none" : web.clusterIps.slice(1) }]);
  expect(labels("10.1.0.9", "svc/default/web", six)).toEqual(["no-client-of-family"]);
  const found = findProbes(parseFrom("10.1.0.9") as From, parseTo("svc/default/web") as To, context);
  expect("about" in found && found.about.map(({ code }) => code)).toEqual(["no-client-of-family"]);
});
