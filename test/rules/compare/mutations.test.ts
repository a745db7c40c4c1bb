// A comparer that finds nothing proves nothing. In: random rules with one fault. Out: a difference at each destination where trying finds one, and at no other.
import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { destinationsOf, unusedPort } from "../../../rules/compare/destinations.ts";
import { buildModel, isServed, servicePorts, type Model } from "../../../rules/model/model.ts";
import { clusterFrom, objects, views, type Served } from "../../make/arbitrary.ts";
import { renderKubeProxyLayout } from "../../make/kube-proxy-layout.ts";
import { aFirewall, compareTexts, endpointsHere, node, ourText } from "./a-tracer.ts";
import { tryAll, nameOf } from "./brute-force.ts";
import { clusterMutations, mutateText, textMutations, type Pick } from "./mutations.ts";

jest.setTimeout(60_000);

const layouts = [
  { layout: "ours", render: ourText },
  { layout: "kube-proxy's", render: renderKubeProxyLayout },
] as const;

/** Clusters of a few Services with a few endpoints each: trying all packets takes its time. */
const smallCluster: fc.Arbitrary<readonly Served[]> = objects(5).map((all) =>
  all.map(({ service, slices }) => ({
    service,
    slices: slices.map((slice) => ({ ...slice, endpoints: slice.endpoints.slice(0, 3) })),
  })),
);
const situation = fc.record({
  served: smallCluster,
  view: views(),
  numbers: fc.array(fc.nat(10_000), { minLength: 4, maxLength: 4 }),
});

/** Always the same ones, so that each fault is sure to be one that packets can tell. */
const samples = fc.sample(situation, { seed: 11, numRuns: 400 });

/** Chooses by the numbers of a list, one after the other. */
function pickFrom(numbers: readonly number[]): Pick {
  let at = 0;
  return (below) => (below === 0 ? 0 : (numbers[at++ % numbers.length] ?? 0) % below);
}

type Faulty = { readonly texts: readonly [string, string]; readonly models: readonly Model[]; readonly family: 4 | 6 };

/** The destinations that the comparer names are those where trying packets shows a difference. Returns how many there are. */
function check({ texts: [a, b], models, family }: Faulty): number {
  if (a === b) return 0;
  const here = new Set(models.flatMap((model) => [...endpointsHere(model)]));
  const { differences } = compareTexts(a, b, { family, here });
  const { alike, differing } = tryAll(a, b, { family, here });
  const both = `${a}\n${b}`;
  const told = destinationsOf(
    [a, b].map((text) => aFirewall(text, family)),
    node.localIps,
  );
  const apart = new Set(told.map(({ ip, protocol, port }) => nameOf({ to: ip, port, protocol }, both)));
  const classOf = (place: string) => (apart.has(place) ? place : otherPorts(place));
  const named = new Map(
    differences.map(({ destination: { ip, port, protocol, name } }) => [
      nameOf({ to: ip, port, protocol }, both),
      name,
    ]),
  );
  expect({
    overlooked: [...differing].filter((place) => !named.has(place) && !named.has(classOf(place))),
    madeUp: [...named.keys()].filter((place) => alike.has(place)),
  }).toEqual({ overlooked: [], madeUp: [] });
  const services = new Map(models.flatMap(servicesByPlace));
  for (const place of differing) {
    const service = services.get(place);
    if (service !== undefined) expect([place, named.get(place)?.split(" ")[0]]).toEqual([place, service]);
  }
  return differing.size;
}

/** What stands for the ports of the loopback address at which nothing answers on either side: all of them fare alike. */
function otherPorts(place: string): string {
  const [protocol, address] = place.split(" ");
  return address === "127.0.0.1" ? `${protocol} ${address} ${unusedPort}` : place;
}

/** `protocol address port` of frontends with an address, and the Service port that is served there. */
function servicesByPlace(model: Model): [string, string][] {
  return servicePorts(model)
    .flatMap(({ frontends }) => frontends)
    .filter((frontend) => frontend.ip !== undefined && isServed(model, frontend))
    .map(({ protocol, ip, port, service }) => [`${protocol.toLowerCase()} ${ip} ${port}`, service]);
}

type Situation = (typeof samples)[number];
type Spoil = (situation: Situation, render: (model: Model) => string) => Faulty | undefined;

const faults: readonly { readonly title: string; readonly spoil: Spoil }[] = [
  ...textMutations.map((mutation) => ({
    title: `in a text: ${mutation.title}`,
    spoil: (({ served, view, numbers }, render) => {
      const model = buildModel(clusterFrom(served), view);
      const text = render(model);
      const faulty = mutateText(text, mutation, pickFrom(numbers));
      return faulty === undefined ? undefined : { texts: [text, faulty], models: [model], family: view.family };
    }) satisfies Spoil,
  })),
  ...clusterMutations.map(({ title, becomes }) => ({
    title: `in a cluster: ${title}`,
    spoil: (({ served, view, numbers }, render) => {
      const pick = pickFrom(numbers);
      const at = pick(served.length);
      const changed = served[at] === undefined ? undefined : becomes(served[at], pick);
      if (changed === undefined) return undefined;
      const [before, after] = [served, served.with(at, changed)].map((each) => buildModel(clusterFrom(each), view));
      if (before === undefined || after === undefined) throw new Error("bug: two models");
      return { texts: [render(before), render(after)], models: [before, after], family: view.family };
    }) satisfies Spoil,
  })),
];

/** So often must packets have told a fault; what of it no packet tells is tried on the way. */
const enough = 2;

describe.each(layouts)("one fault, layout: $layout", ({ render }) => {
  test.each(faults)("$title", ({ spoil }) => {
    let telling = 0;
    for (const each of samples) {
      const faulty = spoil(each, render);
      if (faulty !== undefined && check(faulty) > 0) telling++;
      if (telling === enough) break;
    }
    expect(telling).toBe(enough);
  });
});

test("any fault in any cluster", () => {
  const fault = fc.constantFrom(...faults);
  fc.assert(
    fc.property(situation, fault, fc.constantFrom(...layouts), (given, { spoil }, { render }) => {
      const faulty = spoil(given, render);
      if (faulty !== undefined) check(faulty);
    }),
    { numRuns: 30 },
  );
});
