// Tests of src/demo/example.ts.
import { expect, test } from "@jest/globals";
import { servicePorts } from "../../../rules/index.ts";
import {
  endpointPort,
  endpointsAfter,
  endpointsBefore,
  exampleManifests,
  exampleNode,
  exampleService,
} from "../../../src/demo/example.ts";
import { aDesired } from "../desired/a-desired.ts";

test.each([
  ["before", endpointsBefore],
  ["after", endpointsAfter],
])("the manifests %s are sound and lead to their endpoints", (_, endpoints) => {
  const { problems, placeholders, skipped, builds } = aDesired(exampleManifests(endpoints), {
    families: [4],
    nodeName: exampleNode,
  });
  expect([problems, placeholders, [...skipped]]).toEqual([[], [], []]);
  const frontends = builds.flatMap(({ model }) => servicePorts(model)).flatMap((port) => port.frontends);
  expect(frontends.map(({ kind, ip, port }) => [kind, ip, port])).toEqual([
    ["cluster-ip", exampleService.ip, exampleService.port],
    ["node-port", undefined, exampleService.nodePort],
  ]);
  for (const { fates } of frontends) {
    const verdict = fates.at(-1)?.verdict;
    expect(verdict?.kind === "balance" ? verdict.to.map(({ ip, port }) => [ip, port]) : verdict).toEqual(
      endpoints.map(({ ip }) => [ip, endpointPort]),
    );
  }
});

test("one endpoint is replaced, the others stay", () => {
  const stays = endpointsAfter.filter(({ name }) => endpointsBefore.some((other) => other.name === name));
  expect([stays.length, endpointsAfter.length]).toEqual([endpointsBefore.length - 1, endpointsBefore.length]);
  expect(new Set([...endpointsBefore, ...endpointsAfter].map(({ ip }) => ip)).size).toBe(endpointsBefore.length + 1);
});
