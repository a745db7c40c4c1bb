// Tests of rules/model/settings.ts.
import { expect, test } from "@jest/globals";
import { defaultSettings } from "../../../rules/model/settings.ts";

test("are kube-proxy's defaults", () => {
  expect(defaultSettings).toEqual({
    detectLocal: { mode: "ClusterCIDR", cidrs: [] },
    masqueradeAll: false,
    masqueradeBit: 14,
    localhostNodePorts: true,
    nodePortAddresses: "all",
    tcpBeLiberal: false,
    bindAddress: undefined,
  });
});
