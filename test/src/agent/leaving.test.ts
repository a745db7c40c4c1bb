// Tests of src/agent/leaving.ts: from IPVS mode to iptables mode over tools in memory.
import { expect, test } from "@jest/globals";
import { ownedByIpvs } from "../../../rules/index.ts";
import { createLeaving } from "../../../src/agent/leaving.ts";
import { createProxier } from "../../../src/agent/proxier.ts";
import { createTurns } from "../../../src/agent/turns.ts";
import { aView } from "../../make/node.ts";
import { until } from "../watch/harness.ts";
import { anIpvsProxier, cluster } from "./an-ipvs-proxier.ts";

const made = cluster("a", "b");

async function aNodeOfIpvsMode(drainSeconds: number) {
  const { fake, sync } = await anIpvsProxier();
  await sync(made);
  const log: string[] = [];
  const keep = (text: string) => void log.push(text);
  const trouble = { isThere: false };
  const leaving = createLeaving(
    { ...fake, readSets: () => (trouble.isThere ? Promise.reject(new Error("ipset save: busy")) : fake.readSets()) },
    {
      ...{ families: [4, 6], drainSeconds, turns: createTurns(), times: { soonMs: 5, laterMs: 5 } },
      log: { info: keep, warn: keep, error: keep },
    },
  );
  return { fake, leaving, log, trouble };
}

test("iptables mode's rules come first; then what is idle goes, and open connections are left their virtual server", async () => {
  const { fake, leaving, log, trouble } = await aNodeOfIpvsMode(900);
  const proxier = createProxier(fake.rules, { writes: true, owns: ownedByIpvs });
  expect(await proxier.sync({ cluster: made, view: aView() })).toMatchObject({ failure: undefined });
  const rules = await fake.rules.readRules(4);
  expect(rules).not.toMatch(/--match-set|KUBE-IPVS-FILTER|KUBE-NODE-PORT /);
  fake.connections.set("10.1.0.97:8080", 1);
  trouble.isThere = true;
  leaving.plan();
  await until(() => log.some((line) => line.includes("ipset save: busy; it is tried again")));
  trouble.isThere = false;
  await until(
    () => fake.tools.servers() === "-A -t 10.96.0.97:80 -s rr\n-a -t 10.96.0.97:80 -r 10.1.0.97:8080 -m -w 0\n",
  );
  expect(fake.tools.addresses()).toContain("10.96.0.97");
  fake.connections.clear();
  await until(() => fake.tools.servers() + fake.tools.sets() === "" && !fake.tools.addresses().includes("kube-ipvs0"));
  await until(() => log.includes("nothing is left of IPVS mode"));
  await leaving.stop();
  expect(await fake.rules.readRules(4)).toBe(rules);
  expect(await proxier.check(true)).toBe("as-written");
});

test("connections that are open have their time and no more", async () => {
  const { fake, leaving } = await aNodeOfIpvsMode(0);
  await createProxier(fake.rules, { writes: true, owns: ownedByIpvs }).sync({ cluster: made, view: aView() });
  fake.connections.set("10.1.0.97:8080", 1);
  leaving.plan();
  await until(() => fake.tools.servers() + fake.tools.sets() === "");
  await leaving.stop();
});
