// Tests of src/agent/flows.ts, with a conntrack table in memory. With the real one: test/packets/conntrack.test.ts.
import { expect, test } from "@jest/globals";
import { createFlows } from "../../../src/agent/flows.ts";
import type { RunConntrack } from "../../../src/conntrack/tool.ts";
import { aNode, aView, modelOf } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { aFlow } from "../../rules/conntrack/harness.ts";
import { fakeConntrack } from "../conntrack/fake.ts";

const view = aView();
const ports = [{ protocol: "UDP" as const, port: 53 }];
const modelWith = (endpoint: string) =>
  modelOf(aCluster(aService({ ports }), aSlice({ ports: [{ ...ports[0], port: 5353 }], endpoints: [endpoint] })), view);
const [old, now] = [modelWith("10.1.0.1"), modelWith("10.1.0.2")];
const stale = aFlow({ to: "10.96.0.1:53", by: "10.1.0.1:5353" });
const { localIps } = aNode();

/** A log, what it was told, and what was counted. */
function aPlace(tool: RunConntrack | undefined) {
  const [log, counted]: [string[], (number | string)[][]] = [[], []];
  const keep = (level: string) => (text: string) => log.push(`${level}: ${text}`);
  const levels = { error: keep("error"), warn: keep("warn"), info: keep("info"), debug: () => 0 };
  const flows = createFlows(tool, levels);
  const pay = () => flows.pay(localIps, (family, _, deleted) => counted.push([family, deleted]));
  return { flows, pay, log, counted };
}

test("after an endpoint is replaced, connections that lead to the old one are ended, once", async () => {
  const fake = fakeConntrack([stale]);
  const { flows, pay, log, counted } = aPlace(fake.run);
  flows.passed(undefined, old);
  await pay();
  expect(fake.flows()).toEqual([stale]);
  flows.passed(old, now);
  await pay();
  expect(fake.flows()).toEqual([]);
  expect(log).toEqual([expect.stringMatching(/^info: IPv4: deleted 1 /)]);
  const asked = fake.asked.length;
  flows.passed(now, now);
  await pay();
  expect(fake.asked).toHaveLength(asked);
  expect(counted).toEqual([
    [4, 0],
    [4, 1],
  ]);
});

test("what could not be paid stays owed, and why is said once", async () => {
  const fake = fakeConntrack([stale]);
  let isBroken = true;
  const { flows, pay, log } = aPlace((...args) =>
    isBroken ? Promise.resolve({ code: 1, stdout: "", stderr: "Operation not permitted" }) : fake.run(...args),
  );
  flows.passed(old, now);
  await pay();
  await pay();
  expect(log).toEqual([expect.stringMatching(/^warn: .*Operation not permitted/)]);
  isBroken = false;
  await pay();
  expect(fake.flows()).toEqual([]);
});

test("without the tool nothing fails", async () => {
  const { flows, pay, log } = aPlace(undefined);
  flows.passed(old, now);
  await pay();
  expect(log).toEqual([expect.stringMatching(/^warn: .*conntrack/)]);
});
