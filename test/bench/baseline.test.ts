import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { execa, execaSync } from "execa";
import { hashedName } from "../../rules/iptables/ruleset/chain-name.ts";
import { baselineInParts, baselineJumps, baselinePartialSync, baselineSync } from "./baseline.ts";
import { endpointChain, endpointsOf, hash16, serviceChain } from "./baseline-service.ts";

const size = { services: 3, endpoints: 2 };

describe("baseline", () => {
  test.each([
    ["ns1/svc1:p80tcp", "XPGD46QRK7WJZT7O"],
    ["ns1/svc1:p80tcp10.180.0.1:80", "SXIVWICOYRO3J4NJ"],
    ["default/kubernetes:httpstcp", "NPX46M4PTMTKRN6Y"],
    ["kube-system/kube-dns:dnsudp", "TCOU7JCQXEZGVUNU"],
  ])("hashes %s as kube-proxy does", (text, hash) => {
    expect(hash16(text)).toBe(hash);
  });

  test("names a Service's chain as we do", () => {
    const ours = hashedName("KUBE-SVC-", "team-01/service-00001:httptcp");
    expect(serviceChain(1)).toBe(ours);
  });

  test("declares the fixed chains first, then each Service's with its endpoints", () => {
    const { filter, nat } = tablesOf(baselineSync(size));
    expect(filter.chains.map(shortened)).toEqual([
      "SERVICES",
      "EXTERNAL-SERVICES",
      "FORWARD",
      "NODEPORTS",
      "PROXY-FIREWALL",
      "FIREWALL",
    ]);
    expect(nat.chains.map(shortened)).toEqual([
      ...["SERVICES", "NODEPORTS", "POSTROUTING", "MARK-MASQ"],
      ...["SVC", "SEP", "SEP", "SVC", "SEP", "SEP", "SVC", "SEP", "SEP"],
    ]);
  });

  test("has one rule a Service in the list, and the node ports' last", () => {
    const list = rulesOf(baselineSync(size), "KUBE-SERVICES");
    expect(list.map((rule) => rule.replace(/.* -j /, ""))).toEqual([
      serviceChain(0),
      serviceChain(1),
      serviceChain(2),
      "KUBE-NODEPORTS",
    ]);
    expect(list[1]).toBe(
      `-m comment --comment "team-01/service-00001:http cluster IP" -m tcp -p tcp -d 10.97.60.110 --dport 80 -j ${serviceChain(1)}`,
    );
  });

  test("masquerades first, then takes each endpoint with equal probability, in the order of their text", () => {
    const [a = "", b = ""] = endpointsOf(size, 1);
    expect(rulesOf(baselineSync(size), serviceChain(1))).toEqual([
      '-m comment --comment "team-01/service-00001:http cluster IP" -m tcp -p tcp -d 10.97.60.110 --dport 80 ! -s 10.128.0.0/13 -j KUBE-MARK-MASQ',
      `-m comment --comment "team-01/service-00001:http -> ${a}" -m statistic --mode random --probability 0.5000000000 -j ${endpointChain(1, a)}`,
      `-m comment --comment "team-01/service-00001:http -> ${b}" -j ${endpointChain(1, b)}`,
    ]);
  });

  test("gives each endpoint a chain with a hairpin mark and the translation", () => {
    const [a = ""] = endpointsOf(size, 1);
    expect(rulesOf(baselineSync(size), endpointChain(1, a))).toEqual([
      `-m comment --comment team-01/service-00001:http -s ${a.replace(":8080", "")} -j KUBE-MARK-MASQ`,
      `-m comment --comment team-01/service-00001:http -m tcp -p tcp -j DNAT --to-destination ${a}`,
    ]);
  });

  test("leaves out endpoints' comments past 1,000 endpoints", () => {
    const large = { services: 201, endpoints: 5 };
    const [a = ""] = endpointsOf(large, 1);
    expect(rulesOf(baselineSync(large), endpointChain(1, a))[1]).toBe(`-m tcp -p tcp -j DNAT --to-destination ${a}`);
  });

  test("has 3 rules an endpoint, 2 a Service and 5 more in nat", () => {
    expect(tablesOf(baselineSync(size)).nat.rules).toHaveLength(3 * 2 * 3 + 3 * 2 + 5);
  });

  test("writes the whole list anew in a partial sync, and the chains of one Service only", () => {
    const text = baselinePartialSync(size, { event: "endpoint-moved", service: 1 });
    expect(rulesOf(text, "KUBE-SERVICES")).toHaveLength(4);
    expect(rulesOf(text, serviceChain(1))).toHaveLength(3);
    expect(rulesOf(text, serviceChain(0))).toEqual([]);
    expect(text.match(/^-X KUBE-SEP-/gm)).toHaveLength(1);
  });

  test("in parts comes to the same rules", () => {
    const sorted = (text: string) =>
      tablesOf(text)
        .nat.rules.filter((rule) => !rule.includes("-mark"))
        .sort();
    expect(sorted(baselineInParts(size).join(""))).toEqual(sorted(baselineSync(size)));
  });

  const namespace = process.getuid?.() === 0 ? ["-n"] : ["-Urn"];
  const possible =
    execaSync("unshare", [...namespace, "iptables-nft-restore", "--version"], { reject: false }).exitCode === 0;
  const where = possible ? test : test.skip;
  where.each(["nft", "legacy"])("is accepted by iptables-%s-restore --test", async (variant) => {
    const env = { XTABLES_LOCKFILE: join(tmpdir(), `rwbench-test-${process.pid}.lock`) };
    const args = [...namespace, `iptables-${variant}-restore`, "--test", "--noflush"];
    await execa("unshare", args, { input: baselineJumps() + baselineSync(size), env });
  });
});

type Table = { readonly chains: string[]; readonly rules: string[] };

function tablesOf(script: string): { readonly filter: Table; readonly nat: Table } {
  const tables: Record<"filter" | "nat", Table> = { filter: { chains: [], rules: [] }, nat: { chains: [], rules: [] } };
  let table = tables.filter;
  for (const line of script.split("\n")) {
    if (line.startsWith("*")) table = tables[line.slice(1) as keyof typeof tables];
    else if (line.startsWith(":")) table.chains.push(line.slice(1, line.indexOf(" ")));
    else if (line.startsWith("-A")) table.rules.push(line);
  }
  return tables;
}

function rulesOf(script: string, chain: string): string[] {
  const start = `-A ${chain} `;
  return tablesOf(script).nat.rules.flatMap((rule) => (rule.startsWith(start) ? [rule.slice(start.length)] : []));
}

function shortened(chain: string): string {
  return chain.replace(/^KUBE-/, "").replace(/^(SVC|SEP)-[A-Z2-7]{16}$/, "$1");
}
