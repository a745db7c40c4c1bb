// Tests of src/agent/loopback.ts.
import { expect, test } from "@jest/globals";
import { createFakeKernel } from "../../../src/kernel/fake.ts";
import { createLoopback } from "../../../src/agent/loopback.ts";
import { aView, type ViewFields } from "../../make/node.ts";
import { aCidr } from "../../make/objects.ts";

const name = "net/ipv4/conf/all/route_localnet";

/** What was logged, by level, and how often the sysctl was read. */
function aLoopback(value: string, write?: () => Promise<void>) {
  const kernel = createFakeKernel({ sysctls: { [name]: value } });
  const told: string[] = [];
  let reads = 0;
  const counted = {
    ...kernel,
    ...(write === undefined ? {} : { writeSysctl: write }),
    readSysctl: (sysctl: string) => {
      reads += 1;
      return kernel.readSysctl(sysctl);
    },
  };
  const allow = createLoopback(counted, { info: () => told.push("info"), warn: () => told.push("warn") });
  return { allow, told, reads: () => reads, value: () => kernel.readSysctl(name) };
}

test.each<[string, ViewFields, string, string, readonly string[]]>([
  ["is set where node ports answer on loopback", {}, "0", "1", ["info"]],
  ["stays where it is set", {}, "1", "1", []],
  ["is not needed for IPv6", { family: 6 }, "0", "0", []],
  ["is not needed where loopback is left out", { settings: { localhostNodePorts: false } }, "0", "0", []],
  [
    "is not needed where node ports have other addresses",
    { settings: { nodePortAddresses: [aCidr("192.168.0.0/16")] } },
    "0",
    "0",
    [],
  ],
])("route_localnet %s", async (_, fields, before, after, logged) => {
  const { allow, told, value } = aLoopback(before);
  await allow(aView(fields));
  expect([await value(), told]).toEqual([after, logged]);
});

test("is looked at once for each view", async () => {
  const { allow, reads } = aLoopback("0");
  const view = aView();
  await allow(view);
  await allow(view);
  expect(reads()).toBe(1);
  await allow(aView());
  expect(reads()).toBe(2);
});

test("that cannot be set is told once, and is no reason to fail", async () => {
  const { allow, told } = aLoopback("0", () => Promise.reject(new Error("EROFS")));
  const view = aView();
  await allow(view);
  await allow(view);
  expect(told).toEqual(["warn"]);
});
