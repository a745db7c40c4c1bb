// Declares tests of changes under open connections. In: a bed. Out: tests that hold a connection, and let clients connect all the time.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { emptyState, type IpvsState } from "../../rules/index.ts";
import { readSteps } from "../../src/ipvs/apply-state.ts";
import { writeSteps } from "../../src/ipvs/write-steps.ts";
import { openConnection, startEchoServer, type Connection } from "../guest/connection.ts";
import type { BackgroundClient } from "../lab/lab.ts";
import { addressOf, type ServiceBrief } from "../packets/objects.ts";
import { statesOf, type Bed } from "./bed.ts";

/** Where pods echo, beside their servers on port 80. */
export const echoPort = 7;

/** The Service whose connections stay open; `echo` and `web` have the same endpoints. */
function service(...hosts: readonly string[]): ServiceBrief {
  return {
    name: "open",
    clusterIp: 201,
    protocols: ["TCP"],
    ports: [
      { name: "echo", port: echoPort },
      { name: "web", port: 80 },
    ],
    endpoints: hosts.map((host) => ({ host, port: { echo: echoPort, web: 80 } })),
  };
}

const other: ServiceBrief = { name: "other", clusterIp: 202, endpoints: ["pod-a"] };

/** IPv4 alone: ip_vs counts and weighs both families alike, and each takes its time. */
function served(...services: readonly ServiceBrief[]): IpvsState[] {
  return statesOf({ services: [...services, other] }).filter(({ family }) => family === 4);
}

const pods = ["pod-a", "pod-b"] as const;

/** Starts what the tests here and in `switch.ts` connect to. */
export async function startEcho({ guest, lab }: Bed): Promise<void> {
  for (const name of pods) startEchoServer(guest, `lab-${name}`, { name, port: echoPort });
  for (const name of pods)
    await untilTrue(
      async () =>
        (await lab.send({ from: "node", to: lab.address(name, 4), port: echoPort, timeoutMs: 300 })).refused === 0,
    );
}

/** A connection from outside to a cluster IP, and the pod that it reached. */
export async function connect({ guest }: Bed, clusterIp: number): Promise<{ connection: Connection; pod: string }> {
  const connection = openConnection(guest, "lab-outside", {
    to: addressOf(`cluster-ip ${clusterIp}`, 4),
    port: echoPort,
  });
  const [pod = ""] = (await connection.say("hello")).split(":");
  return { connection, pod };
}

/**
 * Declares them. What they leave draining is over ten seconds later: the function that is given back declares the test of that, to come
 * after some others.
 */
export function declareDraining(bed: () => Bed): () => void {
  let rest: (typeof pods)[number] = "pod-a";
  const web = async () => {
    const { answered, refused, timedOut } = await bed().lab.send({
      from: "outside",
      to: addressOf("cluster-ip 201", 4),
      port: 80,
      count: 4,
    });
    return { answered: Object.keys(answered), refused, timedOut };
  };
  const realServers = async () =>
    (await bed().lab.shell.run("ipvsadm", ["-Sn"])).stdout
      .split("\n")
      .filter((line) => line.startsWith("-a") && line.includes(`:${echoPort} -m`) && line.includes("10.96.0.201"));

  describe("an endpoint that goes while a connection to it is open", () => {
    let open: { connection: Connection; pod: string };
    beforeAll(async () => {
      await startEcho(bed());
      await bed().apply(served(service(...pods)), "idle");
      open = await connect(bed(), 201);
      rest = open.pod === "pod-a" ? "pod-b" : "pod-a";
    }, 60_000);

    test("keeps it, and gets no new ones; another process knows from the weight that it drains", async () => {
      const [applied] = await bed().apply(served(service(rest)), "idle");
      expect(applied?.draining).toBe(1);
      expect(await open.connection.say("on")).toBe(`${open.pod}: on`);
      expect(await web()).toEqual({ answered: [rest], refused: 0, timedOut: 0 });
      const again = await bed().apply(served(service(rest)), "idle");
      expect(again.map(({ steps, draining }) => [steps, draining])).toEqual([[[], 1]]);
      expect((await realServers()).map((line) => line.split(" -w ")[1]).sort()).toEqual(["0", "1"]);
    });

    test("has its weight back at once when it comes back", async () => {
      await bed().apply(served(service(...pods)), "idle");
      expect((await realServers()).map((line) => line.split(" -w ")[1])).toEqual(["1", "1"]);
      expect(await open.connection.say("back")).toBe(`${open.pod}: back`);
    });

    test("keeps it when the whole Service goes, which refuses new ones", async () => {
      const [applied] = await bed().apply(served(), "idle");
      expect(applied?.draining).toBeGreaterThan(0);
      expect(await open.connection.say("alone")).toBe(`${open.pod}: alone`);
      expect(await web()).toEqual({ answered: [], refused: 4, timedOut: 0 });
      await bed().apply(served(service(rest)), "idle");
      expect(await open.connection.say("again")).toBe(`${open.pod}: again`);
    });

    // Last: the ten seconds after which ip_vs forgets a connection that was reset pass while the tests after this one run.
    test("is let go of by its client", async () => {
      expect(await open.connection.say("end")).toBe(`${open.pod}: end`);
      open.connection.end();
    });
  });

  describe("a process that is killed between two batches", () => {
    const steady: ServiceBrief = { name: "steady", clusterIp: 210, endpoints: [...pods] };
    const external = (number: number): Pick<ServiceBrief, "vips" | "externalIps" | "nodePort"> => ({
      vips: [number],
      externalIps: [number],
      nodePort: 30000 + number,
    });
    const a: readonly ServiceBrief[] = [
      steady,
      { name: "moving", clusterIp: 211, endpoints: ["pod-a"] },
      {
        name: "going",
        clusterIp: 212,
        ...external(11),
        endpoints: ["pod-a"],
        spec: { externalTrafficPolicy: "Local" },
      },
    ];
    const b: readonly ServiceBrief[] = [
      steady,
      { name: "moving", clusterIp: 211, endpoints: ["pod-b", "remote-a"] },
      {
        name: "coming",
        clusterIp: 213,
        ...external(12),
        endpoints: ["remote-a"],
        spec: { loadBalancerSourceRanges: ["203.0.113.0/24"], externalTrafficPolicy: "Local" },
      },
      { name: "dead", clusterIp: 214, ...external(13) },
    ];
    const clients: BackgroundClient[] = [];
    afterAll(async () => {
      await Promise.all(clients.map((client) => client.stop()));
    });

    test("leaves nothing that the next one does not put right, and clients of what stays see nothing", async () => {
      const [from = emptyState(4), to = emptyState(4)] = [a, b].map(
        (services) => served(service(rest), ...services)[0],
      );
      await bed().apply([from], "idle");
      for (const clusterIp of [210, 211])
        clients.push(
          await bed().lab.backgroundClient({
            from: "outside",
            to: addressOf(`cluster-ip ${clusterIp}`, 4),
            port: 80,
            parallel: 1,
            intervalMs: 400,
            timeoutMs: 5000,
          }),
        );
      // There and back again, each time one batch further before it is killed.
      for (let [done, wanted, then] = [1, to, from]; ; [done, wanted, then] = [done + 1, then, wanted]) {
        const { steps } = await readSteps(bed().kernel, wanted, { drained: "idle", excludeCidrs: [] });
        expect(steps.length).toBeGreaterThan(3);
        if (done >= steps.length) break;
        expect(await writeSteps(bed().kernel, 4, steps.slice(0, done))).toMatchObject({ ok: true });
        await bed().apply([wanted], "idle");
      }
      for (const { answered, ...rest } of await Promise.all(clients.splice(0).map((client) => client.stop()))) {
        expect(Object.keys(answered).length).toBeGreaterThan(0);
        expect(rest).toMatchObject({ refused: 0, timedOut: 0, failed: {} });
      }
    }, 90_000);
  });

  return () => {
    test("an endpoint that drained is deleted once its connections are over", async () => {
      await untilTrue(async () => {
        await bed().apply(served(service(rest)), "idle");
        return (await realServers()).length === 1;
      });
    }, 60_000);
  };
}

/** Asks until it is so; the test's own time limit ends it. */
async function untilTrue(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask())) await new Promise((resolve) => setTimeout(resolve, 200));
}
