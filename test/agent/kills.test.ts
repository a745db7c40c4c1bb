// 200 deaths by SIGKILL: of the process that writes, alone or with its tool, between writes and inside them. In: a seed. Out: no connection to
// an untouched Service that failed, and rules as a computation from nothing gives them.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "@jest/globals";
import { build } from "esbuild";
import { buildModel, buildRuleset, parseRuleset, renderRuleset } from "../../rules/index.ts";
import type { Lab } from "../lab/lab.ts";
import { needTool } from "../lab/tool.ts";
import { aFolder } from "../src/golden/a-case.ts";
import { chances, objectsAt, wantedAt, type Step } from "./churn.ts";
import { aPlace, type Place } from "./place.ts";
import { describeTogether } from "./together.ts";
import type { WriterOrder } from "./writer.ts";

/** In the title of the tests: `RULEWRIGHT_SEED=N` kills at the same points again. */
const seed = Number(process.env["RULEWRIGHT_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Of each variant; every twentieth is that of a whole agent. */
const deaths = 100;

await describeTogether(
  `RULEWRIGHT_SEED=${seed}`,
  (["nft", "legacy"] as const).map((variant) => ({
    title: `killed at ${deaths} points and started again, it ends right, and no connection to others fails`,
    variant,
    run: (lab) => dieAndRise(lab),
  })),
);

/** What is killed when. `nth` counts the writes of a process. */
type Point = {
  readonly moment: "inside a write" | "after a write";
  readonly nth: number;
  readonly ms: number;
  /** The tool is a process of its own, and goes on where only the writer dies. */
  readonly victims: "writer" | "writer and tool";
};

/** For Node.js that lives for a third of a second: what compiles well in other threads is in vain, and a third of its CPU time. */
const light = ["--no-opt", "--max-lazy", "--single-threaded"];

async function dieAndRise(lab: Lab): Promise<void> {
  const chance = chances(seed + (lab.variant === "nft" ? 0 : 1));
  const place = await aPlace(lab, ...objectsAt({ seed, step: 0 }));
  const program = await bundle();
  const start = async (order: Omit<WriterOrder, "variant" | "seed">): Promise<ChildProcess> => {
    const whole: WriterOrder = { variant: lab.variant, seed, ...order };
    const command = ["netns", "exec", lab.node.namespace, process.execPath, ...light, program, JSON.stringify(whole)];
    return spawn(await needTool("ip"), command, { env: lab.node.env, stdio: ["ignore", "pipe", "inherit"] });
  };
  const end = async (step: number): Promise<void> => {
    const child = await start({ step, last: step, families: [4, 6] });
    child.stdout?.resume();
    expect(await once(child, "exit")).toEqual([0, null]);
    await expectStep(lab, { seed, step });
  };
  await end(0);
  await place.steadily(async () => {
    for (let death = 1; death <= deaths; death++) {
      const step = death * 5;
      const point = pointBy(chance);
      if (death % 20 === 0) await killAgent(place, { seed, step }, { ...point, ms: point.ms * 25 });
      else await killWriter(await start({ step, families: [chance() < 0.6 ? 4 : 6] }), point);
      if (death % 20 === 5) await end(step + 1);
    }
  });
  await moveTo(place, { seed, step: deaths * 5 + 1 });
  const agent = place.start();
  await place.expectRight();
  expect(await agent.end("SIGTERM")).toBe(0);
}

function pointBy(chance: () => number): Point {
  return {
    moment: chance() < 0.7 ? "inside a write" : "after a write",
    nth: 1 + Math.floor(chance() * 3),
    ms: Math.floor(chance() * 16),
    victims: chance() < 0.5 ? "writer" : "writer and tool",
  };
}

async function killWriter(child: ChildProcess, { moment, nth, ms, victims }: Point): Promise<void> {
  let left = nth;
  const exit = once(child, "exit");
  if (child.stdout === null || child.pid === undefined) throw new Error("the writer did not start");
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    if (line === (moment === "inside a write" ? "begin" : "end")) left -= 1;
    if (left > 0) continue;
    await sleep(ms);
    kill(child.pid, victims);
    break;
  }
  expect([await exit, left]).toEqual([[null, "SIGKILL"], 0]);
}

/** Some time after it was told of a change, which is before, in, or after the pass that makes it. */
async function killAgent(place: Place, step: Step, { ms, victims }: Point): Promise<void> {
  const agent = place.start();
  await agent.says(/^info: services: listed/m);
  await moveTo(place, step);
  await sleep(ms);
  kill(agent.pid, victims);
  expect(await agent.end("SIGKILL")).toBe("SIGKILL");
}

/** Frozen first, so that they die in one moment: none sees the other's end. */
function kill(pid: number, victims: Point["victims"]): void {
  process.kill(pid, "SIGSTOP");
  const tools = victims === "writer" ? "" : readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  for (const tool of tools
    .split(" ")
    .filter((word) => word !== "")
    .map(Number)) {
    try {
      process.kill(tool, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
  process.kill(pid, "SIGKILL");
}

/** The API server has the objects of that step, and no others. */
async function moveTo({ here }: Place, step: Step): Promise<void> {
  const objects = objectsAt(step);
  const nameOf = (object: object) => (object as { metadata: { name: string } }).metadata.name;
  const names = new Set(objects.map((object) => `${String(object["kind"])} ${nameOf(object)}`));
  for (const kind of ["Service", "EndpointSlice"]) {
    for (const name of (await here.api.objects(kind)).map(nameOf))
      if (!names.has(`${kind} ${name}`)) await here.api.remove(kind, "default", name);
  }
  await here.api.set(...objects);
}

/** The kernel holds what is computed for that step from nothing. */
async function expectStep(lab: Lab, step: Step): Promise<void> {
  for (const family of [4, 6] as const) {
    const { cluster, view } = wantedAt(step, family);
    const wanted = renderRuleset(buildRuleset(buildModel(cluster, view)).ruleset);
    expect(renderRuleset(parseRuleset(await lab.save(family), family))).toBe(wanted);
  }
}

/** `writer.ts` with all that it needs, as one file of JavaScript. */
async function bundle(): Promise<string> {
  const outfile = join(await aFolder(), "writer.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "writer.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    minify: true,
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  return outfile;
}
