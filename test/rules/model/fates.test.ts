// Tests of rules/model/fates.ts: one row a client class; test/rules/model/service-port.test.ts has the tables for whole Services.
import { describe, expect, test } from "@jest/globals";
import { externalFates, internalFates, type Fate } from "../../../rules/model/fates.ts";
import type { Endpoint } from "../../../rules/model/endpoints.ts";
import type { Ip } from "../../../rules/net/ip.ts";
import { aView } from "../../make/node.ts";

const endpoint = (ip: string, local: boolean): Endpoint => ({
  ip: ip as Ip,
  port: 80,
  nodeName: undefined,
  local,
  ready: true,
  serving: true,
  terminating: false,
  zoneHints: [],
  nodeHints: [],
});
const [here, there] = [endpoint("10.1.0.1", true), endpoint("10.1.0.2", false)];
const both = { cluster: [here, there], local: [here], any: true };
const farOnly = { cluster: [there], local: [], any: true };
const none = { cluster: [], local: [], any: false };
const served = (sets: typeof both | typeof farOnly | typeof none) => ({ sets, affinitySeconds: undefined });

const short = ({ from, verdict }: Fate) =>
  verdict.kind === "balance" ? `${from}: ${verdict.over} ${verdict.masquerade}` : `${from}: ${verdict.kind}`;
const noDetector = aView({ settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [] } } });
const masqueradeAll = aView({ settings: { masqueradeAll: true } });

describe("clients of a cluster IP", () => {
  test.each([
    ["are balanced over all", "Cluster", both, aView(), ["anyone: cluster unless-local-pod"]],
    ["are never masqueraded where pods cannot be told", "Cluster", both, noDetector, ["anyone: cluster never"]],
    ["are all masqueraded where that is asked for", "Cluster", both, masqueradeAll, ["anyone: cluster always"]],
    ["stay on the node with policy Local", "Local", both, aView(), ["anyone: local unless-local-pod"]],
    ["are dropped where nothing is on the node", "Local", farOnly, aView(), ["anyone: drop"]],
    ["are refused where nothing is anywhere", "Local", none, aView(), ["anyone: reject"]],
  ] as const)("%s", (_title, policy, sets, view, expected) => {
    expect(internalFates(policy, served(sets), view).map(short)).toEqual(expected);
  });
});

describe("clients of external addresses", () => {
  test.each([
    ["are balanced over all and masqueraded", "Cluster", both, aView(), ["anyone: cluster always"]],
    ["are refused where nothing is anywhere", "Cluster", none, aView(), ["anyone: reject"]],
    [
      "from off the node stay on it with policy Local, pods and the node reach all",
      "Local",
      both,
      aView(),
      ["local-pods: cluster never", "this-node: cluster always", "anyone: local never"],
    ],
    [
      "from off the node are dropped where nothing is on it",
      "Local",
      farOnly,
      aView(),
      ["local-pods: cluster never", "this-node: cluster always", "anyone: drop"],
    ],
    [
      "are as any other where pods cannot be told",
      "Local",
      both,
      noDetector,
      ["this-node: cluster always", "anyone: local never"],
    ],
  ] as const)("%s", (_title, policy, sets, view, expected) => {
    expect(externalFates(policy, served(sets), view).map(short)).toEqual(expected);
  });
});
