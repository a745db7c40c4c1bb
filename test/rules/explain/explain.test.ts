// Tests of rules/explain/explain.ts: one question at least for everything that can be said.
import { describe, expect, test } from "@jest/globals";
import { reasonCodes, renderReason } from "../../../rules/explain/reason/reason.ts";
import { aSlice, anIp } from "../../make/objects.ts";
import { aContext, ask, codesOf, reasonsOf } from "./a-context.ts";
import { above, below, dockerFilter, dockerNat, portmap } from "./foreign.ts";
import { objectQuestions } from "./object-questions.ts";
import { ruleQuestions } from "./rule-questions.ts";
import { exposed, live, nodePort, one, plan, svc, web, type Row } from "./subjects.ts";

const rows: readonly Row[] = [...objectQuestions, ...ruleQuestions];

describe("says", () => {
  test.each(rows)("%s from %s to %s", (code, from, to, context, expected = {}) => {
    const reasons = reasonsOf(ask(from, to, context));
    expect(reasons).toContainEqual(expect.objectContaining({ code, ...expected }));
  });
});

test("everything that can be said is said by a row", () => {
  expect(new Set(rows.map(([code]) => code))).toEqual(new Set(reasonCodes));
  expect(new Set(reasonCodes).size).toBe(reasonCodes.length);
});

test("every sentence is one printable line that ends", () => {
  const all = rows.flatMap(([, from, to, context]) => reasonsOf(ask(from, to, context)));
  for (const reason of all) expect(renderReason(reason)).toMatch(/^[\x20-\x7e]+$/);
  for (const reason of all) expect(renderReason(reason)).not.toMatch(/undefined|\bNaN\b|\[object/);
});

describe("a Service that works is not blamed on anybody:", () => {
  const thieves = reasonCodes.filter((code) => /^(foreign|policy|kernel|no-|service-not)/.test(code));
  test.each([
    ["outside", svc],
    ["node", svc],
    ["10.1.0.9", svc],
    ["outside", nodePort],
  ])("from %s to %s", (from, to) => {
    const docker = below(above(plan, "filter", dockerFilter("ACCEPT")), "nat", [
      ...dockerNat(8080),
      ...portmap(9090).filter((line) => !line.startsWith(":DOCKER")),
    ]);
    for (const context of [aContext([exposed, one]), live(docker)]) {
      const codes = codesOf(ask(from, to, { ...context, objects: context.objects }));
      expect(codes.filter((code) => thieves.includes(code) && code !== "no-rules-of-family")).toEqual([]);
      expect(codes).toContain("goes-to");
    }
  });
});

test("with two sources each has its walk, and they are compared probe by probe", () => {
  const explanation = ask("outside", svc, live(above(plan, "nat", portmap(30080))));
  if (explanation.kind === "refused") throw new Error(renderReason(explanation.reason));
  const said = explanation.answers.map(({ probe, walks, parting }) => [
    probe.destination.kind,
    walks.map(({ source }) => source),
    parting?.code,
  ]);
  expect(said).toEqual([
    ["load-balancer-ip", ["the manifests", "dump 1"], "sources-agree"],
    ["node-port", ["the manifests", "dump 1"], "sources-part"],
  ]);
});

test("DNS records come with a Service, in the zone that was asked for", () => {
  const explanation = ask("node", svc, aContext([web, one]));
  expect(explanation).toMatchObject({
    dns: [{ name: "web.default.svc.cluster.local.", type: "A", value: "10.96.0.1" }, { type: "PTR" }],
  });
  expect(ask("node", "10.96.0.1:80", aContext([web, one]))).toMatchObject({ dns: [] });
});

test("a pod of a slice is a client by name, with its address", () => {
  const context = aContext([web, aSlice({ endpoints: [{ ip: "10.1.7.7", nodeName: "here", pod: "a.b" }] })]);
  expect(ask("pod/default/a.b", svc, context)).toMatchObject({
    answers: [{ probe: { packet: { source: anIp("10.1.7.7"), origin: "network" } } }],
  });
});
