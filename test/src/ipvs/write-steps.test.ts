// Tests of src/ipvs/write-steps.ts, over a fake kernel.
import { expect, test } from "@jest/globals";
import { diffStates, type IpvsStep } from "../../../rules/ipvs/steps.ts";
import { renderStep, writeSteps } from "../../../src/ipvs/write-steps.ts";
import { aFakeIpvsKernel, type FakeTool } from "../../make/fake-ipvs-kernel.ts";
import { patient } from "../../make/ipvs.ts";
import { aWebState, nothing } from "./an-ipvs-build.ts";

const { steps } = diffStates(nothing, aWebState(), patient);
const order: readonly FakeTool[] = ["ipset", "iptables", "ip", "ipvsadm"];

test("feeds each tool what it is rendered for, in order", async () => {
  const kernel = await aFakeIpvsKernel();
  const written = await writeSteps(kernel, 4, steps);
  expect(written).toEqual({ ok: true, batches: kernel.written.length });
  expect(steps.map(({ tool }) => tool)).toEqual(order);
  const rendered = steps.flatMap((step) => renderStep(step, 4, 1000).map((script) => ({ tool: step.tool, script })));
  expect(kernel.written).toEqual(rendered);
});

test.each(order.map((tool, at) => [tool, at] as const))("a batch that %s refuses ends it", async (tool, at) => {
  const kernel = await aFakeIpvsKernel({ refuse: (which) => (which === tool ? "no" : undefined) });
  const written = await writeSteps(kernel, 4, steps);
  expect(written).toMatchObject({ ok: false, done: at, refused: { tool, message: "no" } });
  expect(new Set(kernel.written.map((each) => each.tool))).toEqual(new Set(order.slice(0, at + 1)));
});

/** The steps with the batch of one tool changed by hand. */
function refusedBy(tool: FakeTool, spoil: (step: IpvsStep) => IpvsStep) {
  return steps.map((step) => (step.tool === tool ? spoil(step) : step));
}

test("the line that ipset or ip names is blamed on its change", async () => {
  const bad = "10.96.0.1,icmp:80";
  const sets = refusedBy("ipset", (step) => {
    if (step.tool !== "ipset") return step;
    const changes = step.changes.map((each) =>
      each.kind === "add-entry" && each.set === "KUBE-CLUSTER-IP" ? { ...each, entry: bad } : each,
    );
    return { ...step, changes };
  });
  expect(await writeSteps(await aFakeIpvsKernel(), 4, sets)).toMatchObject({
    refused: { changes: [{ kind: "add-entry", entry: bad, service: "default/web" }] },
  });
  const addresses = refusedBy("ip", (step) => {
    if (step.tool !== "ip") return step;
    return { ...step, changes: step.changes.filter(({ kind }) => kind !== "create-device") };
  });
  expect(await writeSteps(await aFakeIpvsKernel(), 4, addresses)).toMatchObject({
    refused: { message: 'Cannot find device "kube-ipvs0"', changes: [{ kind: "add-address", ip: "10.96.0.1" }] },
  });
});

test("what ipvsadm did not do is found by reading back, though its exit status is 0", async () => {
  const kernel = await aFakeIpvsKernel({ schedulers: ["wrr"] });
  const written = await writeSteps(kernel, 4, steps);
  expect(new Set(written.ok ? [] : written.refused.changes)).toEqual(
    new Set(steps.flatMap((step) => (step.tool === "ipvsadm" ? step.changes : []))),
  );
});

test("what ipvsadm complains of and is so all the same is no trouble", async () => {
  const kernel = await aFakeIpvsKernel();
  await writeSteps(kernel, 4, steps);
  const again = steps.filter(({ tool }) => tool === "ipvsadm");
  expect(await writeSteps(kernel, 4, again)).toEqual({ ok: true, batches: 1 });
});
