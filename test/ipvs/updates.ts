// Declares tests of Services that change, each from the state before, as the agent writes it. In: a bed. Out: a test for each change.
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { Situation } from "../packets/harness.ts";
import type { ServiceBrief } from "../packets/objects.ts";
import type { Expectation, Row } from "../packets/rows.ts";
import { statesOf, type Bed } from "./bed.ts";
import { nodeIps } from "../guest/guest-lab.ts";
import { sendRows } from "./send.ts";

/** Never changes, and so never fails. */
const steady: ServiceBrief = { name: "steady", clusterIp: 9, endpoints: ["pod-b"] };
const steadily: Expectation = { from: "outside", to: "cluster-ip 9", answeredBy: ["pod-b"], source: "node" };

const web = (more: Partial<ServiceBrief> = {}): ServiceBrief => ({
  nodePort: 30080,
  vips: [1],
  endpoints: ["pod-a", "remote-a"],
  ...more,
});
const proxied = { "service.kubernetes.io/service-proxy-name": "other" };
const affine = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } };

const at = (to: string, port: number, ...answeredBy: readonly string[]): Expectation => ({
  from: "outside",
  to,
  port,
  answeredBy,
  source: "node",
});
const refused = (to: string, port: number): Expectation => ({ from: "outside", to, port, answeredBy: "refused" });
const gone = (to: string): Expectation => ({ from: "outside", to, answeredBy: "unanswered" });

/** In order; addresses that are no longer held go to nobody. */
const changes: readonly Row[] = [
  change(
    "a Service that comes is served",
    [web()],
    [at("cluster-ip", 80, "pod-a", "remote-a"), at("node", 30080, "pod-a", "remote-a")],
  ),
  change(
    "endpoints come, go and change their port",
    [web({ endpoints: ["pod-b", { host: "pod-a", port: 8080 }] })],
    [at("vip", 80, "pod-a", "pod-b"), at("node", 30080, "pod-a", "pod-b")],
  ),
  change(
    "ports change",
    [web({ ports: [{ name: "q", port: 443, nodePort: 30443 }] })],
    [
      at("cluster-ip", 443, "pod-a", "remote-a"),
      refused("cluster-ip", 80),
      at("node", 30443, "pod-a", "remote-a"),
      refused("node", 30080),
    ],
  ),
  change(
    "the node port goes to another protocol's",
    [web({ protocols: ["UDP"] })],
    [
      { ...at("node", 30080, "pod-a", "remote-a"), protocols: ["UDP"] },
      { ...refused("node", 30080), protocols: ["TCP"] },
    ],
  ),
  change(
    "a Service without an endpoint left refuses",
    [web({ endpoints: [] })],
    [refused("cluster-ip", 80), refused("vip", 80), refused("node", 30080)],
  ),
  change(
    "policies change",
    [web({ spec: { externalTrafficPolicy: "Local", internalTrafficPolicy: "Local" } })],
    [{ from: "outside", to: "vip", answeredBy: ["pod-a"], source: "kept" }, at("cluster-ip", 80, "pod-a")],
  ),
  change(
    "source ranges come",
    [web({ spec: { loadBalancerSourceRanges: ["198.51.100.0/24", "2001:db8:2::/64"] } })],
    [{ from: "outside", to: "vip", answeredBy: "dropped" }, at("node", 30080, "pod-a", "remote-a")],
  ),
  change(
    "session affinity is switched on",
    [web({ endpoints: ["pod-b"], spec: affine })],
    [at("cluster-ip", 80, "pod-b")],
  ),
  change("session affinity is switched off again", [web()], [at("cluster-ip", 80, "pod-a", "remote-a")]),
  change(
    "the type becomes ClusterIP",
    [{ endpoints: ["pod-a"] }],
    [at("cluster-ip", 80, "pod-a"), refused("node", 30080), gone("vip")],
  ),
  change(
    "the type becomes ExternalName",
    [{ endpoints: ["pod-a"], spec: { type: "ExternalName", externalName: "example.com" } }],
    [gone("cluster-ip")],
  ),
  change(
    "a Service comes back",
    [web()],
    [at("cluster-ip", 80, "pod-a", "remote-a"), at("vip", 80, "pod-a", "remote-a")],
  ),
  change(
    "the mark is another bit",
    [web({ endpoints: ["pod-a"] })],
    [at("cluster-ip", 80, "pod-a"), { from: "pod-b", to: "cluster-ip", answeredBy: ["pod-a"], source: "kept" }],
    { iptables: { masqueradeBit: 15 } },
  ),
  change(
    "a label leaves a Service to another proxy",
    [web({ labels: proxied })],
    [gone("cluster-ip"), gone("vip"), refused("node", 30080)],
  ),
];

function change(
  title: string,
  services: readonly ServiceBrief[],
  expect: readonly Expectation[],
  config: Situation["config"] = {},
): Row {
  return { title, services: [...services, steady], expect: [...expect, steadily], config, nodeIps };
}

/** Declares them. */
export function declareUpdates(bed: () => Bed): void {
  describe("changes, one after the other", () => {
    beforeAll(
      () =>
        bed()
          .apply(statesOf({ services: [steady], nodeIps }))
          .then(() => undefined),
      30_000,
    );

    test.each(changes)("$title", async (row) => {
      await bed().put(statesOf(row));
      const outcomes = await sendRows(bed().lab, [
        { title: row.title, expect: row.expect.map((each) => ({ protocols: ["TCP"], ...each })) },
      ]);
      const { wanted, seen } = outcomes.get(row.title) ?? { wanted: [], seen: ["nothing"] };
      expect(seen).toEqual(wanted);
    });

    test("all of them led to where a first look would have led", () => bed().expectInForce());

    test("what somebody deletes or changes is put right, and what is others' is left alone", async () => {
      const { guest, lab } = bed();
      const { shell } = lab;
      const iptables = `iptables-${guest.variant}`;
      const theirs = "-A -t 203.0.113.99:80 -s rr\n-a -t 203.0.113.99:80 -r 10.244.0.5:80 -m -w 1\n";
      await shell.run("ipvsadm", ["--restore"], theirs);
      await shell.run("ipset", ["restore"], "create theirs hash:ip\nadd theirs 10.0.0.1\n");
      await shell.run(iptables, ["-A", "FORWARD", "-m", "set", "--match-set", "theirs", "src", "-j", "DROP"]);
      const [state] = statesOf({ services: [steady], nodeIps });
      if (state === undefined) throw new Error("bug: no state");
      await bed().apply([state]);
      await shell.run("ipvsadm", ["--restore"], "-D -t 10.96.0.9:80\n-E -u 10.96.0.9:80 -s lc\n");
      await shell.run("ipset", ["restore"], "flush KUBE-CLUSTER-IP\nadd KUBE-LOAD-BALANCER 10.9.9.9,tcp:80\n");
      await shell.run("ip", ["address", "del", "10.96.0.9/32", "dev", "kube-ipvs0"]);
      await shell.run(iptables, ["-t", "nat", "-F", "KUBE-SERVICES"]);
      const [applied] = await bed().apply([state]);
      expect(applied?.steps.map(({ tool }) => tool)).toEqual(["ipset", "ip", "ipvsadm", "iptables", "ipset"]);
      expect((await shell.run("ipvsadm", ["-Sn"])).stdout).toContain(theirs);
      expect((await shell.run("ipset", ["save", "theirs"])).stdout).toContain("add theirs 10.0.0.1\n");
      expect((await shell.run(`${iptables}-save`, ["-t", "filter"])).stdout).toContain(
        "-A FORWARD -m set --match-set theirs src -j DROP\n",
      );
      await shell.run("sh", ["-c", `${iptables} -F FORWARD; ipset destroy theirs; ipvsadm -D -t 203.0.113.99:80`]);
      await bed().apply([state]);
    }, 60_000);
  });
}
