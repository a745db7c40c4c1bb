// Tests of src/commands/run.ts: the built agent on a real kernel, beside a fake API server.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { objects as cluster } from "../../bench/cluster.ts";
import type { ApiObject } from "../../support/store.ts";
import { aFolder } from "../golden/a-case.ts";
import { anAgentNode, endAll, name } from "./an-agent.ts";
import { built, cli } from "./cli.ts";
import { kubeadmConfigMap } from "../config/kubeadm-config-map.ts";
import { describeNodes } from "./node.ts";

jest.setTimeout(60_000);
beforeAll(built, 120_000);
afterEach(endAll);

const some = (services: number) => [...cluster({ services, endpoints: 5 })] as ApiObject[];
const service = (title: string, ip: string, spec: object = {}): ApiObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: title, namespace: "default" },
  spec: {
    clusterIP: ip,
    clusterIPs: [ip],
    ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080 }],
    ...spec,
  },
});
const slice = (title: string, ...ips: string[]): ApiObject => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: `${title}-1`, namespace: "default", labels: { "kubernetes.io/service-name": title } },
  addressType: ips[0]?.includes(":") === true ? "IPv6" : "IPv4",
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true }, nodeName: name })),
});
const web = [service("web", "10.96.0.10"), slice("web", "10.128.0.5", "10.128.0.6")];
const six = [service("six", "fd00:96::10", { ipFamilies: ["IPv6"] }), slice("six", "fd00:1::5")];

const isOurs = (rules: string) => rules.includes("KUBE-");

await describeNodes("run", (node) => {
  test("makes the kernel as plan says, follows what changes, and leaves it when it is stopped", async () => {
    const here = await anAgentNode(node(), ...some(120), ...web, ...six);
    const agent = here.start();
    const all = async () => [...(await here.api.objects("Service")), ...(await here.api.objects("EndpointSlice"))];
    let wanted = await here.planned(await all());
    expect(await here.reaches(wanted)).toEqual(wanted);

    const slices = await here.api.objects("EndpointSlice");
    for (const [at, each] of slices.entries()) {
      const { metadata, endpoints } = each as ApiObject & {
        metadata: { namespace: string; name: string };
        endpoints: object[];
      };
      if (at % 4 === 0) await here.api.set({ ...each, endpoints: endpoints.slice(at % 3) });
      if (at % 11 === 1) await here.api.remove("EndpointSlice", metadata.namespace, metadata.name);
      if (at % 17 === 2)
        await here.api.set(service(`new-${at}`, `10.97.0.${at}`), slice(`new-${at}`, `10.129.0.${at}`));
    }
    await here.api.remove("Service", "default", "web");
    await here.api.remove("EndpointSlice", "default", "six-1");
    wanted = await here.planned(await all());
    expect(await here.reaches(wanted)).toEqual(wanted);

    expect(await agent.end("SIGTERM")).toBe(0);
    expect({ 4: await here.rules(4), 6: await here.rules(6) }).toEqual(wanted);
    const again = here.start();
    await again.says(/endpointslices: listed/);
    await sleep(500);
    expect(again.log()).not.toMatch(/chains? (created|rewritten|deleted)/);
    expect(await again.end("SIGINT")).toBe(0);
  });

  test("goes on where rules of others keep a chain from being deleted, and says so", async () => {
    const more = [service("more", "10.96.0.11"), slice("more", "10.128.0.9")];
    const here = await anAgentNode(node(), ...web, ...more);
    const agent = here.start();
    const wanted = await here.planned([...web, ...more]);
    expect(await here.reaches(wanted)).toEqual(wanted);
    const chain = /^-A (KUBE-SVC-\S+) .*"default\/more/m.exec(await node().save(4))?.[1] ?? "";
    await node().restore(4, `*nat\n:others - [0:0]\n-A others -j ${chain}\nCOMMIT\n`);
    await here.api.remove("Service", "default", "more");
    await agent.says(/warn: IPv4: chains that are no longer needed cannot be deleted/);
    const better = [service("late", "10.96.0.12"), slice("late", "10.128.0.10")];
    await here.api.set(...better);
    const rest = await here.planned([...web, ...better]);
    const without = (rules: string) => rules.split("\n").filter((line) => !line.includes(chain));
    for (let tries = 0; tries < 60 && !(await node().save(4)).includes("10.128.0.10"); tries++) await sleep(50);
    expect(without(await here.rules(4))).toEqual(without(rest[4]));
    expect(agent.log()).not.toMatch(/refuses its rules/);
  });
});

await describeNodes(
  "run on a node",
  (node) => {
    test.each([
      ["services", "endpointslices"],
      ["endpointslices", "services"],
    ])("writes nothing before %s are listed", async (late, other) => {
      const here = await anAgentNode(node(), ...web);
      await here.api.failNext(1, { slowMs: 1000 }, { resource: late });
      const agent = here.start();
      await agent.says(new RegExp(`^info: ${other}: listed`, "m"));
      await sleep(300);
      expect([await node().save(4), await node().save(6)].map(isOurs)).toEqual([false, false]);
      const wanted = await here.planned(web);
      expect(await here.reaches(wanted)).toEqual(wanted);
    });

    test("killed at any moment of a load and started again, ends right", async () => {
      const objects = some(1500);
      const here = await anAgentNode(node(), ...objects);
      for (const ms of [0, 100, 250, 500]) {
        const agent = here.start();
        await agent.says(/^info: endpointslices: listed/m);
        await sleep(ms);
        expect(await agent.end("SIGKILL")).toBe("SIGKILL");
      }
      here.start();
      const wanted = await here.planned(objects);
      expect(await here.reaches(wanted, 30)).toEqual(wanted);
    });

    test("repairs what others change, and says so", async () => {
      const here = await anAgentNode(node(), ...web, ...six);
      const agent = here.start();
      const wanted = await here.planned([...web, ...six]);
      expect(await here.reaches(wanted)).toEqual(wanted);
      const chain = /^-A (KUBE-SVC-\S+) .*"default\/six/m.exec(await node().save(6))?.[1] ?? "";
      await node().run("iptables-nft", ["-w", "-t", "nat", "-F"]);
      await node().run("iptables-nft", ["-w", "-t", "filter", "-D", "KUBE-FORWARD", "1"]);
      await node().run("ip6tables-nft", ["-w", "-t", "nat", "-R", chain, "1", "-j", "RETURN"]);
      expect(await here.rules(4)).not.toBe(wanted[4]);
      expect(await here.reaches(wanted, 30)).toEqual(wanted);
      await agent.says(/^warn: IPv4: rules were not as written, and were repaired: [^]*KUBE-SERVICES/m);
      await agent.says(new RegExp(`^warn: IPv6: rules were not as written, and were repaired: [^]*${chain}`, "m"));
    });

    test("keeps the rules while the API server is away, and then catches up", async () => {
      const here = await anAgentNode(node(), ...web);
      here.start();
      const before = await here.planned(web);
      expect(await here.reaches(before)).toEqual(before);
      await here.api.down();
      const later = [...six, slice("web", "10.128.0.77")];
      await here.api.set(...later);
      await sleep(1500);
      expect({ 4: await here.rules(4), 6: await here.rules(6) }).toEqual(before);
      await here.api.up();
      const wanted = await here.planned([web[0] ?? {}, ...later] as ApiObject[]);
      expect(await here.reaches(wanted, 30)).toEqual(wanted);
    });

    test("serves others where an object makes no sense, and keeps its last good state", async () => {
      const here = await anAgentNode(node(), ...web, {
        ...service("odd", "10.96.0.99"),
        spec: { clusterIP: "odd", ports: "no" },
      });
      const agent = here.start();
      const wanted = await here.planned(web);
      expect(await here.reaches(wanted)).toEqual(wanted);
      await agent.says(/^error: Service default\/odd /m);
      await here.api.set({ ...slice("web"), endpoints: [{ addresses: ["10.128.0.300"] }] }, ...six);
      await agent.says(/^error: EndpointSlice default\/web-1 .*last good version stays/m);
      const more = await here.planned([...web, ...six]);
      expect(await here.reaches(more)).toEqual(more);
      await here.api.set(slice("web", "10.128.0.9"), service("odd", "10.96.0.99"));
      const better = await here.planned([
        ...web.slice(0, 1),
        slice("web", "10.128.0.9"),
        ...six,
        service("odd", "10.96.0.99"),
      ]);
      expect(await here.reaches(better)).toEqual(better);
    });

    test("--dry-run prints the changes of each pass and writes nothing", async () => {
      const here = await anAgentNode(node(), ...web);
      const agent = here.start("--dry-run");
      const prints = async (what: RegExp) => {
        for (let tries = 0; tries < 200 && !what.test(agent.printed()); tries++) await sleep(50);
        expect(agent.printed()).toMatch(what);
      };
      await prints(/^IPv4: would be .*created[^]*default\/web/m);
      await here.api.set(slice("web", "10.128.0.9"));
      await prints(/10\.128\.0\.9:8080 is new/);
      expect([await node().save(4), await node().save(6)].map(isOurs)).toEqual([false, false]);
      expect((await node().run("cat", ["/proc/sys/net/ipv4/conf/all/route_localnet"])).stdout.trim()).toBe("0");
      expect(await agent.end("SIGTERM")).toBe(0);
    });

    test("takes over what kube-proxy has left, and nothing of it stays", async () => {
      const folder = join(import.meta.dirname, "..", "..", "packets", "samples", "mixed-six-services");
      const read = (file: string) => readFile(join(folder, file), "utf8");
      const { items } = JSON.parse(await read("objects.json")) as { items: ApiObject[] };
      // Its counters are objects of their own, which are not in the dump.
      const old = (await read("kube-proxy.rules")).replace(/ -m nfacct --nfacct-name {2}\S+/g, "");
      const [four = "", rest = ""] = old.split(/^(?=# Generated by ip6tables-save)/m);
      await node().restore(4, four);
      await node().restore(6, rest);
      const config = join(folder, "config.json");
      const here = await anAgentNode(node(), ...items);
      const wanted = await here.planned(items, config);
      here.start("--config", config);
      expect(await here.reaches(wanted)).toEqual(wanted);
      const names = (text: string) => new Set([...text.matchAll(/KUBE-[\w./-]+/g)].map(([found]) => found));
      for (const family of [4, 6] as const) {
        const strangers = [...names(await node().save(family))].filter((chain) => !names(wanted[family]).has(chain));
        // Its canaries lead nowhere, and are left for it to find.
        expect(strangers).toEqual(["KUBE-PROXY-CANARY"]);
      }
      expect(names(four).size).toBeGreaterThan(names(wanted[4]).size);
    });

    test("answers on kube-proxy's ports as kube-proxy does, and routes loopback for node ports", async () => {
      const here = await anAgentNode(node(), ...web);
      const agent = here.start();
      const wanted = await here.planned(web);
      expect(await here.reaches(wanted)).toEqual(wanted);
      await agent.says(/route_localnet/);
      const healthz = await here.get("http://127.0.0.1:10256/healthz");
      expect([healthz.status, Object.keys(JSON.parse(healthz.body) as object)]).toEqual([
        200,
        expect.arrayContaining(["lastUpdated", "currentTime", "nodeEligible"]),
      ]);
      expect((await here.get("http://127.0.0.1:10256/livez")).status).toBe(200);
      expect(await here.get("http://127.0.0.1:10249/proxyMode")).toEqual({ status: 200, body: "iptables" });
      expect(await here.get("http://127.0.0.1:10249/healthz")).toEqual({ status: 200, body: "ok" });
      const metrics = (await here.get("http://127.0.0.1:10249/metrics")).body;
      for (const metric of [
        'kubeproxy_sync_proxy_rules_iptables_total{table="nat",ip_family="IPv4"}',
        'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"}',
        'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv6"}',
        'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"}',
      ]) {
        const value = metrics.split("\n").find((line) => sameSeries(line, metric));
        expect([metric, Number(value?.split(" ").at(-1)) > 0]).toEqual([metric, true]);
      }
      const { body } = await here.get("http://127.0.0.1:10249/configz");
      expect(JSON.parse(body)).toMatchObject({ "kubeproxy.config.k8s.io": { mode: "iptables" } });
    });

    test("takes the ConfigMap that kubeadm makes as it is", async () => {
      const folder = await aFolder({ "config-map.yaml": kubeadmConfigMap });
      const config = join(folder, "config-map.yaml");
      const here = await anAgentNode(node(), ...web);
      const wanted = await here.planned(web, config);
      const agent = here.start("--config", config);
      expect(await here.reaches(wanted)).toEqual(wanted);
      expect(wanted[4]).toContain("! -s 10.244.0.0/16");
      expect(agent.log()).not.toMatch(/^error/m);
      expect((await here.get("http://127.0.0.1:10249/proxyMode")).body).toBe("iptables");
    });
  },
  ["nft"],
);

/** Whether a line of the exposition is that series, in whatever order its labels are. */
function sameSeries(line: string, series: string): boolean {
  const parts = (text: string) =>
    text
      .replace(/ [^ ]*$/, "")
      .split(/[{},]/)
      .sort()
      .join(",");
  return parts(line) === parts(`${series} 0`);
}

describe("trouble at the start ends it with status 2", () => {
  const good = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";
  test.each<[string, string, readonly string[], RegExp]>([
    ["a configuration with an error", `${good}iptables: { masqueradeBit: 40 }\n`, [], /^error: .*c\.yaml:\d+:\d+: /],
    ["no configuration", "a: 1\n", [], /^error: .*c\.yaml:1:1: /],
    [
      "a kubeconfig that is not there",
      good,
      ["--kubeconfig", "/nonexistent/kubeconfig"],
      /^error: .*\/nonexistent\/kubeconfig/m,
    ],
  ])("%s", async (_, config, args, said) => {
    const folder = await aFolder({ "c.yaml": config });
    const { code, stderr } = await cli(["run", "--config", join(folder, "c.yaml"), ...args]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(said)]);
  });
});
