// The lab reports what the rules do, and nothing else. In: hand-written rules. Out: expectations on what was sent.
import { describe, expect, test } from "@jest/globals";
import { describeLabs } from "./describe-labs.ts";
import { createLab, type Sending, type Sent } from "./lab.ts";
import { layOut } from "./layout.ts";
import { canMakeLab, canMakeNamespaces, hasTool, iptablesWorks, ipv6Works, sctpWorks } from "./probe.ts";
import { runTool } from "./tool.ts";

const nothing: Sent = { answered: {}, clients: [], refused: 0, timedOut: 0, failed: {} };

await describeLabs(
  "lab",
  (lab) => {
    const families = [
      {
        family: 4 as const,
        vip: "10.96.0.10",
        mask: 32,
        node: "192.168.0.2",
        podA: "10.244.0.5",
        podB: "10.244.0.6",
        remote: "10.244.1.5",
        outside: "203.0.113.7",
        other: "198.51.100.9",
        at: (address: string, port: number) => `${address}:${port}`,
      },
      {
        family: 6 as const,
        vip: "fd00:10:96::a",
        mask: 128,
        node: "fd00:192::2",
        podA: "fd00:10:244::5",
        podB: "fd00:10:244::6",
        remote: "fd00:10:244:1::5",
        outside: "2001:db8:1::7",
        other: "2001:db8:2::9",
        at: (address: string, port: number) => `[${address}]:${port}`,
      },
    ];

    describe.each(families)("IPv$family", ({ family, vip, mask, node, podA, podB, remote, outside, other, at }) => {
      const both = ["tcp", "udp"] as const;
      const dnat = (to: string) =>
        both.flatMap((protocol) =>
          ["PREROUTING", "OUTPUT"].map(
            (chain) =>
              `-A ${chain} -d ${vip}/${mask} -p ${protocol} --dport 80 -j DNAT --to-destination ${at(to, 8080)}`,
          ),
        );
      const nat = (...rules: readonly string[]) => lab().restore(family, `*nat\n${rules.join("\n")}\nCOMMIT\n`);
      const filter = (...rules: readonly string[]) => lab().restore(family, `*filter\n${rules.join("\n")}\nCOMMIT\n`);
      const masquerade = "-A POSTROUTING -j MASQUERADE";
      const send = (from: string, more: Partial<Sending> = {}) => lab().send({ from, to: vip, port: 80, ...more });

      describe.each(["TCP", "UDP"] as const)("%s", (protocol) => {
        test.each([
          { from: "pod-a", to: podB, server: "pod-b", client: podA },
          { from: "pod-a", to: remote, server: "remote-a", client: podA },
          { from: "node", to: podA, server: "pod-a", client: node },
          { from: "node", to: remote, server: "remote-a", client: node },
          { from: "outside", to: podA, server: "pod-a", client: outside },
          { from: "outside-b", to: podA, server: "pod-a", client: other },
          { from: "remote-a", to: podB, server: "pod-b", client: remote },
        ])("routes $from to $server without rules and keeps the source", async ({ from, to, server, client }) => {
          expect(await send(from, { to, protocol })).toEqual({
            ...nothing,
            answered: { [server]: 1 },
            clients: [client],
          });
        });

        test.each([
          { from: "pod-a", client: podA },
          { from: "node", client: node },
          { from: "outside", client: outside },
          { from: "remote-a", client: remote },
        ])("follows DNAT from $from", async ({ from, client }) => {
          await nat(...dnat(podB));
          expect(await send(from, { protocol })).toEqual({ ...nothing, answered: { "pod-b": 1 }, clients: [client] });
        });

        test("sees the node as client where traffic is masqueraded", async () => {
          await nat(...dnat(remote), masquerade);
          expect(await send("outside", { protocol })).toEqual({
            ...nothing,
            answered: { "remote-a": 1 },
            clients: [node],
          });
          expect(await send("pod-a", { protocol })).toEqual({
            ...nothing,
            answered: { "remote-a": 1 },
            clients: [node],
          });
        });

        test("answers a pod that reaches itself only where that is masqueraded", async () => {
          await nat(...dnat(podA));
          expect(await send("pod-a", { protocol, timeoutMs: 300 })).toEqual({ ...nothing, timedOut: 1 });
          await lab().reset();
          await nat(...dnat(podA), masquerade);
          expect(await send("pod-a", { protocol })).toEqual({ ...nothing, answered: { "pod-a": 1 }, clients: [node] });
        });

        test.each(["pod-a", "outside", "node"])("tells REJECT from DROP for %s", async (from) => {
          const chains = ["FORWARD", "OUTPUT"];
          await filter(...chains.map((chain) => `-A ${chain} -d ${vip}/${mask} -j REJECT`));
          expect(await send(from, { protocol })).toEqual({ ...nothing, refused: 1 });
          await filter(...chains.map((chain) => `-A ${chain} -d ${vip}/${mask} -j DROP`));
          expect(await send(from, { protocol, timeoutMs: 300 })).toEqual({ ...nothing, timedOut: 1 });
        });

        test("reports each of many rejected attempts, in spite of the kernel's ICMP rate limits", async () => {
          await filter(`-A FORWARD -d ${vip}/${mask} -j REJECT`);
          expect(await send("outside", { protocol, count: 200 })).toEqual({ ...nothing, refused: 200 });
        });

        test("times out at an address that nobody serves", async () => {
          expect(await send("pod-a", { protocol, timeoutMs: 300 })).toEqual({ ...nothing, timedOut: 1 });
        });

        test("is refused at a port that nobody listens on", async () => {
          expect(await send("pod-a", { protocol, to: podB, port: 81 })).toEqual({ ...nothing, refused: 1 });
        });

        test("counts the shares of several servers", async () => {
          const [toA = "", toB = ""] = [podA, podB].map(
            (pod) =>
              `-A PREROUTING -d ${vip}/${mask} -p ${protocol.toLowerCase()} --dport 80 -j DNAT --to-destination ${at(pod, 8080)}`,
          );
          await nat(toA.replace(" -j", " -m statistic --mode nth --every 2 --packet 0 -j"), toB);
          expect(await send("outside", { protocol, count: 200 })).toEqual({
            ...nothing,
            answered: { "pod-a": 100, "pod-b": 100 },
            clients: [outside],
          });
        });

        test("keeps a connection's translation until connections are forgotten", async () => {
          await nat(...dnat(podA));
          const again = { protocol, sourcePort: 50_000 + family };
          expect((await send("outside", again)).answered).toEqual({ "pod-a": 1 });
          await nat(...dnat(podB));
          if (protocol === "UDP") expect((await send("outside", again)).answered).toEqual({ "pod-a": 1 });
          await lab().conntrackFlush();
          expect((await send("outside", again)).answered).toEqual({ "pod-b": 1 });
        });
      });

      test("uses the source it is told", async () => {
        expect((await send("outside", { to: podA, source: remote })).clients).toEqual([remote]);
      });

      test("answers on ports and with names given later", async () => {
        await lab().listen("node", [9000 + family], { addresses: [node], name: "host-network" });
        expect(await send("pod-a", { to: node, port: 9000 + family })).toEqual({
          ...nothing,
          answered: { "host-network": 1 },
          clients: [podA],
        });
      });

      test("fails with the error code where it is neither", async () => {
        await filter(
          `-A FORWARD -d ${vip}/${mask} -j REJECT --reject-with ${family === 4 ? "icmp-host-unreachable" : "icmp6-addr-unreachable"}`,
        );
        expect(await send("pod-a")).toEqual({ ...nothing, failed: { EHOSTUNREACH: 1 } });
      });

      test("sends all the time until stopped and misses no failure", async () => {
        await nat(...dnat(podB));
        const client = await lab().backgroundClient({ from: "pod-a", to: vip, port: 80, timeoutMs: 300 });
        await until(50);
        await lab().restore(family, `*nat\n${dnat(podA).join("\n")}\n${masquerade}\nCOMMIT\n`);
        await until(50);
        const good = await client.stop();
        expect({ ...good, answered: Object.keys(good.answered) }).toEqual({
          ...nothing,
          answered: ["pod-a", "pod-b"],
          clients: [podA, node].sort(),
        });

        const unlucky = await lab().backgroundClient({ from: "pod-a", to: vip, port: 80, timeoutMs: 300 });
        await filter(`-A FORWARD -p tcp --syn -j REJECT`);
        await until(50);
        expect((await unlucky.stop()).refused).toBeGreaterThan(0);
      });

      test("gives back the tables as they were loaded, and empty after a reset", async () => {
        await nat(":MINE - [0:0]", "-A MINE -j RETURN");
        await lab().restore(family, "*nat\n-A MINE -m mark --mark 0x1 -j RETURN\nCOMMIT\n", { noflush: true });
        await lab().restore(family, "*nat\n-F MINE\nCOMMIT\n", { noflush: true, test: true });
        expect((await lab().save(family, "nat")).split("\n").filter((line) => line.startsWith("-A"))).toEqual([
          "-A MINE -j RETURN",
          "-A MINE -m mark --mark 0x1 -j RETURN",
        ]);
        await expect(lab().restore(family, "*nat\n-A NOWHERE -j RETURN\nCOMMIT\n")).rejects.toMatchObject({
          exitCode: expect.any(Number),
        });
        await filter(":FORWARD DROP [0:0]");
        await lab().reset();
        expect((await lab().save(family)).split("\n").filter((line) => /^-A|MINE|DROP/.test(line))).toEqual([]);
      });
    });

    test("reaches a node port on 127.0.0.1 with route_localnet and masquerade", async () => {
      await lab().restore(
        4,
        "*nat\n-A OUTPUT -d 127.0.0.0/8 -p tcp --dport 30080 -j DNAT --to-destination 10.244.0.5:8080\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n",
      );
      expect(await lab().send({ from: "node", to: "127.0.0.1", port: 30080 })).toEqual({
        ...nothing,
        answered: { "pod-a": 1 },
        clients: ["192.168.0.2"],
      });
    });

    test("destroys sets with the rules that name them", async () => {
      if (!(await hasTool("ipset")).yes) return; // reset is silent about ipset where there is none
      await lab().node.exec("/usr/sbin/ipset", ["create", "mine", "hash:ip"]);
      await lab().restore(4, "*filter\n-A FORWARD -m set --match-set mine src -j DROP\nCOMMIT\n");
      await lab().reset();
      expect((await lab().node.exec("/usr/sbin/ipset", ["list", "-n"])).stdout).toBe("");
    });

    test("names the hosts there are where there is no such host", async () => {
      await expect(lab().send({ from: "pod-z", to: "10.96.0.10", port: 80 })).rejects.toThrow("pod-a, pod-b, outside");
    });
  },
  { sysctls: { "net.ipv4.conf.all.route_localnet": 1 } },
);

describe("createLab", () => {
  test("leaves nothing behind", async () => {
    if (!(await canMakeLab("nft")).yes) return; // the blocks above say why
    const labs = await Promise.all([createLab({ variant: "nft" }), createLab({ variant: "nft" })]);
    const prefixes = labs.map((lab) => lab.node.namespace.replace(/node$/, ""));
    await Promise.all(labs.map((lab) => lab.destroy()));
    const { stdout } = await runTool("/usr/sbin/ip", ["netns", "list"]);
    expect(prefixes.filter((prefix) => stdout.includes(prefix))).toEqual([]);
    await expect(labs[0].send({ from: "node", to: "10.244.0.5", port: 80 })).rejects.toThrow("destroyed");
  });
});

describe("layOut", () => {
  test.each([
    { title: "a name with a space", options: { pods: { "pod a": ["10.0.0.1", "fd00::1"] } } },
    { title: "an address that is none", options: { node: ["10.0.0.1; ls", "fd00::1"] } },
    { title: "a host of one family", options: { node: ["10.0.0.1"] } },
  ])("refuses $title", ({ options }) => {
    expect(() => layOut({ prefix: "rw1-1", node: ["10.0.0.1", "fd00::1"], pods: {}, remotes: {}, ...options })).toThrow(
      "lab: ",
    );
  });
});

describe("probe", () => {
  test("says why where it says no", async () => {
    const answers = await Promise.all([
      canMakeNamespaces(),
      ipv6Works(),
      sctpWorks(),
      iptablesWorks("nft"),
      iptablesWorks("legacy"),
      hasTool("no-such-tool"),
    ]);
    for (const answer of answers) expect(answer.yes || answer.because.length > 10).toBe(true);
    expect(answers.at(-1)).toEqual({ yes: false, because: "no-such-tool is not installed" });
  });
});

function until(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
