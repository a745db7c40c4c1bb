// Tests of src/output/status-text.ts.
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "@jest/globals";
import type { Status } from "../../../src/debug/status-shape.ts";
import { renderAge, renderStatus } from "../../../src/output/status-text.ts";
import { aStatus, aWatch, before } from "../debug/a-status.ts";

const [four, six] = aStatus().families;
if (four === undefined || six === undefined) throw new Error("bug: a status of both families");

/** Everything that there can be. */
const worst = aStatus({
  healthy: false,
  eligible: false,
  dryRun: true,
  families: [{ ...four, healthy: false, lastGoodPassAt: before(4000) }, six],
  lastFailure: { at: before(8), family: 4, message: "iptables-restore: line 7 failed\n(twice)" },
  quarantined: {
    count: 12,
    first: ["a", "b", "c", "d", "e"].map((name) => ({ service: `default/${name}`, message: "Invalid argument" })),
  },
  drift: { chains: 1, lastAt: before(200_000) },
  api: {
    server: "https://10.0.0.1:6443",
    watches: { services: { ...aWatch(3, 2), failing: true }, nodes: aWatch(9, 1) },
  },
});

test("a healthy agent is told in a few lines", () => {
  expect(renderStatus(aStatus(), false)).toBe(`node-7: healthy
rulewright 0.1.0, iptables-nft, running for 1 h 0 min, since 2026-03-01 11:00:00 UTC

family   Services   endpoints   rules   last good pass
IPv4     120        600         1423    3 s ago
IPv6     1          2           40      3 s ago

last pass    #17, 3 s ago, 2 Services changed: 12 changes in 25 ms
drift        none since the start
API server   https://10.0.0.1:6443, last heard of services 3 s ago, nodes 1 min ago
`);
});

test("everything that can be amiss is told, in the agent's words", () => {
  expect(renderStatus(worst, false))
    .toBe(`node-7: unhealthy: IPv4 has changes that are not in force for too long; load balancers leave this node out: it is being deleted
rulewright 0.1.0, iptables-nft, running for 1 h 0 min, since 2026-03-01 11:00:00 UTC, dry run: nothing is written

family   Services   endpoints   rules   last good pass
IPv4     120        600         1423    1 h 6 min ago
IPv6     1          2           40      3 s ago

last pass      #17, 3 s ago, 2 Services changed: 12 changes in 25 ms
last failure   8 s ago, IPv4: iptables-restore: line 7 failed (twice)
quarantined    the kernel refuses 12 Services; the last good rules stay in force
               default/a: Invalid argument
               default/b: Invalid argument
               default/c: Invalid argument
               default/d: Invalid argument
               default/e: Invalid argument
               and 7 more
drift          1 chain changed by others and repaired, the last 2 d 7 h ago
API server     https://10.0.0.1:6443, no watch of services just now; last heard of services 3 s ago, nodes 9 s ago
refused        objects that make no sense (see the log), whose last good state stays in force: services 2, nodes 1
`);
  expect(renderStatus(worst, false).split("\n").length).toBeLessThanOrEqual(21);
});

describe("the first line", () => {
  const isLine = (fields: Partial<Status>) => renderStatus(aStatus(fields), false).split("\n")[0];
  test.each<[string, Partial<Status>]>([
    ["node-7: starting: there was no good pass yet", { families: [] }],
    ["node-7: healthy; load balancers leave this node out: it is being deleted", { eligible: false }],
    ["node-7: unhealthy", { healthy: false }],
  ])("%s", (line, fields) => {
    expect(isLine(fields)).toBe(line);
  });
});

test("a pass that failed says so", () => {
  const { lastPass } = aStatus();
  if (lastPass === undefined) throw new Error("bug: a status with a pass");
  expect(renderStatus(aStatus({ lastPass: { ...lastPass, good: false } }), false)).toMatch(/^last pass .*; failed$/m);
});

test("an API server that was not heard from is named", () => {
  const { api } = aStatus();
  const watches = { services: { objects: 0, refused: 0, failures: 0, failing: false } };
  expect(renderStatus(aStatus({ api: { ...api, watches } }), false)).toMatch(/^API server .*not heard from/m);
});

test.each([["healthy", aStatus()] as const, ["worst", worst] as const])(
  "colours change nothing but colours: %s",
  (_, status) => {
    const coloured = renderStatus(status, true);
    expect(coloured).toContain("\u001b[");
    expect(stripVTControlCharacters(coloured)).toBe(renderStatus(status, false));
  },
);

test("nothing that an agent sends drives the terminal or forges a line", () => {
  const evil = "\u001b[2J\nnode-7: healthy\u009b31m";
  const text = renderStatus(
    aStatus({
      ...{ node: evil, version: evil, lastFailure: { at: before(1), family: 4, message: evil } },
      lastPass: { number: 1, at: before(1), cause: evil, changes: 0, seconds: 0, good: true },
      quarantined: { count: 1, first: [{ service: evil, message: evil }] },
      api: { server: evil, watches: { [evil]: aWatch(1, 1) } },
    }),
    false,
  );
  expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  expect(text).not.toMatch(/^node-7: healthy/m);
});

test.each([
  [-5, "0 s"],
  [0.9, "0 s"],
  [59.9, "59 s"],
  [60, "1 min"],
  [3599, "59 min"],
  [3600, "1 h 0 min"],
  [86_399, "23 h 59 min"],
  [86_400, "1 d 0 h"],
  [183_600, "2 d 3 h"],
])("%p seconds are %s", (seconds, text) => {
  expect(renderAge(seconds)).toBe(text);
});

test("in IPVS mode virtual servers are counted, and what drains", () => {
  const families = [{ ...four, virtualServers: 240 }, six];
  const text = renderStatus(aStatus({ mode: "ipvs", families, draining: 2, drift: { chains: 3 } }), false);
  expect(text).toContain("rulewright 0.1.0, IPVS mode, iptables-nft, running");
  expect(text).toMatch(
    /^family +Services +endpoints +virtual servers +rules +last good pass\nIPv4 +120 +600 +240 +1423 .*\nIPv6 +1 +2 +- +40 /m,
  );
  expect(text).toMatch(
    /^draining +2 real servers until their connections end\ndrift +3 objects changed by others and repaired$/m,
  );
});
