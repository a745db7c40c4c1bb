import { describe, expect, test } from "@jest/globals";
import { decodeEndpointSlice, decodeService, renderBatch } from "../../rules/index.ts";
import { clusterIp, manifest, objects, podIp } from "./cluster.ts";
import { isMet, median, type Figure } from "./figure.ts";
import { measureIpvs } from "./ipvs.ts";
import { after, arrived, batchesBetween, firstBatches, stateOf } from "./ours.ts";
import { renderTable } from "./table.ts";
import { measureUpdates } from "./update.ts";

const size = { services: 20, endpoints: 5 };

describe("made-up cluster", () => {
  test("is the same each time, and of some 2 kB a Service", () => {
    const text = manifest(size);
    expect(manifest(size)).toBe(text);
    expect((JSON.parse(text) as { items: unknown[] }).items).toHaveLength(40);
    expect(text.length / size.services).toBeGreaterThan(2000);
    expect(text.length / size.services).toBeLessThan(3000);
  });

  test("is understood without problems", () => {
    const decoded = [...objects({ services: 2, endpoints: 250 })].map((object) =>
      "endpoints" in object ? decodeEndpointSlice(object) : decodeService(object),
    );
    expect(decoded.flatMap(({ problems }) => problems)).toEqual([]);
    expect(decoded).toHaveLength(2 + 2 * 3);
  });

  test("has no address twice at the largest size", () => {
    const services = Array.from({ length: 50_000 }, (_, service) => service);
    const ips = services.flatMap((service) => [
      clusterIp(service),
      podIp({ services: 50_000, endpoints: 5 }, service, 4),
    ]);
    expect(new Set(ips).size).toBe(100_000);
  });
});

describe("our rules in the bench", () => {
  test("translate to every endpoint", () => {
    const script = firstBatches(stateOf(size), 1000)
      .map((batch) => renderBatch(batch))
      .join("");
    expect(script.match(/-j DNAT /g)).toHaveLength(100);
  });

  test("return to the same state when a change is taken back", () => {
    const first = stateOf(size);
    const there = after(first, arrived(size, 3, "endpoint-moved"));
    const back = after(there, arrived(size, 3, "endpoint-back"));
    expect(batchesBetween(first, there, 1000)).toHaveLength(1);
    expect(batchesBetween(first, back, 1000)).toEqual([]);
    const added = after(first, arrived(size, 20, "service-added"));
    expect(batchesBetween(first, after(added, arrived(size, 20, "service-gone")), 1000)).toEqual([]);
  });
});

describe("figures", () => {
  test("row update measures each size", () => {
    const figures = measureUpdates([20, 40]);
    expect(figures.map(({ name }) => name)).toEqual([
      "update of one Service to script, 20 x 5",
      "update of one Service to script, 40 x 5",
    ]);
    for (const { ours } of figures) expect(ours).toBeGreaterThan(0);
  });

  test("row ipvs counts the lines of a change", () => {
    const [lines, time] = measureIpvs(20);
    expect(lines).toMatchObject({
      name: "one endpoint changes, IPVS mode, 20 x 5: lines for all tools",
      unit: "lines",
    });
    expect(lines?.ours).toBeGreaterThanOrEqual(2);
    expect(time?.ours).toBeGreaterThan(0);
  });

  const figure: Figure = { name: "a", unit: "ms", ours: 3, baseline: { value: 6, what: "b" } };
  test.each([
    [{ kind: "at-most", value: 3 }, true],
    [{ kind: "at-most", value: 2 }, false],
    [{ kind: "faster", times: 2 }, true],
    [{ kind: "faster", times: 3 }, false],
    [{ kind: "slower-at-most", times: 0.5 }, true],
    [{ kind: "slower-at-most", times: 0.4 }, false],
  ] as const)("target %j is met: %s", (target, met) => {
    expect(isMet({ ...figure, target })).toBe(met);
  });

  test("a missed target's reason stands under the table", () => {
    const missing: Figure = { ...figure, target: { kind: "at-most", value: 2 } };
    const reasons = [
      { figures: ["a"], because: "why." },
      { figures: ["z"], because: "stale." },
    ];
    expect(renderTable([missing], reasons)).toBe(
      `| what | ours | compared with | ratio | target | met |
| --- | --- | --- | --- | --- | --- |
| a | 3.00 ms | 6.00 ms (b) | 2.0x faster | ≤ 2 ms | no [1] |

[1] why.
`,
    );
  });

  test("a median is one of the numbers", () => {
    expect(median([5, 1, 3, 2])).toBe(2);
  });
});
