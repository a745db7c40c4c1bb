// Faults of the API server, of objects, of the clock and of the tools, each beside a running agent. In: a lab, a spoilt neighbour.
// Out: rules as a computation from nothing gives them, others' rules as they were, and clients that notice nothing.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { describeWhere } from "../lab/describe-where.ts";
import { createLab, type Lab } from "../lab/lab.ts";
import { canMakeLab } from "../lab/probe.ts";
import type { Variant } from "../lab/tables.ts";
import { endAll, type AgentRun } from "../src/commands/an-agent.ts";
import { built } from "../src/commands/cli.ts";
import { aFolder } from "../src/golden/a-case.ts";
import type { ApiObject } from "../support/store.ts";
import { aPlace, crowd, everything, until, type Place } from "./place.ts";
import { service, slice } from "./objects.ts";
import { spoiltTools, type Mode, type SpoiltTools } from "./spoilt-tools.ts";

jest.setTimeout(60_000);
beforeAll(built, 120_000);
afterAll(endAll);

/** One place for all tests of a block, since an agent's start costs a second. */
async function describePlace(title: string, variant: Variant, declare: (place: () => Place) => void): Promise<void> {
  const answer = await canMakeLab(variant);
  let lab: Lab | undefined;
  let place: Place | undefined;
  const current = (): Place => {
    if (place === undefined) throw new Error("bug: the place exists only while a test runs");
    return place;
  };
  describeWhere(`${title} (${variant})`, answer, () => {
    beforeAll(async () => {
      lab = await createLab({ variant });
      place = await aPlace(lab, ...crowd(50));
    });
    afterAll(async () => {
      await endAll();
      await lab?.destroy();
    });
    declare(current);
  });
}

const moved = (title: string, last: number): ApiObject => slice(title, `10.130.0.${last}`, `10.130.1.${last}`);

for (const variant of ["nft", "legacy"] as const)
  await describePlace("tools that fail", variant, (place) => {
    let tools: SpoiltTools;
    let agent: AgentRun;
    const ran = async (mode: Mode) => (await tools.runs()).filter((each) => each === mode).length;

    test("the first rules come although the tool is killed between two tables of them", async () => {
      tools = await spoiltTools();
      await tools.set("killed-between");
      agent = place().start(tools);
      await place().expectRight();
      expect(await ran("killed-between")).toBe(1);
    });

    test.each<Mode>(["fails-once", "killed-early", "killed-between"])(
      "a change comes although the tool %s",
      async (mode) => {
        const before = await ran(mode);
        const title = `spoilt-${mode}`;
        await place().steadily(async () => {
          await tools.set(mode);
          const ip = `10.97.0.${mode.length}`;
          await place().here.api.set(
            service(title, ip),
            service(`${title}-none`, ip.replace(".0.", ".1.")),
            moved(title, 1),
          );
          await place().expectRight();
          await place().here.api.remove("Service", "default", title);
          await place().expectRight();
        });
        expect(await ran(mode)).toBe(before + 1);
        expect(agent.log()).toMatch(/^error: IPv4: (a batch was refused|this pass failed)/m);
      },
    );
  });

await describePlace("an API server with faults", "nft", (place) => {
  let agent: AgentRun;
  beforeAll(async () => {
    agent = place().start();
    await place().expectRight();
  });

  test("what went away while the server forgot its history (410) goes away here", async () => {
    const { api } = place().here;
    await api.set(service("gone", "10.97.1.3"), moved("gone", 1), service("stays", "10.97.1.4"), moved("stays", 1));
    await place().expectRight();
    await place().steadily(async () => {
      await api.stallWatches();
      await api.remove("Service", "default", "gone");
      await api.remove("EndpointSlice", "default", "gone-1");
      await api.set(moved("stays", 2), service("new", "10.97.1.5"), moved("new", 1));
      await api.expireHistory();
      expect(await api.cutWatches()).toBeGreaterThan(0);
      await place().expectRight({ seconds: 30 });
      await agent.says(/410/);
    });
  });

  test("events that come late and three times over do no harm", async () => {
    const { api } = place().here;
    await place().steadily(async () => {
      await api.delayEvents(400);
      await api.duplicateEvents(3);
      for (const last of [1, 2, 3, 2]) await api.set(moved("twice", last), service("twice", `10.97.1.${10 + last}`));
      await api.remove("EndpointSlice", "default", "twice-1");
      await api.set(moved("twice", 9));
      await place().expectRight();
      await api.delayEvents(0);
      await api.duplicateEvents(1);
    });
  });

  test("slices that come before their Service, move to another, and stay after it, are counted where they are", async () => {
    const { api } = place().here;
    await place().steadily(async () => {
      await api.set(moved("late", 1));
      await sleep(300);
      await api.set(service("late", "10.97.1.20"), service("other", "10.97.1.21"));
      await place().expectRight();
      const taken = {
        ...moved("other", 1),
        metadata: { ...(moved("late", 1)["metadata"] as object), labels: { "kubernetes.io/service-name": "other" } },
      };
      await api.set(taken);
      await place().expectRight();
      await api.set(moved("late", 2), moved("other", 3));
      await place().expectRight();
      await api.remove("Service", "default", "late");
      await place().expectRight();
      await api.set(service("late", "10.97.1.22"));
      await place().expectRight();
    });
    expect(agent.log()).not.toMatch(/^error/m);
  });

  test.each([
    ["clean", "mid-event"],
    ["reset", "mid-chunk"],
  ] as const)("what changed while watches were cut (%s, %s) is made up for", async (ofServices, ofSlices) => {
    const { api } = place().here;
    await place().steadily(async () => {
      await api.set(service("cut", "10.97.1.1"), moved("cut", 1));
      expect(await api.cutWatches(ofServices, "services")).toBeGreaterThan(0);
      expect(await api.cutWatches(ofSlices, "endpointslices")).toBeGreaterThan(0);
      await api.set(moved("cut", 2), service("cut-too", "10.97.1.2"), moved("cut-too", 1));
      await api.set(moved("cut", 3));
      await api.remove("Service", "default", "cut-too");
      await place().expectRight({ seconds: 30 });
    });
  });
});

/** Objects that make no sense, each beside good ones: what is bad of it, and the metric's kind. */
const malformed: readonly [string, ApiObject][] = [
  [
    "Service",
    {
      ...service("bad-port", "10.97.2.1"),
      spec: { clusterIP: "10.97.2.1", clusterIPs: ["10.97.2.1"], ports: [{ port: 70000 }] },
    },
  ],
  [
    "Service",
    {
      ...service("bad-ip", "10.97.2.2"),
      spec: { clusterIP: "10.97.2", clusterIPs: ["10.97.2"], ports: [{ port: 80 }] },
    },
  ],
  ["Service", { ...service("bad-ports", "10.97.2.3"), spec: { clusterIP: "10.97.2.3", ports: "80" } }],
  ["EndpointSlice", { ...slice("bad-address", "10.130.0.999") }],
  ["EndpointSlice", { ...slice("bad-list", "10.130.0.1"), endpoints: { addresses: ["10.130.0.1"] } }],
  [
    "Node",
    {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "node-7" },
      spec: { podCIDRs: "all" },
      status: { addresses: 7 },
    },
  ],
];

const injected =
  "\nCOMMIT\n*filter\n:INPUT DROP\n-A INPUT -j DROP\nCOMMIT\n*nat\n-A PREROUTING -j ACCEPT # \"'$(touch /tmp/x)";
const injections: readonly ApiObject[] = [
  {
    ...service("inject-port", "10.97.3.1"),
    spec: { clusterIP: "10.97.3.1", clusterIPs: ["10.97.3.1"], ports: [{ name: `http${injected}`, port: 80 }] },
  },
  {
    ...service("inject-ip", "10.97.3.2"),
    spec: { clusterIP: `10.97.3.2${injected}`, clusterIPs: [`10.97.3.2${injected}`], ports: [{ port: 80 }] },
  },
  {
    ...service("inject-ranges", "10.97.3.3", {
      type: "LoadBalancer",
      loadBalancerSourceRanges: [`0.0.0.0/0${injected}`],
      externalIPs: [`192.0.2.1${injected}`],
    }),
    status: { loadBalancer: { ingress: [{ ip: `192.0.2.2${injected}` }] } },
  },
];

await describePlace("objects that make no sense, and a clock", "nft", (place) => {
  let agent: AgentRun;
  const refused = async (kind: string): Promise<number> => {
    const { body } = await place().here.get("http://127.0.0.1:10249/metrics");
    const found = new RegExp(`^rulewright_refused_objects_total\\{.*kind="${kind}".*\\} (\\d+)`, "m").exec(body);
    return Number(found?.[1] ?? 0);
  };
  const nameOf = (object: ApiObject) => (object["metadata"] as { name: string }).name;

  beforeAll(async () => {
    const folder = await aFolder({ "clock.mjs": clock });
    agent = place().start({ nodeOptions: ["--import", join(folder, "clock.mjs")] });
    await place().expectRight();
  });

  test("bad ones of every kind keep no good one from being served, and each is named in the log and counted", async () => {
    const good = await everything(place().here);
    const counted: Record<string, number> = {};
    await place().steadily(async () => {
      for (const [index, [kind, object]] of malformed.entries()) {
        counted[kind] = (counted[kind] ?? 0) + 1;
        const beside = [service(`good-${index}`, `10.97.2.${100 + index}`), moved(`good-${index}`, index + 1)];
        good.push(...beside);
        await place().here.api.set(object, ...beside);
        await agent.says(new RegExp(`^error: ${kind} .*${nameOf(object)} .*`, "m"));
      }
      await place().expectRight({ items: good });
    });
    for (const [kind, count] of Object.entries(counted)) expect([kind, await refused(kind)]).toEqual([kind, count]);
    for (const [kind, object] of malformed)
      await place().here.api.remove(kind, kind === "Node" ? "" : "default", nameOf(object));
  });

  test("text of a Service that looks like rules never becomes one", async () => {
    const beside = [service("good-last", "10.97.3.9"), moved("good-last", 9)];
    const good = [...(await everything(place().here)), ...beside];
    await place().steadily(async () => {
      await place().here.api.set(...injections, ...beside);
      for (const each of injections) await agent.says(new RegExp(`^error: Service default/${nameOf(each)} `, "m"));
      await place().expectRight({ items: good });
    });
    for (const each of injections) await place().here.api.remove("Service", "default", nameOf(each));
    // One line of the log for each: nothing can be made to look like another message.
    expect(agent.log()).not.toMatch(/^(COMMIT|:INPUT|-A|\*)/m);
  });

  test("with the clock set back by an hour passes go on within seconds", async () => {
    await place().steadily(async () => {
      // A change just before: what has just run must not make the next pass wait for its hour.
      await place().here.api.set(moved("good-last", 10));
      await place().expectRight();
      process.kill(agent.pid, "SIGUSR2");
      await agent.says(/the clock is now/);
      for (const last of [11, 12, 13]) {
        await place().here.api.set(moved("good-last", last));
        await until(async () => (await place().node.save(4)).includes(`10.130.0.${last}`), 5);
      }
      expect((await place().here.get("http://127.0.0.1:10256/livez")).status).toBe(200);
    });
  });

  test("a node name that nothing in the cluster has is warned of, and Services are served all the same", async () => {
    expect(await agent.end("SIGTERM")).toBe(0);
    await place().here.api.set({ apiVersion: "v1", kind: "Node", metadata: { name: "node-1" } });
    await place().here.api.set(service("after", "10.97.3.10"), moved("after", 10));
    const other = place().start({}, "--hostname-override", "nobody");
    await place().steadily(() => place().expectRight({ nodeName: "nobody" }), "outside-b");
    await other.says(/^warn: .*nobody/m);
  });
});

/** Loaded before the agent: SIGUSR2 sets its clock back by an hour. performance.now and timers go on as they were, as in a real process. */
const clock = `const real = Date;
let shift = 0;
const now = () => real.now() + shift;
globalThis.Date = new Proxy(real, {
  construct: (target, given) => new target(...(given.length === 0 ? [now()] : given)),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
process.on("SIGUSR2", () => {
  shift = -3_600_000;
  process.stderr.write("the clock is now " + new Date().toISOString() + "\\n");
});
`;
