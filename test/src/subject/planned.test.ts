// Tests of src/subject/planned.ts.
import { expect, test } from "@jest/globals";
import { buildDesired, defaultRanges } from "../../../src/desired/desired.ts";
import { renderIpvsPlan } from "../../../src/output/ipvs-text.ts";
import { plannedFirewall } from "../../../src/subject/planned.ts";
import { aWeb, aWeb6 } from "../commands/a-manifest.ts";

const desired = (backend: "iptables" | "ipvs") =>
  buildDesired(
    { read: { sources: [{ name: "web.yaml", text: aWeb() + aWeb6() }], problems: [] }, config: undefined },
    {
      ...{ files: [], recursive: false, configFile: undefined, nodeName: undefined, nodeAddresses: [], backend },
      families: [4, 6],
      ...defaultRanges,
    },
  );

test("in IPVS mode virtual servers, sets and addresses stand beside rules, each line as the plan has it", () => {
  for (const [family, vip] of [
    [4, "10.96.0.10"],
    [6, "fd00:10:96::10"],
  ] as const) {
    const all = desired("ipvs");
    const one = { ...all, ipvsBuilds: all.ipvsBuilds.filter(({ state }) => state.family === family) };
    const lines = [...renderIpvsPlan(one, "nft")].join("").split("\n");
    const firewall = plannedFirewall(all, family);
    const server = firewall?.ipvs?.servers.byPlace.get(`${vip} tcp 80`);
    expect(lines[(server?.line ?? 0) - 1]).toBe(server?.text);
    expect(server?.servers.map(({ line, text }) => lines[line - 1] === text)).toEqual([true]);
    expect([...(firewall?.ipvs?.addresses ?? [])]).toEqual([vip]);
    const portals = firewall?.dump.tables.get("nat")?.chains.get("KUBE-SERVICES")?.rules ?? [];
    expect(lines[(portals[0]?.line ?? 0) - 1]).toMatch(/^-A KUBE-SERVICES /);
  }
});

test("in iptables mode there are rules alone", () => {
  expect(plannedFirewall(desired("iptables"), 4)).toMatchObject({ family: 4, sets: new Map() });
  expect(plannedFirewall(desired("iptables"), 4)?.ipvs).toBeUndefined();
});
