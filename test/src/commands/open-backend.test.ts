// Tests of src/commands/open-backend.ts.
import { describe, expect, test } from "@jest/globals";
import {
  backendSysctls,
  drainSecondsOf,
  openBackend,
  setTimeouts,
  type BackendTools,
} from "../../../src/commands/open-backend.ts";
import { decodeConfiguration, type Configuration } from "../../../src/config/schema.ts";
import type { PreflightProblem } from "../../../src/ipvs/preflight.ts";
import { aFakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";

function configured(fields: object): Configuration {
  const { value } = decodeConfiguration({
    ...{ apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" },
    ...fields,
  });
  if (value === undefined) throw new Error("bug: no sound configuration");
  return value;
}

async function someTools(found: readonly PreflightProblem[] = [], left: "nothing" | "state" | "trouble" = "nothing") {
  const kernel = await aFakeIpvsKernel();
  const log: string[] = [];
  const asked: unknown[] = [];
  const keep = (level: string) => (text: string) => log.push(`${level}: ${text}`);
  const tools: BackendTools = {
    preflight: (_, settings) => {
      asked.push(settings);
      return Promise.resolve(found);
    },
    host: undefined as unknown as BackendTools["host"],
    open: () => Promise.resolve(kernel),
    findLeft: () => {
      if (left === "trouble") return Promise.reject(new Error("ipset save: exit status 1"));
      return Promise.resolve(left === "state" ? kernel : undefined);
    },
    log: { info: keep("info"), warn: keep("warn"), error: keep("error") } as unknown as BackendTools["log"],
  };
  return { tools, kernel, log, asked };
}

const missing: PreflightProblem = { code: "no-ip-vs", severity: "error", text: "there is no ip_vs: load it" };
const strange: PreflightProblem = { code: "servers-of-others", severity: "warning", text: "2 of 2 are not ours" };
const [dry, wet, falling] = [
  { dryRun: true, fallback: false },
  { dryRun: false, fallback: false },
  { dryRun: false, fallback: true },
];

describe("mode ipvs", () => {
  const ipvs = configured({ mode: "ipvs", ipvs: { scheduler: "lc", excludeCIDRs: ["10.0.0.0/8"] } });

  test("is served where nothing is missing; warnings are told", async () => {
    const { tools, kernel, log, asked } = await someTools([strange]);
    const opened = await openBackend(ipvs, tools, wet);
    expect(opened).toEqual({
      settings: { scheduler: { name: "lc", flags: [] }, excludeCidrs: ["10.0.0.0/8"] },
      ipvs: kernel,
      fellBack: undefined,
    });
    expect(log).toEqual(["warn: 2 of 2 are not ours"]);
    await openBackend(ipvs, tools, dry);
    expect(asked).toMatchObject([{ writes: true, schedulers: [{ name: "lc" }] }, { writes: false }]);
  });

  test("ends the agent where anything is missing, with what to do", async () => {
    const { tools } = await someTools([strange, missing]);
    await expect(openBackend(ipvs, tools, wet)).rejects.toThrow(/--ipvs-fallback.*:\nthere is no ip_vs: load it$/);
  });

  test("falls back to iptables only where that was asked for, and says so", async () => {
    const { tools, kernel, log } = await someTools([missing], "state");
    const opened = await openBackend(ipvs, tools, falling);
    expect(opened).toEqual({ settings: undefined, ipvs: kernel, fellBack: "there is no ip_vs: load it" });
    expect(log[0]).toMatch(/^error: mode ipvs cannot be served here, and iptables mode is served instead/);
  });

  test("sets timeouts that are configured, and drains as long as idle connections live", async () => {
    const { tools, kernel, log } = await someTools();
    const timed = configured({ mode: "ipvs", ipvs: { tcpTimeout: "20m", udpTimeout: "1500ms" } });
    await setTimeouts(ipvs, await openBackend(ipvs, tools, wet), tools.log);
    expect(kernel.timeouts).toEqual([]);
    const opened = await openBackend(timed, tools, wet);
    await setTimeouts(timed, opened, tools.log);
    expect(kernel.timeouts).toEqual([{ tcp: 1200, tcpFin: 0, udp: 2 }]);
    expect(log).toEqual(["info: set timeouts of ip_vs, in seconds, 0 as it was: tcp 1200, tcpfin 0, udp 2"]);
    expect([ipvs, timed].map((each) => drainSecondsOf(each, undefined))).toEqual([900, 1200]);
    expect(drainSecondsOf(timed, 0)).toBe(0);
    expect(backendSysctls(timed, opened).map(({ name }) => name)).toContain("net/ipv4/vs/conntrack");
  });
});

describe("mode iptables", () => {
  const iptables = configured({ ipvs: { tcpTimeout: "20m" } });

  test.each([
    ["nothing", false, []],
    ["state", true, ["info: this node holds virtual servers, sets or addresses of IPVS mode: they drain and go"]],
    [
      "trouble",
      false,
      ["warn: whether this node holds anything of IPVS mode cannot be told: ipset save: exit status 1"],
    ],
  ] as const)("looks for what IPVS mode left: %s", async (left, isLeft, expected) => {
    const { tools, log, asked, kernel } = await someTools([missing], left);
    const opened = await openBackend(iptables, tools, wet);
    expect([opened.settings, opened.ipvs !== undefined, opened.fellBack]).toEqual([undefined, isLeft, undefined]);
    expect(log).toEqual(expected);
    expect(asked).toEqual([]);
    await setTimeouts(iptables, opened, tools.log);
    expect([kernel.timeouts, backendSysctls(iptables, opened)]).toEqual([[], []]);
  });
});
