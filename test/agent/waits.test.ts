// Faults that last, each in a lab of its own and all at the same time. In: minutes of trouble beside a running agent. Out: rules as a
// computation from nothing gives them, others' rules as they were, and clients that notice nothing.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "@jest/globals";
import type { Family } from "../../rules/index.ts";
import type { Lab } from "../lab/lab.ts";
import { needTool } from "../lab/tool.ts";
import type { Variant } from "../lab/tables.ts";
import { service, slice } from "./objects.ts";
import { aPlace, crowd, until, type Place } from "./place.ts";
import { spoiltTools } from "./spoilt-tools.ts";
import { describeTogether, type Scenario } from "./together.ts";

const both = (run: (lab: Lab) => Promise<void>, title: string): Scenario[] =>
  (["nft", "legacy"] as const).map((variant: Variant) => ({ title, variant, run }));

await describeTogether("an agent outlasts", [
  {
    title: "a minute in which every write fails, and then writes what is owed",
    variant: "nft",
    run: aMinuteOfFailures,
  },
  {
    title: "the xtables lock held longer than its tool waits, and then writes what is owed",
    variant: "legacy",
    run: aHeldLock,
  },
  {
    title: "an API server that is away for 20 s, and then makes up for what it missed",
    variant: "nft",
    run: anApiServerAway,
  },
  ...both(aLateWrite, "a write of its dead predecessor that lands on top of its own"),
  ...both(driftBesideOthers, "drift in every table within 30 s, and rules of others between its own stay as they were"),
]);

/** Changes, one every `everyMs`, until stopped. Each is of another kind than the one before. */
function churn({ here }: Place, everyMs: number): () => Promise<void> {
  const stopping = new AbortController();
  const change = async (step: number): Promise<void> => {
    const name = `churn-${step % 7}`;
    if (step % 5 === 4) await here.api.remove("Service", "default", `churn-${(step - 1) % 7}`);
    else
      await here.api.set(
        service(name, `10.97.0.${step % 7}`),
        slice(name, `10.130.${step % 200}.1`, `10.130.${step % 200}.2`),
      );
  };
  const running = (async () => {
    for (let step = 0; !stopping.signal.aborted; step++) {
      await change(step);
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return () => {
    stopping.abort();
    return running;
  };
}

async function aMinuteOfFailures(lab: Lab): Promise<void> {
  const place = await aPlace(lab, ...crowd(50));
  const tools = await spoiltTools();
  const agent = place.start(tools);
  await place.expectRight();
  await place.steadily(async () => {
    await tools.set("fails");
    const stop = churn(place, 2000);
    await sleep(60_000);
    await stop();
    // 0.5 s, doubled each time, up to 30 s: the machine is left in peace, and yet tried again.
    const tries = (await tools.runs()).filter((mode) => mode === "fails").length;
    expect([tries >= 4, tries <= 40]).toEqual([true, true]);
    await tools.set("works");
    await place.expectRight({ seconds: 45 });
  });
  expect(agent.log()).toMatch(/^error: IPv4: a batch was refused: .*Memory allocation problem/m);
  const { body } = await place.here.get("http://127.0.0.1:10249/metrics");
  // None of it was any Service's fault.
  expect(body).toMatch(/^rulewright_quarantined_services 0$/m);
}

/** Its tool waits 30 s for the lock (src/kernel/tools.ts), so 40 s make it give up once. With iptables-nft nobody takes that lock. */
async function aHeldLock(lab: Lab): Promise<void> {
  const place = await aPlace(lab, ...crowd(50));
  const agent = place.start();
  await place.expectRight();
  await place.steadily(async () => {
    const holder = spawn(await needTool("flock"), [
      lab.node.env["XTABLES_LOCKFILE"] ?? "",
      await needTool("sleep"),
      "40",
    ]);
    await sleep(200);
    const stop = churn(place, 2000);
    await once(holder, "exit");
    await stop();
    await place.expectRight({ seconds: 45 });
  });
  expect(agent.log()).toMatch(/^error: IPv4: a batch was refused: [^]*xtables lock/m);
}

async function anApiServerAway(lab: Lab): Promise<void> {
  const place = await aPlace(lab, ...crowd(50));
  place.start();
  await place.expectRight();
  await place.steadily(async () => {
    const rules = [await place.here.rules(4), await place.here.rules(6)];
    await place.here.api.down();
    const stop = churn(place, 500);
    await sleep(20_000);
    await stop();
    expect([await place.here.rules(4), await place.here.rules(6)]).toEqual(rules);
    await place.here.api.up();
    // Up to 30 s between its tries by then.
    await place.expectRight({ seconds: 45 });
  });
}

/** The tool is a process of its own and outlives the agent; a machine that is short of everything may let it run any time later. */
async function aLateWrite(lab: Lab): Promise<void> {
  const place = await aPlace(lab, ...crowd(50), service("old", "10.97.4.1"), slice("old", "10.130.4.1"));
  const tools = await spoiltTools();
  const dead = place.start(tools);
  await place.expectRight();
  const has = async (what: "late-once" | "landed") => (await tools.runs()).includes(what);
  await place.steadily(async () => {
    const { api } = place.here;
    await tools.set("late-once");
    await api.remove("Service", "default", "old");
    await api.set(service("between", "10.97.4.2"), slice("between", "10.130.4.2"));
    await until(() => has("late-once"));
    expect(await dead.end("SIGKILL")).toBe("SIGKILL");
    await api.remove("Service", "default", "between");
    await api.set(service("old", "10.97.4.1"), slice("old", "10.130.4.3"), service("new", "10.97.4.3"));
    const agent = place.start();
    await agent.says(/^info: IPv4: .* batches/m);
    expect(await has("landed")).toBe(false);
    await tools.release();
    await until(() => has("landed"));
    await agent.says(/^warn: IPv4: rules were not as written, and were repaired/m, 30);
    await place.expectRight();
  });
}

/** Where ours are pushed down by it, everything is over before they are asked. */
const thief = "-s 198.51.100.77/32 -m comment --comment thief -j ACCEPT";

async function driftBesideOthers(lab: Lab): Promise<void> {
  const place = await aPlace(lab, ...crowd(50));
  const first = place.start();
  await place.expectRight();
  expect(await first.end("SIGTERM")).toBe(0);
  for (const family of [4, 6] as const) await place.node.restore(family, between);
  await place.rememberOthers();
  const order = [builtIn(await lab.save(4)), builtIn(await lab.save(6))];
  const agent = place.start();
  const stop = churn(place, 300);
  await sleep(3000);
  await stop();
  await place.expectRight();
  expect([builtIn(await lab.save(4)), builtIn(await lab.save(6))]).toEqual(order);

  const run = (family: Family, args: string) =>
    place.node.run(`${family === 4 ? "iptables" : "ip6tables"}-${lab.variant}`, ["-w", "10", ...args.split(" ")]);
  const chain = /^-A (KUBE-SVC-\S+) .*-j DNAT/m.exec(await lab.save(6, "nat"))?.[1] ?? "";
  await run(4, "-t nat -F");
  // Behind rules that it was before, and a new one in front of it, which may be there to refuse something: that one stays.
  const jump = (await lab.save(4)).split("\n").find((line) => /^-A FORWARD .*-j KUBE-FORWARD$/.test(line)) ?? "";
  await place.node.restore(4, `*filter\n${jump.replace("-A", "-D")}\n${jump}\nCOMMIT\n`);
  await run(4, `-t filter -I FORWARD 1 ${thief}`);
  await run(4, "-t filter -D KUBE-FORWARD 1");
  await run(6, `-t nat -R ${chain} 1 -j RETURN`);
  await run(6, "-t nat -D KUBE-POSTROUTING 1");
  await run(6, `-t nat -I PREROUTING 1 ${thief.replace("198.51.100.77/32", "2001:db8:2::77/128")}`);
  await run(6, "-t filter -D INPUT 1");
  await place.rememberOthers();
  const from = Date.now();
  const isBefore = async (family: Family, hook: string, [first, second]: readonly [RegExp, RegExp]) => {
    const lines = (await lab.save(family)).split("\n").filter((line) => line.startsWith(`-A ${hook} `));
    const last = lines.findLastIndex((line) => first.test(line));
    return last >= 0 && last < lines.findIndex((line) => second.test(line));
  };
  for (const family of [4, 6]) await agent.says(new RegExp(`^warn: IPv${family}: rules were not as written`, "m"), 30);
  await place.expectRight({ seconds: 30 });
  await until(
    async () =>
      (await isBefore(4, "FORWARD", [/-j KUBE-FORWARD$/, /--dport 6005 /])) &&
      (await isBefore(6, "PREROUTING", [/-j KUBE-SERVICES$/, /thief/])),
    31 - (Date.now() - from) / 1000,
  );
  expect(await isBefore(4, "FORWARD", [/thief/, /--dport 6005 /])).toBe(true);
  await place.expectRight();
  await place.steadily(() => sleep(500));
}

/** Rules before, between and behind our jumps. Nothing of the lab has these addresses. */
const between = `*filter
-I INPUT 1 -p tcp -m tcp --dport 6001 -j DROP
-I INPUT 3 -p tcp -m tcp --dport 6002 -j DROP
-I FORWARD 2 -p tcp -m tcp --dport 6003 -m comment --comment "KUBE-SERVICES" -j DROP
-I FORWARD 4 -p tcp -m tcp --dport 6004 -j others-between
-A FORWARD -p tcp -m tcp --dport 6005 -j REJECT
-I OUTPUT 2 -p udp -m udp --dport 6006 -j others-between
COMMIT
*nat
-I PREROUTING 1 -p tcp -m tcp --dport 6007 -j RETURN
-I OUTPUT 1 -p tcp -m tcp --dport 6008 -j RETURN
-I POSTROUTING 2 -p tcp -m tcp --dport 6009 -j MASQUERADE
COMMIT
`.replace("*filter\n", "*filter\n:others-between - [0:0]\n");

/** The rules of built-in chains in their order, ours among those of others. */
function builtIn(saved: string): string[] {
  return saved.split("\n").filter((line) => /^(\*|-A (PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) )/.test(line));
}
