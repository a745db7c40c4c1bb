// Tests of src/output/plan-json.ts.
import { expect, test } from "@jest/globals";
import { renderPlanJson } from "../../../src/output/plan-json.ts";
import { aWeb, madeUp } from "../commands/a-manifest.ts";
import { aDesired } from "../desired/a-desired.ts";
import { badInput } from "../golden/a-case.ts";

type Rule = { readonly text: string };
type Table = {
  readonly jumps: readonly { readonly from: string; readonly rule: Rule }[];
  readonly chains: readonly { readonly name: string; readonly owner?: string; readonly rules: readonly Rule[] }[];
};
type Plan = {
  readonly families: readonly {
    readonly family: number;
    readonly node: object;
    readonly services: readonly { readonly name: string }[];
    readonly ruleset: { readonly filter: Table; readonly nat: Table };
  }[];
  readonly placeholders: readonly object[];
  readonly problems: readonly object[];
  readonly skipped: Record<string, number>;
};

const plan = (...args: Parameters<typeof aDesired>) => JSON.parse(renderPlanJson(aDesired(...args))) as Plan;

test("has model and ruleset of each family", () => {
  const { families } = plan(aWeb());
  expect(families.map(({ family }) => family)).toEqual([4, 6]);
  expect(families.map(({ services }) => services.map(({ name }) => name))).toEqual([["default/web"], []]);
});

test("has each rule with its text, each chain with its owner, each jump with where it is from", () => {
  const { nat } = plan(aWeb()).families[0]?.ruleset ?? {};
  const own = nat?.chains.find(({ owner }) => owner === "default/web");
  expect(own?.rules.map(({ text }) => text)).toEqual([
    expect.stringMatching(/^-p tcp .*-j DNAT --to-destination 10\.244\.0\.5:8080$/),
  ]);
  expect(nat?.jumps.map(({ from }) => from).sort()).toEqual(["OUTPUT", "POSTROUTING", "PREROUTING"]);
});

test("has what was made up, what is wrong, and what was skipped", () => {
  const { placeholders, problems, skipped } = plan(`${badInput}${madeUp}---\n{ apiVersion: v1, kind: Secret }\n`, {
    families: [4],
  });
  expect(placeholders).toHaveLength(4);
  for (const each of placeholders) expect(Object.keys(each).sort()).toEqual(["field", "from", "object", "value"]);
  expect(problems).toEqual([
    expect.objectContaining({ severity: "error", line: expect.stringMatching(/^a\.yaml:6:1: /) as unknown }),
  ]);
  expect(skipped).toEqual({ Secret: 1 });
});

test("ends with a newline, and is the same for the same input", () => {
  const text = renderPlanJson(aDesired(aWeb() + madeUp));
  expect(text).toMatch(/\}\n$/);
  expect(renderPlanJson(aDesired(madeUp + aWeb()))).toBe(text);
});

test("of IPVS mode has sets, addresses and virtual servers too, and rules of three tables", () => {
  const text = renderPlanJson(aDesired(aWeb(), { backend: "ipvs", families: [4] }));
  const { backend, families } = JSON.parse(text) as { backend: string; families: readonly object[] };
  expect(backend).toBe("ipvs");
  expect(families).toMatchObject([
    {
      family: 4,
      services: [{ name: "default/web" }],
      sets: expect.arrayContaining([
        {
          name: "KUBE-CLUSTER-IP",
          type: "hash:ip,port",
          entries: [{ entry: "10.96.0.10,tcp:80", service: "default/web" }],
        },
        { name: "KUBE-NO-LOCAL", type: "hash:ip,port", entries: [] },
      ]) as unknown,
      addresses: [{ ip: "10.96.0.10", service: "default/web" }],
      servers: [
        {
          ip: "10.96.0.10",
          protocol: "TCP",
          port: 80,
          scheduler: "rr",
          flags: [],
          service: "default/web",
          servers: [{ ip: "10.244.0.5", port: 8080, method: "masquerading", weight: 1 }],
        },
      ],
      ruleset: { mangle: { jumps: [{ from: "PREROUTING" }, { from: "OUTPUT" }] }, nat: {}, filter: {} },
    },
  ]);
});
