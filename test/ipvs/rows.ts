// Declares the rows of `packets/` as tests of this mode. In: a bed. Out: a test for each row, whose packets passed a real ip_vs.
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { Lab } from "../lab/lab.ts";
import { collectRows, type Declared, type Row } from "../packets/rows.ts";
import { statesOf, type Bed } from "./bed.ts";
import { differences, inIpvsMode, leftOut, rowFiles } from "./differences.ts";
import { mergeRows } from "./merge.ts";
import { sendRows, type Outcomes } from "./send.ts";

const declared: readonly Declared[] = await collectRows(async () => {
  for (const name of rowFiles) await import(`../packets/${name}.test.ts`);
});
const rows: readonly Row[] = declared.flatMap((each) => each.rows);
const sent = rows.filter(({ title }) => !(title in leftOut));

/** Declares them. All packets are sent before the first test, from a kernel that goes from one configuration to the next. */
export function declareRows(bed: () => Bed): void {
  describe("rows of packets/", () => {
    const outcomes = new Map<string, Outcomes extends ReadonlyMap<string, infer T> ? T : never>();
    beforeAll(async () => {
      await prepare(bed());
      const merged = mergeRows(sent);
      for (const [index, { situation, rows: moved }] of merged.entries()) {
        const states = statesOf(situation);
        await (index === 0 ? bed().apply(states) : bed().put(states));
        for (const [title, outcome] of await sendRows(bed().lab, moved.map(inIpvsMode))) outcomes.set(title, outcome);
      }
      await bed().expectInForce();
    }, 240_000);

    test.each(sent)("$title", ({ title }) => {
      const { wanted = [], seen } = outcomes.get(title) ?? {};
      expect(wanted).not.toEqual([]);
      expect(seen).toEqual(wanted);
    });

    test("those that fare otherwise, and those that are left out, are rows, and titles are unique", () => {
      const titles = rows.map(({ title }) => title);
      expect(Object.keys({ ...differences, ...leftOut }).filter((title) => !titles.includes(title))).toEqual([]);
      expect(new Set(titles).size).toBe(titles.length);
    });
  });
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
