// Tests of rules/ipvs/cause.ts.
import { expect, test } from "@jest/globals";
import { causeOfIpvs } from "../../../rules/ipvs/cause.ts";
import { emptyState, type IpvsState } from "../../../rules/ipvs/state.ts";
import { diffStates } from "../../../rules/ipvs/steps.ts";
import { ipvsOf, patient } from "../../make/ipvs.ts";
import { aCluster, aService, aSlice, type ServiceFields } from "../../make/objects.ts";

const stateOf = (ips: readonly string[], fields: ServiceFields = {}) =>
  ipvsOf(aCluster(aService(fields), aSlice({ endpoints: ips }))).state;

function causes(before: IpvsState, after: IpvsState) {
  return diffStates(before, after, patient).steps.flatMap(({ tool, changes }) =>
    changes.map((change) => {
      const { services, texts } = causeOfIpvs(change);
      return `${tool} ${change.kind} ${services.join()}: ${texts.join()}`;
    }),
  );
}

test("a new Service is named in all that is done for it", () => {
  const all = causes(ipvsOf(aCluster()).state, stateOf(["10.1.0.1"]));
  expect(all).toContain("ipvsadm add-server default/web: virtual server 10.96.0.1:80 is new");
  expect(all).toContain("ipvsadm add-real default/web: endpoint 10.1.0.1:8080 is new");
  expect(all).toContain("ip add-address default/web: address 10.96.0.1 is new");
  expect(all.filter((text) => !text.includes(" default/web: "))).toEqual([]);
});

test.each<[string, IpvsState, IpvsState, string]>([
  [
    "an endpoint goes",
    stateOf(["10.1.0.1", "10.1.0.2"]),
    stateOf(["10.1.0.1"]),
    "ipvsadm edit-real default/web: endpoint 10.1.0.2:8080 is gone and drains",
  ],
  [
    "affinity changes",
    stateOf(["10.1.0.1"]),
    stateOf(["10.1.0.1"], { affinitySeconds: 9 }),
    "ipvsadm edit-server default/web: scheduler or affinity of virtual server 10.96.0.1:80 changed",
  ],
  ["a Service goes", stateOf([]), ipvsOf(aCluster()).state, "ip delete-address default/web: address 10.96.0.1 is gone"],
  ["what all have", emptyState(4), stateOf([]), "ip create-device : every node has it"],
  ["a rule", emptyState(4), stateOf(["10.1.0.1"]), "iptables insert-jump : every node has one jump to KUBE-SERVICES"],
])("%s", (_, before, after, text) => {
  expect(causes(before, after)).toContain(text);
});

test("one that drained and is back", () => {
  const before = stateOf(["10.1.0.1"]);
  const [server] = before.servers.kind === "leaf" ? before.servers.entries : [];
  const [real] = server?.value.servers ?? [];
  if (server === undefined || real === undefined) throw new Error("bug: no virtual server");
  const cause = (weight: number) =>
    causeOfIpvs({ kind: "edit-real", server: server.value, before: { ...real, weight }, real }).texts;
  expect([cause(0), cause(7)]).toEqual([
    ["endpoint 10.1.0.1:8080 is back"],
    ["endpoint 10.1.0.1:8080 was not as it should be"],
  ]);
});
