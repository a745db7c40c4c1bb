// Tests of src/output/ipvs-lines.ts.
import { expect, test } from "@jest/globals";
import { diffStates, type IpvsChange } from "../../../rules/ipvs/steps.ts";
import type { Change } from "../../../rules/iptables/diff/change.ts";
import { lineOfChange, toolOfChange } from "../../../src/output/ipvs-lines.ts";
import { patient } from "../../make/ipvs.ts";
import { aWebState, nothing } from "../ipvs/an-ipvs-build.ts";

const { steps } = diffStates(nothing, aWebState(), patient);

test("the tool is that of the change's step, and its line is in that tool's input", () => {
  for (const step of steps) {
    if (step.tool === "iptables") continue;
    for (const change of step.changes) expect(toolOfChange(change)).toBe(step.tool);
  }
  const lines = steps.flatMap((step) => (step.tool === "iptables" ? [] : step.changes.map(lineOfChange)));
  expect(lines).toEqual(
    expect.arrayContaining([
      "create KUBE-CLUSTER-IP hash:ip,port",
      "add KUBE-CLUSTER-IP 10.96.0.1,tcp:80",
      "link add kube-ipvs0 type dummy",
      "address add 10.96.0.1 dev kube-ipvs0",
      "-A -t 10.96.0.1:80 -s rr",
      "-a -t 10.96.0.1:80 -r 10.1.0.1:8080 -m -w 1",
    ]),
  );
});

test.each<[string, Exclude<IpvsChange, Change>]>([
  ...drains(),
  [
    "del KUBE-CLUSTER-IP 10.96.0.1,tcp:80",
    { kind: "delete-entry", set: "KUBE-CLUSTER-IP", entry: "10.96.0.1,tcp:80", service: "" },
  ],
  ["link delete kube-ipvs0", { kind: "delete-device" }],
])("%s", (line, change) => {
  expect(lineOfChange(change)).toBe(line);
});

/** What a real server that goes, and one that comes back, are told as. */
function drains(): [string, Exclude<IpvsChange, Change>][] {
  const [server] = steps.flatMap((step) =>
    step.tool === "ipvsadm" ? step.changes.flatMap((each) => (each.kind === "add-server" ? [each.server] : [])) : [],
  );
  const real = server?.servers[0];
  if (server === undefined || real === undefined) throw new Error("bug: no virtual server");
  const gone = { ...real, weight: 0 };
  return [
    ["-e -t 10.96.0.1:80 -r 10.1.0.1:8080 -m -w 0 (drains)", { kind: "edit-real", server, before: real, real: gone }],
    ["-e -t 10.96.0.1:80 -r 10.1.0.1:8080 -m -w 1", { kind: "edit-real", server, before: gone, real }],
  ];
}
