// The agent's memory while endpoints and Services change as fast as it can take it. In: 500 Services. Out: after all changes as much is kept
// as after a third of them.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { clusterIp, namespaceOf, objects, serviceName, serviceObject, sliceObjects } from "../bench/cluster.ts";
import { anAgentNode, endAll, type AgentNode, type AgentRun } from "../src/commands/an-agent.ts";
import { built } from "../src/commands/cli.ts";
import { describeNodes } from "../src/commands/node.ts";
import { aFolder } from "../src/golden/a-case.ts";
import type { ApiObject } from "../support/store.ts";

jest.setTimeout(90_000);
beforeAll(built, 120_000);
afterAll(endAll);

const size = { services: 500, endpoints: 5 };

/** What is kept of: everything, and kinds of which a forgotten one is a leak. */
type Kept = {
  readonly heapBytes: number;
  readonly objects: number;
  readonly maps: number;
  readonly promises: number;
  /** Timers, sockets, children. */
  readonly resources: number;
};

await describeNodes(
  "memory",
  (node) => {
    test("nothing more is kept after three times as many changes", async () => {
      const here = await anAgentNode(node(), ...([...objects(size)] as ApiObject[]));
      const folder = await aFolder({ "tell.mjs": tell });
      const nodeOptions = ["--expose-gc", "--no-warnings", "--import", join(folder, "tell.mjs")];
      const agent = here.startUnder({ nodeOptions });
      await agent.says(/^info: IPv4: .* batches/m, 30);

      // All that is bounded fills: every Service has changed, and there were as many passes as the history keeps.
      await churn(here, agent, { rounds: 2, passes: 100 });
      const first = await keptBy(here, agent);
      await churn(here, agent, { rounds: 0, passes: 5 });
      const before = leastOf(first, await keptBy(here, agent));
      let changes = await churn(here, agent, { rounds: 4, passes: 60 });
      let after = await keptBy(here, agent);
      // What the last pass was about is kept until the next, and may be much: a leak is what never goes.
      for (let again = 0; again < 3 && after.objects > before.objects; again++) {
        changes += await churn(here, agent, { rounds: 0, passes: 5 });
        after = leastOf(after, await keptBy(here, agent));
      }

      // One thing for each change would be far above these.
      expect(changes).toBeGreaterThan(2000);
      expect(after.heapBytes).toBeLessThan(before.heapBytes * 1.03);
      expect(after.objects).toBeLessThan(before.objects + changes / 10);
      expect(after.maps).toBeLessThan(before.maps + changes / 100);
      expect(after.promises).toBeLessThan(before.promises + changes / 100);
      expect(after.resources).toBeLessThan(before.resources + 5);
      expect(agent.log()).not.toMatch(/^error/m);
    });
  },
  ["nft"],
);

type Load = {
  /** In each, one endpoint of every Service is replaced, and a tenth of the Services is deleted and comes back with another cluster IP. */
  readonly rounds: number;
  /** Passes for one change each, after that. */
  readonly passes: number;
};

/** Gives how many changes of objects that were. Addresses of endpoints never come again: nothing of old ones may be kept. */
async function churn({ api }: AgentNode, agent: AgentRun, { rounds, passes }: Load): Promise<number> {
  let changes = 0;
  for (let round = 0; round < rounds; round++) {
    for (let first = 0; first < size.services; first += 50) {
      const services = Array.from({ length: 50 }, (_, at) => first + at);
      for (const service of services.slice(0, 5)) {
        await api.remove("Service", namespaceOf(service), serviceName(service));
        changes += 1;
      }
      const changed = [...services.slice(0, 5).map(recreated), ...services.map(movedSlice)];
      await api.set(...changed);
      changes += changed.length;
    }
  }
  for (let pass = 0; pass < passes; pass++) {
    const already = passesOf(agent);
    await api.set(movedSlice(pass % size.services));
    changes += 1;
    for (const end = Date.now() + 15_000; Date.now() < end && passesOf(agent) === already;) await sleep(5);
  }
  return changes;
}

let made = 0;

function passesOf(agent: AgentRun): number {
  return agent.log().match(/^info: IPv4: .* batches/gm)?.length ?? 0;
}

function movedSlice(service: number): ApiObject {
  const [slice] = sliceObjects(size, service) as (ApiObject & { readonly endpoints: readonly object[] })[];
  if (slice === undefined) throw new Error("bug: each Service has a slice");
  made += 1;
  const addresses = [`10.${160 + (made >> 16)}.${(made >> 8) & 255}.${made & 255}`];
  return { ...slice, endpoints: slice.endpoints.map((each, at) => (at === 0 ? { ...each, addresses } : each)) };
}

function recreated(service: number): ApiObject {
  const object = serviceObject(service) as ApiObject & { readonly spec: object };
  const ip = clusterIp(service + size.services * (made % 7));
  return { ...object, spec: { ...object.spec, clusterIP: ip, clusterIPs: [ip] } };
}

/** Once the agent is at rest. */
async function keptBy(here: AgentNode, agent: AgentRun): Promise<Kept> {
  const items = [...(await here.api.objects("Service")), ...(await here.api.objects("EndpointSlice"))];
  const wanted = await here.planned(items);
  expect(await here.reaches(wanted)).toEqual(wanted);
  const told = agent.log().length;
  process.kill(agent.pid, "SIGUSR2");
  const found = () => /^kept: (.*)$/m.exec(agent.log().slice(told))?.[1];
  for (const end = Date.now() + 15_000; Date.now() < end && found() === undefined;) await sleep(50);
  return JSON.parse(found() ?? "null") as Kept;
}

function leastOf(a: Kept, b: Kept): Kept {
  const least = (of: keyof Kept) => Math.min(a[of], b[of]);
  return {
    heapBytes: least("heapBytes"),
    objects: least("objects"),
    maps: least("maps"),
    promises: least("promises"),
    resources: least("resources"),
  };
}

/** Loaded before the agent: at SIGUSR2 it collects garbage, twice, since finalizers run in between, and counts what is left. */
const tell = `
import v8 from "node:v8";
import { setTimeout as sleep } from "node:timers/promises";
const count = (kind) => v8.queryObjects(kind, { format: "count" });
process.on("SIGUSR2", async () => {
  gc();
  await sleep(200);
  gc();
  const heapBytes = process.memoryUsage().heapUsed;
  const [objects, maps, promises] = [Object, Map, Promise].map(count);
  const resources = process.getActiveResourcesInfo().length;
  process.stderr.write("kept: " + JSON.stringify({ heapBytes, objects, maps, promises, resources }) + "\\n");
});
`;
