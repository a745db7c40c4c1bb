// Declares tests of what kube-proxy's IPVS mode is known to do wrong, and of what no row of `packets/` says. In: a bed. Out: tests that ours does it right.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { emptyState } from "../../rules/index.ts";
import { desire } from "../packets/harness.ts";
import { addressOf, type ServiceBrief } from "../packets/objects.ts";
import { saves, statesOf, type Bed } from "./bed.ts";

const sticky = (timeoutSeconds: number) => ({
  sessionAffinity: "ClientIP",
  sessionAffinityConfig: { clientIP: { timeoutSeconds } },
});
const hosts = ["pod-a", "pod-b", "remote-a"];

/** A port that the node itself listens on, at every address that it has. */
const hostPort = 7777;

function affine(...endpoints: readonly string[]): ServiceBrief[] {
  return [
    { name: "web", clusterIp: 230, vips: [230], externalIps: [230], nodePort: 30230, endpoints: ["pod-a"] },
    { name: "sticky", clusterIp: 231, endpoints, spec: sticky(10800) },
    { name: "short", clusterIp: 232, endpoints, spec: sticky(3) },
    {
      name: "health",
      clusterIp: 235,
      vips: [235],
      endpoints: ["pod-a"],
      spec: { externalTrafficPolicy: "Local", healthCheckNodePort: 32000 },
    },
    { name: "protocols", clusterIp: 234, nodePort: 30234, protocols: ["TCP", "UDP", "SCTP"], endpoints: ["pod-a"] },
    { name: "turns", clusterIp: 233, protocols: ["UDP"], endpoints: endpoints.slice(0, 1) },
  ];
}

/** Declares them. */
export function declareFaults(bed: () => Bed): void {
  const families = [4, 6] as const;
  const put = (...endpoints: readonly string[]) => bed().put(statesOf({ services: affine(...endpoints) }));
  const ask = async (
    to: string,
    more: {
      readonly protocol?: "UDP";
      readonly sourcePort?: number;
      readonly count?: number;
      readonly timeoutMs?: number;
    } = {},
  ) =>
    Object.keys(
      (await bed().lab.send({ from: "outside", to, port: 80, parallel: 1, timeoutMs: 3000, ...more })).answered,
    );

  describe("Services of this mode", () => {
    beforeAll(async () => {
      const { lab, apply } = bed();
      await lab.listen("node", [hostPort], {
        addresses: ["0.0.0.0", "::"],
        protocols: ["TCP"],
        name: "the node's own",
      });
      await apply(statesOf({ services: affine(...hosts) }));
    }, 30_000);

    test.each(families)(
      "the node's own ports are refused at addresses of Services, and answered at its own (IPv%d)",
      async (family) => {
        const { lab } = bed();
        const at = async (to: string, from: string) => {
          const { answered, refused } = await lab.send({ from, to, port: hostPort, timeoutMs: 3000 });
          return [Object.keys(answered), refused];
        };
        for (const kind of ["cluster-ip", "external-ip", "vip"] as const)
          for (const from of ["outside", "pod-b", "node"])
            expect([kind, from, await at(addressOf(`${kind} 230`, family), from)]).toEqual([kind, from, [[], 1]]);
        expect(await at(lab.address("node", family), "outside")).toEqual([["the node's own"], 0]);
      },
    );

    test("session affinity keeps a client at one endpoint, and chooses anew after the timeout", async () => {
      const { shell } = bed().lab;
      // A connection of UDP is over for ip_vs when nothing was sent for as long as --set says; one of TCP only two minutes after its end.
      await shell.run("ipvsadm", ["--set", "0", "0", "1"]);
      const perFamily = families.map(async (family) => {
        expect(await ask(addressOf("cluster-ip 231", family), { count: 6 })).toHaveLength(1);
        const short = () => ask(addressOf("cluster-ip 232", family), { protocol: "UDP", count: 3 });
        const first = await short();
        expect(first).toHaveLength(1);
        await new Promise((resolve) => setTimeout(resolve, 5500));
        expect(await short()).not.toEqual(first);
      });
      await Promise.all(perFamily);
      await shell.run("ipvsadm", ["--set", "0", "0", "300"]);
    });

    test("an endpoint that goes: its sticky clients go elsewhere, and so does a UDP client that keeps its port", async () => {
      const [server = ""] = await ask(addressOf("cluster-ip 231", 4));
      const datagram = { protocol: "UDP", sourcePort: 7004 } as const;
      expect(await ask(addressOf("cluster-ip 233", 4), datagram)).toEqual(["pod-a"]);
      const rest = ["pod-b", "remote-a", "pod-a"].filter((host) => host !== server);
      await put(...rest.filter((host) => host !== "pod-a"));
      const [next] = await ask(addressOf("cluster-ip 231", 4));
      expect(next).not.toBe(server);
      // The first datagram finds its endpoint gone, and is lost with the connection that it stood for.
      await ask(addressOf("cluster-ip 233", 4), { ...datagram, timeoutMs: 300 });
      expect(await ask(addressOf("cluster-ip 233", 4), datagram)).not.toEqual(["pod-a"]);
      await bed().expectInForce();
    });

    test("load balancers ask the health-check node port where the node's firewall would not let them", async () => {
      const { lab, guest } = bed();
      await lab.listen("node", [32000, 32001], { protocols: ["TCP"] });
      const closed = ["-A", "INPUT", "-p", "tcp", "-m", "multiport", "--dports", "32000,32001", "-j", "DROP"];
      await lab.shell.run(`iptables-${guest.variant}`, closed);
      const at = async (port: number) =>
        (await lab.send({ from: "outside", to: lab.address("node", 4), port, timeoutMs: 900 })).answered;
      expect([await at(32000), await at(32001)]).toEqual([{ node: 1 }, {}]);
      await lab.shell.run(`iptables-${guest.variant}`, ["-D", ...closed.slice(1)]);
    });

    test("ip_vs takes SCTP ports beside TCP and UDP ports of one number", async () => {
      const { stdout } = await bed().lab.shell.run("ipvsadm", ["-Sn"]);
      for (const place of ["10.96.0.234:80", "192.168.0.2:30234", "[fd00:10:96::234]:80"])
        for (const option of ["-t", "-u", "--sctp-service"]) expect(stdout).toContain(`-A ${option} ${place} -s rr\n`);
    });

    test("node ports on loopback are said to be refused", () => {
      const { findings } = desire({ services: affine("pod-a"), config: { mode: "ipvs" } });
      expect(findings.map(({ code }) => code)).toContain("no-localhost-node-ports");
    });

    test("after a clean-up nothing of either family is left", async () => {
      await bed().apply(families.map(emptyState));
      const { shell } = bed().lab;
      for (const [tool, args] of [
        ["ipset", ["save"]],
        ["ipvsadm", ["-Sn"]],
      ] as const)
        expect((await shell.run(tool, args)).stdout).toBe("");
      for (const tool of saves(bed().guest)) expect((await shell.run(tool, [])).stdout).not.toContain("KUBE-");
      expect((await shell.run("ip", ["link", "show", "kube-ipvs0"])).code).toBe(1);
    }, 60_000);
  });
}
