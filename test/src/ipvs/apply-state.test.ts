// Tests of src/ipvs/apply-state.ts, over a fake kernel.
import { expect, test } from "@jest/globals";
import { emptyState } from "../../../rules/ipvs/state.ts";
import { applyState, drainingIn, readSteps, rehearseSteps } from "../../../src/ipvs/apply-state.ts";
import { observe } from "../../../src/ipvs/observe.ts";
import { aFakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";
import { aCidr } from "../../make/objects.ts";
import { aWebState, atOnce, idle, nothing, realsOf } from "./an-ipvs-build.ts";

test("makes the kernel so, one batch for each tool, and the second time writes nothing", async () => {
  const kernel = await aFakeIpvsKernel();
  const first = await applyState(kernel, aWebState(), idle);
  expect([first.refused, first.left, first.draining]).toEqual([undefined, [], 0]);
  expect(kernel.written.map(({ tool }) => tool)).toEqual([
    "ipset",
    "iptables",
    "iptables",
    "iptables",
    "ip",
    "ipvsadm",
  ]);
  expect(realsOf(kernel)).toEqual(["10.1.0.1:8080 1", "10.1.0.2:8080 1"]);
  const second = await applyState(kernel, aWebState(), idle);
  expect([second.steps, second.left]).toEqual([[], undefined]);
  expect(kernel.written).toHaveLength(6);
});

test("a real server that is gone drains while it has connections, and goes once it has none", async () => {
  const kernel = await aFakeIpvsKernel();
  await applyState(kernel, aWebState(), idle);
  kernel.connections.set("10.1.0.1:8080", 3);
  const fewer = await applyState(kernel, aWebState(["10.1.0.2"]), idle);
  expect([fewer.draining, fewer.left]).toEqual([3, []]);
  expect(realsOf(kernel)).toEqual(["10.1.0.1:8080 0", "10.1.0.2:8080 1"]);
  kernel.connections.clear();
  expect((await applyState(kernel, aWebState(["10.1.0.2"]), idle)).draining).toBe(0);
  expect(realsOf(kernel)).toEqual(["10.1.0.2:8080 1"]);
});

test("one that comes back while it drains only gets its weight back", async () => {
  const kernel = await aFakeIpvsKernel();
  await applyState(kernel, aWebState(), idle);
  kernel.connections.set("10.1.0.1:8080", 1);
  await applyState(kernel, aWebState(["10.1.0.2"]), idle);
  const written = kernel.written.length;
  await applyState(kernel, aWebState(), idle);
  const since = kernel.written.slice(written).filter(({ tool }) => tool === "ipvsadm");
  expect(since.flatMap(({ script }) => script.trimEnd().split("\n")).every((line) => line.startsWith("-e "))).toBe(
    true,
  );
  expect(realsOf(kernel)).toEqual(["10.1.0.1:8080 1", "10.1.0.2:8080 1"]);
});

test("without patience it is gone at once, in one batch, connections or not", async () => {
  const kernel = await aFakeIpvsKernel();
  await applyState(kernel, aWebState(), idle);
  kernel.connections.set("10.1.0.1:8080", 3);
  const written = kernel.written.length;
  const fewer = await applyState(kernel, aWebState(["10.1.0.2"]), atOnce);
  expect([fewer.draining, fewer.left]).toEqual([0, []]);
  expect(kernel.written.slice(written).filter(({ tool }) => tool === "ipvsadm")).toHaveLength(1);
  expect(realsOf(kernel)).toEqual(["10.1.0.2:8080 1"]);
});

test("what is excluded stays, whatever is wanted", async () => {
  const kernel = await aFakeIpvsKernel();
  await applyState(kernel, aWebState(), idle);
  await applyState(kernel, nothing, { ...atOnce, excludeCidrs: [aCidr("10.96.0.0/16")] });
  expect(realsOf(kernel)).toHaveLength(2);
  expect(kernel.tools.servers()).not.toContain(":30080");
});

test("from nothing to everything to nothing leaves nothing, and others' virtual servers and sets", async () => {
  const others = "-A -t 198.51.100.1:80 -s wlc\n-a -t 198.51.100.1:80 -r 10.9.0.1:80 -m -w 1\n";
  const kernel = await aFakeIpvsKernel({ servers: others, sets: "create mine hash:ip family inet\n" });
  const before = [kernel.tools.sets(), kernel.tools.servers(), kernel.tools.addresses()];
  for (const state of [aWebState(), aWebState(["fd00:1::1"])]) await applyState(kernel, state, idle);
  for (const family of [4, 6] as const) expect((await applyState(kernel, emptyState(family), atOnce)).left).toEqual([]);
  expect([kernel.tools.sets(), kernel.tools.servers(), kernel.tools.addresses()]).toEqual(before);
  expect((await kernel.rules.readRules(4)) + (await kernel.rules.readRules(6))).not.toContain("KUBE-");
});

test("stops at the first step that is refused, and names what was done", async () => {
  const kernel = await aFakeIpvsKernel({ schedulers: ["wrr"] });
  const applied = await applyState(kernel, aWebState(), idle);
  expect(applied.refused?.tool).toBe("ipvsadm");
  expect(applied.done).toBe(applied.steps.length - 1);
  expect(applied.left).toBeUndefined();
});

test("a kernel that never is as written is not written to for ever", async () => {
  const kernel = await aFakeIpvsKernel();
  const forgetful = { ...kernel, changeAddresses: () => Promise.resolve({ ok: true as const }) };
  const applied = await applyState(forgetful, aWebState(), idle);
  expect(applied.left?.map(({ kind }) => kind)).toContain("add-address");
});

test("rehearsing writes nothing, and asks iptables only where the sets of its rules are there", async () => {
  const kernel = await aFakeIpvsKernel();
  const { steps } = await readSteps(kernel, aWebState(), idle);
  const checked: string[] = [];
  const checking = {
    rules: {
      ...kernel.rules,
      check: (_: unknown, script: string) => {
        checked.push(script);
        return Promise.resolve({ ok: false as const, message: "no", line: undefined });
      },
    },
  };
  expect(await rehearseSteps(checking, 4, steps)).toEqual({ ok: true });
  expect(await rehearseSteps(checking, 4, steps.slice(1))).toMatchObject({ ok: false });
  expect([checked.length, checked[0]?.startsWith("*"), kernel.written]).toEqual([1, true, []]);
});

test("what drains is counted by weight", async () => {
  const kernel = await aFakeIpvsKernel();
  await applyState(kernel, aWebState(), idle);
  kernel.tools.ipvsadm("-e -t 10.96.0.1:80 -r 10.1.0.1:8080 -m -w 0\n");
  expect(drainingIn(await observe(kernel, 4))).toBe(1);
});
