// Tests of src/conntrack/clean-stale.ts, with a table in memory. With the real one: test/packets/conntrack.test.ts.
import { describe, expect, test } from "@jest/globals";
import { owe } from "../../../rules/conntrack/owed.ts";
import { cleanStale, type Subject } from "../../../src/conntrack/clean-stale.ts";
import { aNode, aView, modelOf } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { aFlow } from "../../rules/conntrack/harness.ts";
import { fakeConntrack } from "./fake.ts";

const cluster = aCluster(
  aService({ clusterIps: ["10.96.0.10", "fd00:96::10"], ports: [{ protocol: "UDP", port: 53 }] }),
  aSlice({ ports: [{ protocol: "UDP", port: 5353 }], endpoints: ["10.1.0.1"] }),
  aSlice({ name: "web-2", addressType: "IPv6", ports: [{ protocol: "UDP", port: 5353 }], endpoints: ["fd00:1::1"] }),
);
const subjects = ([4, 6] as const).map((family): Subject => {
  const model = modelOf(cluster, aView({ family }));
  return {
    model,
    owed: owe(undefined, { before: undefined, after: model, tracked: ["UDP"] }) ?? { formerly: new Map() },
  };
});
const settings = { nodeIps: aNode().localIps };
const stale = [
  aFlow({ to: "10.96.0.10:53", by: "10.1.0.2:5353" }),
  aFlow({ to: "10.96.0.10:53" }),
  aFlow({ to: "[fd00:96::10]:53", by: "[fd00:1::2]:5353" }),
];
const good = [
  aFlow({ to: "10.96.0.10:53", by: "10.1.0.1:5353" }),
  aFlow({ to: "10.96.0.10:53", by: "10.1.0.2:5353", protocol: "TCP" }),
  aFlow({ to: "10.96.0.10:53", by: "10.1.0.2:5353", zone: 7 }),
  aFlow({ to: "198.18.9.9:53", by: "10.1.0.2:5353" }),
];

test("deletes what is stale in both families, and leaves the rest", async () => {
  const fake = fakeConntrack([...stale, ...good]);
  expect(await cleanStale(subjects, settings, fake.run)).toEqual({
    deleted: 3,
    failed: 0,
    done: true,
    warning: undefined,
  });
  expect(fake.flows()).toEqual(good);
  expect(await cleanStale(subjects, settings, fake.run)).toMatchObject({ deleted: 0, done: true });
});

test("asks nothing where nothing is owed, and only for the family and protocols in question", async () => {
  const fake = fakeConntrack(stale);
  expect(await cleanStale([], settings, fake.run)).toEqual({ deleted: 0, failed: 0, done: true, warning: undefined });
  expect(fake.asked).toEqual([]);
  await cleanStale(subjects.slice(1), { ...settings, tracked: ["UDP", "SCTP"] }, fake.run);
  expect(fake.asked.filter((line) => line.startsWith("-L"))).toEqual([
    "-L -f ipv6 -p udp -o extended",
    "-L -f ipv6 -p sctp -o extended",
  ]);
});

describe("is not done, and says why, where", () => {
  const denied = {
    code: 1,
    stdout: "",
    stderr: "conntrack v1.4.7 (conntrack-tools): Operation failed: must be root\nmore\n",
  };
  test("the tool is missing", async () => {
    const cleaned = await cleanStale(subjects, settings, undefined);
    expect(cleaned).toMatchObject({ deleted: 0, done: false });
    expect(cleaned.warning).toMatch(/not found/);
  });

  test.each([
    ["it may not list", "-L", { deleted: 0, failed: 0 }],
    ["it may not delete", "-D", { deleted: 0, failed: 3 }],
  ])("%s", async (_, option, counts) => {
    const fake = fakeConntrack(stale, { fail: (line) => (line.includes(option) ? denied : undefined) });
    const cleaned = await cleanStale(subjects, settings, fake.run);
    expect(cleaned).toMatchObject({ ...counts, done: false });
    expect(cleaned.warning).toMatch(/must be root;/);
    expect(cleaned.warning).not.toMatch(/\n|more/);
  });

  test("it cannot be run", async () => {
    const fake = fakeConntrack(stale, { fail: () => ({ code: undefined, failure: "timed out" }) });
    const cleaned = await cleanStale(subjects, settings, fake.run);
    expect(cleaned).toMatchObject({ done: false });
    expect(cleaned.warning).toMatch(/timed out/);
  });

  test("a limit was reached: the rest is left for the next time", async () => {
    const many = Array.from({ length: 25 }, (_, at) => aFlow({ to: "10.96.0.10:53", by: `10.1.7.${at}:5353` }));
    const fake = fakeConntrack(many);
    const limits = { seconds: 20, processes: 20, now: () => 0 };
    expect(await cleanStale(subjects, { ...settings, limits }, fake.run)).toMatchObject({
      deleted: 20,
      failed: 5,
      done: false,
    });
    expect(await cleanStale(subjects, { ...settings, limits }, fake.run)).toMatchObject({
      deleted: 5,
      failed: 0,
      done: true,
    });
  });
});
