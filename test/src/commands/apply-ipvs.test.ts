// Tests of src/commands/apply-ipvs.ts, and of what apply, diff and cleanup make of it, over a fake kernel.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { applyDesired, readDrained } from "../../../src/commands/apply.ts";
import type { Acting } from "../../../src/commands/apply-ipvs.ts";
import { clean } from "../../../src/commands/cleanup.ts";
import { findDifferences, renderDifferences, thereIn, type There } from "../../../src/commands/diff.ts";
import { observe } from "../../../src/ipvs/observe.ts";
import { splitState } from "../../../src/ipvs/state-dump.ts";
import { aFakeIpvsKernel, type FakeIpvsKernel, type FakeIpvsKernelOptions } from "../../make/fake-ipvs-kernel.ts";
import { aDesired, type DesiredFields } from "../desired/a-desired.ts";
import { aWeb, aWeb6 } from "./a-manifest.ts";

const nodeAddresses = ["192.168.0.2", "fd00:192::2"] as never;
const one = aWeb({ nodePort: 30080 }) + aWeb6();
const other = aWeb({ nodePort: 30080, endpoints: ["10.244.0.6"] }) + aWeb6({ nodePort: 30081 });
const ipvs = (text = one, fields: DesiredFields = {}) => aDesired(text, { nodeAddresses, ...fields, backend: "ipvs" });
const iptables = (text = one) => aDesired(text, { nodeAddresses });

/** What is printed and logged, with the level of the latter. */
function acting(fields: Partial<Acting> = {}) {
  const told: string[] = [];
  const log = (level: string) => (line: string) => {
    told.push(`${level}: ${line}`);
  };
  const how = {
    dryRun: false,
    drained: "idle",
    print: (text: string) => told.push(text),
    log: { info: log("info"), warn: log("warn"), error: log("error") },
    ...fields,
  } as unknown as Acting;
  return { told, how };
}

async function act(kernel: FakeIpvsKernel, desired: ReturnType<typeof aDesired>, fields: Partial<Acting> = {}) {
  const { told, how } = acting(fields);
  const result = await applyDesired(desired, { kernel: kernel.rules, ipvs: kernel }, how);
  return { ...result, told: told.join("\n") };
}

async function aNode(text = one, options: FakeIpvsKernelOptions = {}) {
  const kernel = await aFakeIpvsKernel(options);
  expect((await act(kernel, ipvs(text))).troubled).toBe(false);
  return kernel;
}

/** Everything of ours and of others in the kernel, in an order of its own; chains that the kernel itself has are no news. */
async function everything(kernel: FakeIpvsKernel) {
  const texts = [
    kernel.tools.sets(),
    kernel.tools.servers(),
    await kernel.rules.readRules(4),
    await kernel.rules.readRules(6),
  ];
  const lines = (text: string) => text.split("\n").filter((line) => /^(?:create|add|-[Aa]|:KUBE)/.test(line));
  return [...texts.map((text) => lines(text).sort()), kernel.tools.addresses()];
}

const live = (kernel: FakeIpvsKernel): There => ({
  variant: "nft",
  readRules: (family) => kernel.rules.readRules(family),
  readState: (family) => observe(kernel, family),
});

const differences = (desired: ReturnType<typeof aDesired>, there: There) =>
  findDifferences(desired, there, acting().how.log);

describe("apply", () => {
  test("says what it did to each family, and the second time that there is nothing to do", async () => {
    const kernel = await aFakeIpvsKernel();
    const first = await act(kernel, ipvs());
    expect(first).toMatchObject({ troubled: false, lacking: false });
    expect(first.told).toMatch(
      /^IPv4: \d+ chains created, .* 21 sets created, .* 1 devices created, .* 2 virtual servers added, 2 real servers added\n\nIPv6: .* 1 virtual servers added, 1 real servers added\n$/,
    );
    expect((await act(kernel, ipvs())).told).toBe("IPv4: no change\n\nIPv6: no change\n");
  });

  test("--dry-run shows the same changes, and writes nothing", async () => {
    const kernel = await aFakeIpvsKernel();
    const { told } = await act(kernel, ipvs(), { dryRun: true });
    expect(told).toMatch(/^IPv4: would be: \d+ chains created, /m);
    expect(told).toContain("  + ipvsadm -A -t 10.96.0.10:80 -s rr\n");
    expect(kernel.written).toEqual([]);
  });

  test("says how many drain; a later one removes them, and one without patience does at once", async () => {
    const kernel = await aNode();
    kernel.connections.set("10.244.0.5:8080", 2);
    expect((await act(kernel, ipvs(other))).told).toMatch(/^IPv4: 2 real servers drain: .*; run again$/m);
    kernel.connections.clear();
    expect((await act(kernel, ipvs(other))).told).toMatch(/^IPv4: 2 real servers deleted$/m);
    kernel.connections.set("10.244.0.6:8080", 2);
    const { told } = await act(kernel, ipvs(), { drained: "now" });
    expect(told).not.toContain("drain");
    expect(kernel.tools.servers()).not.toContain("10.244.0.6");
  });

  test.each([
    [undefined, "idle"],
    ["0", "now"],
  ])("--ipvs-drain-timeout %s means %s", (seconds, drained) => {
    expect(readDrained(seconds)).toBe(drained);
  });

  test.each(["900", "-1", "", "soon"])("--ipvs-drain-timeout %j is refused: it does not wait", (seconds) => {
    expect(() => readDrained(seconds)).toThrow(/^--ipvs-drain-timeout is .* must be 0 /);
  });

  test("what a tool refuses is trouble: told with tool, Service and the tool's words", async () => {
    const kernel = await aFakeIpvsKernel({ schedulers: ["wrr"] });
    const { troubled, told } = await act(kernel, ipvs());
    expect(troubled).toBe(true);
    expect(told).toMatch(
      /^error: IPv4: step 4 of 4, by ipvsadm, was refused for default\/web: Scheduler or persistence engine not found; .*; the 3 steps before it are in force, later ones were not tried$/m,
    );
  });

  test("a virtual server of others is left alone, and its Service is told of", async () => {
    const taken = "-A -t 192.168.0.2:30080 -s wlc\n-a -t 192.168.0.2:30080 -r 10.9.0.1:80 -m -w 1\n";
    const kernel = await aFakeIpvsKernel({ servers: taken });
    const { troubled, lacking, told } = await act(kernel, ipvs());
    expect([troubled, lacking]).toEqual([false, true]);
    expect(told).toMatch(
      /^error: Service default\/web spec\.ports: TCP 192\.168\.0\.2:30080 has a virtual server that is not ours/m,
    );
    expect(kernel.tools.servers().startsWith(taken)).toBe(true);
  });

  test("excludeCIDRs keep virtual servers that nobody wants", async () => {
    const config =
      "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nipvs: { excludeCIDRs: [10.96.0.0/24] }\n";
    const kernel = await aNode();
    await act(kernel, ipvs(aWeb6(), { config }), { drained: "now" });
    expect(kernel.tools.servers().match(/^-A \S+ \S+/gm)).toEqual(["-A -t 10.96.0.10:80", "-A -t [fd00:10:96::10]:80"]);
  });
});

describe("from mode to mode", () => {
  test("to IPVS mode: no rule of iptables mode stays, and all is as on a fresh node", async () => {
    const kernel = await aFakeIpvsKernel();
    await act(kernel, iptables());
    expect((await act(kernel, ipvs())).troubled).toBe(false);
    expect(await everything(kernel)).toEqual(await everything(await aNode()));
  });

  test("to iptables mode: rules first, then what drains is told; the next finishes it", async () => {
    const kernel = await aNode();
    kernel.connections.set("10.244.0.5:8080", 1);
    const written = kernel.written.length;
    const { troubled, told } = await act(kernel, iptables());
    expect(troubled).toBe(false);
    expect(told).toMatch(/^IPv4: 2 real servers drain: .*; run again$/m);
    const tools = kernel.written.slice(written).map(({ tool }) => tool);
    expect(tools.lastIndexOf("iptables")).toBeGreaterThan(tools.indexOf("ipvsadm"));
    expect(tools.indexOf("iptables")).toBeLessThan(tools.indexOf("ipvsadm"));
    expect(kernel.tools.servers().match(/-r \S+ -m -w \d/g)).toEqual(Array(2).fill("-r 10.244.0.5:8080 -m -w 0"));
    kernel.connections.clear();
    expect((await act(kernel, iptables())).troubled).toBe(false);
    const fresh = await aFakeIpvsKernel();
    await act(fresh, iptables());
    expect(await everything(kernel)).toEqual(await everything(fresh));
  });

  test("rules that are refused leave virtual servers serving", async () => {
    const kernel = await aNode(one, {
      refuse: (tool, script) => (tool === "iptables" && script.includes("-j DNAT") ? "no" : undefined),
    });
    const servers = kernel.tools.servers();
    expect((await act(kernel, iptables())).troubled).toBe(true);
    expect(kernel.tools.servers()).toBe(servers);
  });
});

describe("diff", () => {
  test.each([
    ["nothing", "", one],
    ["one", one, other],
    ["another", other, one],
  ])("its script, each part fed to its tool, leaves no difference: from %s", async (_, from, to) => {
    const kernel = await aNode(from);
    const found = await differences(ipvs(to), live(kernel));
    const script = renderDifferences({ found, placeholders: [], variant: "nft" }, "script");
    for (const part of script.split(/^(?=# for )/m)) await feed(kernel, part);
    // What lost its weight goes in a second round.
    for (const part of renderDifferences(
      { found: await differences(ipvs(to), live(kernel)), placeholders: [], variant: "nft" },
      "script",
    ).split(/^(?=# for )/m))
      await feed(kernel, part);
    expect((await differences(ipvs(to), live(kernel))).map(({ steps }) => steps)).toEqual([[], []]);
  });

  test("against a dump of all tools is as against the kernel, in both modes", async () => {
    const kernel = await aNode();
    const dump = [
      await kernel.rules.readRules(4),
      await kernel.rules.readRules(6),
      kernel.tools.sets(),
      `${kernel.tools.addresses()}\n`,
      kernel.tools.servers(),
    ].join("");
    for (const desired of [ipvs(), ipvs(other), iptables()]) {
      const there = thereIn(dump, desired.backend);
      expect(await differences(desired, there)).toEqual(await differences(desired, live(kernel)));
    }
    const [four] = await differences(iptables(), thereIn(dump, "iptables"));
    expect(four?.steps.map(({ tool }) => tool)).toEqual(["iptables", "ip", "ipvsadm"].filter((tool) => tool !== "ip"));
  });

  test("as text and as JSON has every change, grouped by Service in the former", async () => {
    const kernel = await aNode();
    const found = await differences(ipvs(other), live(kernel));
    const text = renderDifferences({ found, placeholders: [], variant: "nft" }, "text");
    expect(text).toMatch(
      /^default\/web: .*endpoint 10\.244\.0\.6:8080 is new.*endpoint 10\.244\.0\.5:8080 is gone and drains/m,
    );
    expect(text).toMatch(/^default\/web6: /m);
    const { families } = JSON.parse(renderDifferences({ found, placeholders: [], variant: "nft" }, "json")) as {
      families: { changes: { kind: string }[] }[];
    };
    expect(families.map(({ changes }) => changes.length)).toEqual(
      found.map(({ steps }) => steps.reduce((sum, { changes }) => sum + changes.length, 0)),
    );
  });

  test("in iptables mode sees state of IPVS mode only where there is some", () => {
    expect(thereIn("*nat\nCOMMIT\n", "iptables").readState).toBeUndefined();
    expect(
      thereIn("create KUBE-CLUSTER-IP hash:ip,port family inet maxelem 65536\n", "iptables").readState,
    ).toBeDefined();
  });
});

/** A part of a script, by the tool that it is for. */
async function feed(kernel: FakeIpvsKernel, part: string): Promise<void> {
  const [heading = "", ...lines] = part.split("\n");
  const input = lines.join("\n");
  const result = heading.includes("ipset")
    ? await kernel.restoreSets(input)
    : heading.includes("ip6tables")
      ? await kernel.rules.restore(6, input)
      : heading.includes("iptables")
        ? await kernel.rules.restore(4, input)
        : heading.includes("ipvsadm")
          ? await kernel.restoreServers(input)
          : await kernel.changeAddresses(input);
  expect(result).toEqual({ ok: true });
}

describe("cleanup", () => {
  test("takes away all of both families and modes at once, whoever is connected, and nothing of others", async () => {
    const others = "-A -t 198.51.100.1:80 -s wlc\n";
    const kernel = await aFakeIpvsKernel({ servers: others, sets: "create mine hash:ip family inet\n" });
    const before = await everything(kernel);
    await act(kernel, ipvs());
    await kernel.rules.restore(4, "*mangle\n:KUBE-PROXY-CANARY - [0:0]\nCOMMIT\n");
    kernel.connections.set("10.244.0.5:8080", 5);
    const { told, how } = acting();
    expect(await clean({ kernel: kernel.rules, ipvs: kernel }, [4, 6], how)).toBe(true);
    expect(told.join("")).toMatch(
      /^IPv4: \d+ deleted, .* 21 destroyed, .*2 virtual servers deleted\nIPv4: 1 deleted\nIPv6: /,
    );
    const [sets, servers, four, six, addresses] = await everything(kernel);
    expect([sets, servers, addresses]).toEqual([before[0], before[1], before[4]]);
    for (const rules of [four, six]) expect(String(rules)).not.toContain("KUBE-");
  });

  test("--dry-run shows what would go, and removes nothing", async () => {
    const kernel = await aNode();
    const written = kernel.written.length;
    const { told, how } = acting({ dryRun: true });
    expect(await clean({ kernel: kernel.rules, ipvs: kernel }, [4, 6], how)).toBe(true);
    for (const line of ["- ipvsadm -D -t 10.96.0.10:80", "- nat KUBE-SERVICES", "- ipset destroy KUBE-6-CLUSTER-IP"])
      expect(told.join("")).toContain(`  ${line}\n`);
    expect(kernel.written).toHaveLength(written);
  });

  test("of one family leaves the device and the other's", async () => {
    const kernel = await aNode();
    const { how } = acting();
    await clean({ kernel: kernel.rules, ipvs: kernel }, [4], how);
    expect(kernel.tools.addresses()).toContain("fd00:10:96::10");
    expect(kernel.tools.sets()).not.toMatch(/KUBE-(?!6-)/);
    await clean({ kernel: kernel.rules, ipvs: kernel }, [6], how);
    expect(kernel.tools.addresses()).not.toContain("kube-ipvs0");
  });

  test("of what kube-proxy left in IPVS mode", async () => {
    const dump = splitState(readFileSync("test/rules/trace/foreign/ipvs.rules", "utf8"));
    const kernel = await aFakeIpvsKernel({
      sets: dump.sets
        .replaceAll(/ (?:hashsize|bucketsize|initval) \S+/g, "")
        .replaceAll("family inet maxelem", "family inet maxelem"),
      servers: "-A -t 10.96.0.1:443 -s rr\n-a -t 10.96.0.1:443 -r 10.1.0.5:443 -m -w 1\n",
      kernel: { rules: { 4: dump.rules[4] ?? "" } },
    });
    const { told, how } = acting();
    expect([
      await clean({ kernel: kernel.rules, ipvs: kernel }, [4], how),
      told.filter((line) => line.startsWith("error")),
    ]).toEqual([true, []]);
    expect([kernel.tools.sets(), kernel.tools.servers()]).toEqual(["", ""]);
    expect(await kernel.rules.readRules(4)).not.toContain("KUBE-");
  });
});
