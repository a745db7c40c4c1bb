// Declares tests that send packets to virtual servers. In: a guest. Out: tests of who answers, before and after changes.
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { SendRequest } from "../lab/worker.ts";
import type { Guest } from "./guest.ts";
import { openConnection } from "./connection.ts";
import { addresses, balance, makeNetwork, type Network, serverPort } from "./network.ts";

/** Where the echo server of the tests with open connections listens, on `one`. */
const echoPort = 7;

/** Declares them; they make the namespaces of network.ts. */
export function declarePacketFacts(guest: () => Guest): void {
  let network: Network | undefined;
  beforeAll(async () => {
    network = await makeNetwork(guest());
    guest().start(
      "ip",
      ["netns", "exec", "one", "busybox", "nc", "-ll", "-p", `${echoPort}`, "-e", "cat"],
      () => undefined,
    );
  }, 60_000);

  const send = (request: Pick<SendRequest, "to" | "port" | "protocol" | "count">) =>
    network?.client.ask({
      operation: "send",
      request: { ...request, source: undefined, sourcePort: undefined, parallel: 1, timeoutMs: 3000 },
    });

  describe.each([
    ["IPv4", 0],
    ["IPv6", 1],
  ] as const)("a virtual server, %s", (_, family) => {
    test.each([
      ["TCP", "-t"],
      ["UDP", "-u"],
    ] as const)(
      "%s: sends connections to both real servers in turn, with the client's address",
      async (protocol, option) => {
        const [vip, one, two] = [addresses.vip[family], addresses.one[family], addresses.two[family]];
        await balance(guest(), [
          `-A ${option} ${vip}:80 -s rr`,
          ...[one, two].map((server) => `-a ${option} ${vip}:80 -r ${server}:${serverPort} -m`),
        ]);
        expect(await send({ to: vip.replaceAll(/[[\]]/g, ""), port: 80, protocol, count: 4 })).toEqual({
          answered: { one: 2, two: 2 },
          clients: [family === 0 ? "10.9.0.2" : "fd00:9::2"],
          refused: 0,
          timedOut: 0,
          failed: {},
        });
      },
    );

    test("without a real server refuses", async () => {
      const vip = addresses.vip[family];
      await balance(guest(), [`-A -t ${vip}:81 -s rr`]);
      expect(await send({ to: vip.replaceAll(/[[\]]/g, ""), port: 81, protocol: "TCP", count: 1 })).toMatchObject({
        refused: 1,
      });
    });
  });

  test("an open connection outlives edits and weight 0, which refuses new ones, but not its real server's removal", async () => {
    const [vip] = addresses.vip;
    const server = `-t ${vip}:90 -r ${addresses.one[0]}:${echoPort} -m`;
    const fresh = () => send({ to: vip, port: 90, protocol: "TCP", count: 4 });
    await balance(guest(), [`-A -t ${vip}:90 -s rr`, `-a ${server} -w 1`]);
    const open = openConnection(guest(), "client", { to: vip, port: 90 });
    expect(await open.say("first")).toBe("first");

    await balance(guest(), [`-E -t ${vip}:90 -s mh -p 100 -b mh-port`, `-e ${server} -w 5`]);
    expect(await open.say("after -E and -e")).toBe("after -E and -e");

    await balance(guest(), [`-E -t ${vip}:90 -s rr`, `-e ${server} -w 0`]);
    expect(await open.say("while draining")).toBe("while draining");
    expect(await fresh()).toMatchObject({ answered: {}, refused: 4 });
    const { stdout } = await guest().run("ip", ["netns", "exec", "node", "ipvsadm", "-Ln", "-t", `${vip}:90`]);
    expect(stdout).toMatch(/-> 10\.1\.1\.2:7 +Masq +0 +1 +/); // weight 0, 1 active connection

    await balance(guest(), [`-d -t ${vip}:90 -r ${addresses.one[0]}:${echoPort}`]);
    expect(await open.say("after -d")).toBe("no answer");
    await balance(guest(), [`-a ${server} -w 1`]);
    expect(await open.say("after -a")).toBe("after -d"); // it was sent again
    open.end();
  }, 30_000);
}
