// Tests of src/ipvs/observe.ts.
import { expect, test } from "@jest/globals";
import { diffStates } from "../../../rules/ipvs/steps.ts";
import { applyState } from "../../../src/ipvs/apply-state.ts";
import { holdsState, observe, parseState } from "../../../src/ipvs/observe.ts";
import { aFakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";
import { patient } from "../../make/ipvs.ts";
import { aWebState, idle } from "./an-ipvs-build.ts";

test("what was written is read back, each family by itself", async () => {
  const kernel = await aFakeIpvsKernel();
  const [four, six] = [aWebState(), aWebState(["fd00:1::1"])];
  for (const state of [four, six]) await applyState(kernel, state, idle);
  for (const state of [four, six]) {
    const observed = await observe(kernel, state.family);
    expect(diffStates(observed.state, state, patient).steps).toEqual([]);
    expect([observed.problems, observed.others.size, holdsState(observed)]).toEqual([[], 0, true]);
  }
});

test("connections are looked at only where something drains", async () => {
  const kernel = await aFakeIpvsKernel();
  await applyState(kernel, aWebState(), idle);
  kernel.connections.set("10.1.0.1:8080", 2);
  expect((await observe(kernel, 4)).connections.size).toBe(0);
  kernel.tools.ipvsadm("-e -t 10.96.0.1:80 -r 10.1.0.1:8080 -m -w 0\n");
  const counts = [...(await observe(kernel, 4)).connections.values()];
  expect(counts.sort()).toEqual([0, 0, 0, 2, 2, 2]);
});

test("lines that no tool prints are told by tool, on one line, and the rest counts", () => {
  const observed = parseState(
    {
      rules: "",
      sets: "create KUBE-CLUSTER-IP hash:ip,port family inet maxelem 65536\nadd KUBE-CLUSTER-IP no\u001b[2Jthing\nadd KUBE-CLUSTER-IP 10.96.0.1,tcp:80\n",
      addresses: "{",
      servers: "-A -t 10.96.0.1:80 -s rr\n-X\u001b[2J\n",
    },
    4,
  );
  expect(observed.problems).toHaveLength(3);
  for (const tool of ["ipset save, line 2", "ip -j addr", "ipvsadm -Sn, line 2"])
    expect(observed.problems).toContainEqual(expect.stringMatching(new RegExp(`^${tool}: [\\x20-\\x7e]+$`)));
  expect(observed.state.servers.size).toBe(1);
});

test("nothing is nothing", () => {
  expect(holdsState(parseState({ rules: "", sets: "", addresses: "", servers: "" }, 6))).toBe(false);
});
