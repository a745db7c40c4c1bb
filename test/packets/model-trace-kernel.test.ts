// Random clusters in a real kernel: packets fare as the tracer says that the kernel's own rules treat them. In: fixed seeds. Out: no disagreement.
import { beforeAll, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { describeLabs } from "../lab/describe-labs.ts";
import { check, smallest, tell } from "./agreement.ts";
import { nodeServerPort, situations, smaller } from "./random-situations.ts";

// A disagreement takes some seconds to make small.
jest.setTimeout(120_000);

const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

await describeLabs("random clusters", (lab) => {
  beforeAll(() => lab().listen("node", [nodeServerPort]));

  test.each(seeds)("seed %i: every client of every frontend, both families", async (seed) => {
    const [situation] = fc.sample(situations, { seed, numRuns: 1 });
    if (situation === undefined) throw new Error("bug: a sample of one");
    const { connections, disagreements } = await check(lab(), situation);
    const [disagreement] = disagreements;
    if (disagreement !== undefined) {
      const least = await smallest(lab(), { situation, disagreement });
      throw new Error(
        `seed ${seed}: ${disagreements.length} disagreements, the smallest case of one:\n${tell(least.situation, least.disagreement)}`,
      );
    }
    expect(connections).toBeGreaterThan(50);
  });

  test("rules that the kernel has not are found out, and the case is made small", async () => {
    const [situation] = fc.sample(situations, { seed: 1, numRuns: 1 });
    if (situation === undefined) throw new Error("bug: a sample of one");
    const reads = (text: string) => text.replaceAll(/-j MASQUERADE.*$/gm, "-j ACCEPT");
    const [disagreement] = (await check(lab(), situation, { reads })).disagreements;
    if (disagreement === undefined) throw new Error("a tracer without masquerading agrees with packets");
    const least = await smallest(lab(), { situation, disagreement }, { reads });
    expect(least.situation.services).toHaveLength(1);
    expect(tell(least.situation, least.disagreement)).toContain("walk:");
  });
});

test("what is smaller has fewer Services, endpoints, addresses or settings, and each once", () => {
  fc.assert(
    fc.property(situations, (situation) => {
      const size = (each: unknown) => JSON.stringify(each).length;
      for (const less of smaller(situation)) expect(size(less)).toBeLessThan(size(situation));
    }),
    { numRuns: 20 },
  );
});
