// Tests of src/agent/step-writer.ts: whom a refusal is held against.
import { expect, test } from "@jest/globals";
import { diffStates, emptyState, type IpvsStep } from "../../../rules/index.ts";
import { servicesOf, writeAll } from "../../../src/agent/step-writer.ts";
import { aFakeIpvsKernel, type FakeIpvsKernelOptions } from "../../make/fake-ipvs-kernel.ts";
import { ipvsOf, patient } from "../../make/ipvs.ts";
import { cluster, serve } from "./an-ipvs-proxier.ts";

const many = (count: number, scheduler: string) =>
  Array.from({ length: count }, (_, at) => String.fromCharCode(97 + at)).reduce(
    (made, name) => serve(made, { name, ipvsScheduler: scheduler }, ["10.1.0.1"]),
    cluster(),
  );
const stepsTo = (made: ReturnType<typeof cluster>): readonly IpvsStep[] =>
  diffStates(emptyState(4), ipvsOf(made).state, patient).steps;

async function write(steps: readonly IpvsStep[], options: FakeIpvsKernelOptions = {}) {
  const written = await writeAll(await aFakeIpvsKernel(options), 4, steps);
  return written.ok ? written : { ...written.refused, batches: written.batches };
}

test("all goes, one batch for each tool, rules by table", async () => {
  expect(await write(stepsTo(cluster("a", "b")))).toMatchObject({
    ok: true,
    rules: { left: undefined, leftChains: [] },
  });
});

test("what the kernel refuses line by line is held against each of those Services", async () => {
  const made = serve(
    serve(cluster("a"), { name: "b", ipvsScheduler: "fo" }, ["10.1.0.1"]),
    { name: "c", ipvsScheduler: "fo" },
    ["10.1.0.2"],
  );
  const refused = await write(stepsTo(made), { schedulers: ["rr"] });
  expect(refused).toMatchObject({ namesLine: true, eachRefused: true, services: ["default/b", "default/c"] });
});

test("a batch of many Services of which the kernel takes none is held against nobody", async () => {
  expect(await write(stepsTo(many(3, "fo")), { schedulers: ["rr"] })).toMatchObject({ namesLine: true });
  expect(await write(stepsTo(many(21, "fo")), { schedulers: ["rr"] })).toMatchObject({ namesLine: false });
});

test.each([
  ["ipvsadm", "illegal real server address[:port] specified", ["default/a"], true],
  ["ipvsadm", "Memory allocation problem", [], false],
  ["ipvsadm", "Can't initialize ipvs: Permission denied (you must be root)", [], false],
  ["ipset", "Kernel error received: Operation not permitted", [], false],
  ["ip", "Cannot talk to rtnetlink: No buffer space available", [], false],
] as const)("%s: %s", async (tool, message, services, namesLine) => {
  const refuse = (asked: string) => (asked === tool ? message : undefined);
  expect(await write(stepsTo(cluster("a", "b")), { refuse })).toMatchObject({
    ...{ services, namesLine, message: `${tool}: ${message}` },
    script: expect.stringContaining("10.96.0.97"),
  });
});

test("Services are named once, without their ports' names", () => {
  const changes = stepsTo(cluster("a", "b")).flatMap((step) => [...step.changes]);
  expect(servicesOf(changes)).toEqual(["default/a", "default/b"]);
});
