// Declares the rows of `packets/` as tests of this mode. In: a bed. Out: a test for each row, whose packets passed a real ip_vs.
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { Lab } from "../lab/lab.ts";
import { attemptsOf, collectRows, type Attempt, type Declared, type Row } from "../packets/rows.ts";
import { statesOf, type Bed } from "./bed.ts";
import { differences, inIpvsMode, leftOut, rowFiles } from "./differences.ts";
import { mergeRows } from "./merge.ts";
import { sendRows, type Outcomes } from "./send.ts";
import { foretellOf } from "./traced.ts";

const declared: readonly Declared[] = await collectRows(async () => {
  for (const name of rowFiles) await import(`../packets/${name}.test.ts`);
});
const rows: readonly Row[] = declared.flatMap((each) => each.rows);
const sent = rows.filter(({ title }) => !(title in leftOut));

/**
 * Declares them, or only those of the first few configurations of every `every`th row. All packets are sent before the first test, from a kernel
 * that goes from one configuration to the next.
 */
export function declareRows(bed: () => Bed, { first = Infinity, every = 1 } = {}): void {
  const merged = mergeRows(sent.filter((_, index) => index % every === 0)).slice(0, first);
  const titles = merged.flatMap((each) => each.rows.map(({ title }) => title));
  describe("rows of packets/", () => {
    const foretold: { readonly attempt: Attempt; readonly told: string }[] = [];
    const outcomes = new Map<string, Outcomes extends ReadonlyMap<string, infer T> ? T : never>();
    beforeAll(async () => {
      await prepare(bed());
      for (const [index, { situation, rows: moved }] of merged.entries()) {
        const states = statesOf(situation);
        await (index === 0 ? bed().apply(states) : bed().put(states));
        if (index === 0) {
          const foretell = await foretellOf(bed());
          for (const { expect: expected } of moved.map(inIpvsMode))
            for (const attempt of expected.flatMap((each) => attemptsOf(bed().lab, each, {})))
              if (isToService(attempt)) foretold.push({ attempt, told: foretell(attempt) ?? attempt.wanted });
        }
        for (const [title, outcome] of await sendRows(bed().lab, moved.map(inIpvsMode))) outcomes.set(title, outcome);
      }
      await bed().expectInForce();
    }, 240_000);

    test.each(titles)("%s", (title) => {
      const { wanted = [], seen } = outcomes.get(title) ?? {};
      expect(wanted).not.toEqual([]);
      expect(seen).toEqual(wanted);
    });

    test("the tracer foretells what comes of each packet to a Service, from what the tools print", () => {
      const lines = (text: (one: (typeof foretold)[number]) => string) =>
        foretold.map((one) => `${one.attempt.name}: ${text(one)}`);
      expect(foretold.length).toBeGreaterThan(500 / every);
      expect(lines(({ told }) => told)).toEqual(lines(({ attempt }) => attempt.wanted));
    });

    test("those that fare otherwise, and those that are left out, are rows, and titles are unique", () => {
      const all = rows.map(({ title }) => title);
      expect(Object.keys({ ...differences, ...leftOut }).filter((title) => !all.includes(title))).toEqual([]);
      expect(new Set(all).size).toBe(all.length);
    });
  });
}

/**
 * Not to what listens on the node or in a pod by itself, since who listens is none of the tracer's business; nor to servers that call
 * themselves by the numbers of their ports, in the place of their host's name.
 */
function isToService({ sending: { to }, wanted }: Attempt): boolean {
  return /^(10\.96\.|198\.1[89]\.|fd00:10:96:|2001:db8:e[12]:)/.test(to) && !/^\d/.test(wanted);
}

/** What rows want to be listened on, once each: several files want the same. */
async function prepare({ lab }: Bed): Promise<void> {
  const done = new Set<string>();
  const listen: Lab["listen"] = async (host, ports, settings) => {
    const key = `${host} ${ports.join()}`;
    if (!done.has(key)) await lab.listen(host, ports, settings);
    done.add(key);
  };
  for (const each of declared) await each.prepare?.({ listen });
}
