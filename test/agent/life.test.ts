// A life of 2,000 Services beside a running agent: created, churned, switched, deleted, recreated. In: a seed. Out: at every pause the kernel
// holds what a full computation from nothing gives, and no connection to a Service that had no part in it has failed.
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "@jest/globals";
import { never } from "../../rules/never.ts";
import type { Lab } from "../lab/lab.ts";
import type { ApiObject } from "../support/store.ts";
import { chances } from "./churn.ts";
import { createLife, type Life, type Write } from "./life.ts";
import { aPlace, type Place } from "./place.ts";
import { describeTogether } from "./together.ts";

/** In the title of the tests: `RULEWRIGHT_SEED=N` lives the same life again. */
const seed = Number(process.env["RULEWRIGHT_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** What happens between two pauses, in this order. `part` makes a number of Services fit the life's size, which is 2,000 at most. */
type Chapter = (life: Life, part: (count: number) => number) => Write[];

const chapters: readonly Chapter[] = [
  (life, part) => life.create(part(2000)),
  (life, part) => life.churn(part(700)),
  (life, part) => life.switchPolicies(part(500)),
  (life, part) => life.remove(part(500)),
  (life, part) => mixed([life.recreate(part(400)), life.churn(part(200))]),
  (life, part) => life.replace(part(300)),
  (life, part) => [
    ...life.remove(part(100)),
    ...life.churn(part(150)),
    ...life.switchPolicies(part(150)),
    ...life.recreate(part(150)),
    ...life.replace(part(100)),
    ...life.create(part(30)),
  ],
  (life) => life.remove(life.size() - 20),
  (life, part) => [...life.recreate(part(1000)), ...life.churn(part(100))],
];

/** iptables-legacy is in the other suites of this folder; it would take as long again here. */
const lives = [{ variant: "nft", services: 2000 }] as const;

await describeTogether(
  `RULEWRIGHT_SEED=${seed}`,
  lives.map(({ variant, services }) => ({
    title: `a life of ${services} Services: at ${chapters.length} pauses the kernel is as computed from nothing, and no connection to others fails`,
    variant,
    run: (lab) => live(lab, services),
  })),
);

async function live(lab: Lab, services: number): Promise<void> {
  const chance = chances(seed);
  const place = await aPlace(lab);
  const agent = place.start();
  await place.expectRight();
  const life = createLife(chance);
  await place.steadily(async () => {
    for (const chapter of chapters) {
      const writes = chapter(life, (count) => Math.ceil((count * services) / 2000));
      await tell(place, writes, { chance, handful: services / 20 });
      await place.expectRight({ seconds: 60 });
    }
  });
  expect(agent.log()).not.toMatch(/^error/m);
  // Passes came in the middle of the chapters too, or this would be a test of the pauses alone.
  expect(agent.log().match(/^info: IPv4: .* batches/gm)?.length).toBeGreaterThan(2 * chapters.length);
  expect(await agent.end("SIGTERM")).toBe(0);
}

/** `handful`: most writes between two pauses. */
type Telling = { readonly chance: () => number; readonly handful: number };

/** By handfuls, with pauses in which the agent may begin a pass or not. */
async function tell({ here }: Place, writes: readonly Write[], { chance, handful }: Telling): Promise<void> {
  let objects: ApiObject[] = [];
  const flush = async (): Promise<void> => {
    if (objects.length > 0) await here.api.set(...objects);
    objects = [];
  };
  let left = 0;
  for (const write of writes) {
    switch (write.does) {
      case "set":
        objects.push(write.object);
        break;
      case "remove":
        await flush();
        await here.api.remove(write.kind, "default", write.name);
        break;
      default:
        return never(write);
    }
    if ((left -= 1) > 0) continue;
    await flush();
    left = 1 + Math.floor(chance() * handful);
    await sleep(chance() * 40);
  }
  await flush();
}

/** In turns, the order of each being kept. */
function mixed(lists: readonly (readonly Write[])[]): Write[] {
  const longest = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat();
}
