// Tests of src/agent/ipvs-nodes.ts.
import { expect, test } from "@jest/globals";
import { defaultScheduler } from "../../../rules/index.ts";
import { createIpvsNodes } from "../../../src/agent/ipvs-nodes.ts";
import { aView } from "../../make/node.ts";
import { anIp } from "../../make/objects.ts";

test("the node is one object while its addresses and its view are, whatever pods' interfaces have", () => {
  let ips = ["192.168.0.2", "fd00:192::2", "fe80::1"].map(anIp);
  const { nodeOf } = createIpvsNodes({ ipvs: { scheduler: defaultScheduler, excludeCidrs: [] }, localIps: () => ips });
  const view = aView({ family: 6 });
  const node = nodeOf(view);
  expect(node).toMatchObject({ localIps: ["fd00:192::2"], nodePortIps: ["fd00:192::2"] });
  ips = [...ips, anIp("fe80::2"), anIp("192.168.0.3")];
  expect(nodeOf(view)).toBe(node);
  expect(nodeOf(aView({ family: 6 }))).not.toBe(node);
  ips = [...ips, anIp("fd00:192::3")];
  expect(nodeOf(view).nodePortIps).toEqual(["fd00:192::2", "fd00:192::3"]);
});
