// Makes four namespaces in the guest. In: a guest. Out: a client and two servers around a node with virtual addresses.
import type { Worker } from "../lab/worker.ts";
import type { Guest } from "./guest.ts";
import { startGuestWorker } from "./worker.ts";

/** Namespaces `client`, `node`, `one`, `two`; the node forwards between all of them. Servers answer with their namespace's name. */
export type Network = { readonly client: Worker; readonly one: Worker; readonly two: Worker };

/** Addresses of the servers, and of the node's dummy device `vips`; first IPv4, then IPv6, as they stand in ipvsadm's arguments. */
export const addresses = {
  vip: ["10.96.0.1", "[fd00:96::1]"],
  one: ["10.1.1.2", "[fd00:1::2]"],
  two: ["10.1.2.2", "[fd00:2::2]"],
} as const;

/** The port on which the servers listen, with both protocols. */
export const serverPort = 8080;

const links = [
  { name: "client", ipv4: "10.9.0", ipv6: "fd00:9:" },
  { name: "one", ipv4: "10.1.1", ipv6: "fd00:1:" },
  { name: "two", ipv4: "10.1.2", ipv6: "fd00:2:" },
];

/** Makes them, in 5 s or so; they end with the guest. */
export async function makeNetwork(guest: Guest): Promise<Network> {
  await batch(
    guest,
    [],
    [
      ...["node", ...links.map(({ name }) => name)].map((name) => `netns add ${name}`),
      ...links.map(({ name }) => `link add eth0 netns ${name} type veth peer name ${name} netns node`),
    ],
  );
  await batch(
    guest,
    ["-n", "node"],
    [
      "link add vips type dummy",
      ...addresses.vip.map((vip) => `addr add ${vip.replaceAll(/[[\]]/g, "")} dev vips`),
      ...links.flatMap(({ name, ipv4, ipv6 }) => [...numbered(name, [ipv4, ipv6], 1), `link set ${name} up`]),
    ],
  );
  for (const { name, ipv4, ipv6 } of links)
    await batch(
      guest,
      ["-n", name],
      [
        ...numbered("eth0", [ipv4, ipv6], 2),
        "link set lo up",
        "link set eth0 up",
        `route add default via ${ipv4}.1`,
        `route add default via ${ipv6}:1`,
      ],
    );
  const forward = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
  await must(guest, ["ip", "netns", "exec", "node", "sysctl", "-q", "-w", ...forward]);
  const [client, one, two] = await Promise.all([
    startGuestWorker(guest, "client"),
    serve(guest, "one"),
    serve(guest, "two"),
  ]);
  return { client, one, two };
}

/** A batch of ipvsadm's on the node; rejects when it says anything. */
export async function balance(guest: Guest, lines: readonly string[]): Promise<void> {
  const input = lines.map((line) => `${line}\n`).join("");
  await must(guest, ["ip", "netns", "exec", "node", "ipvsadm", "--restore"], input);
}

async function serve(guest: Guest, name: "one" | "two"): Promise<Worker> {
  const worker = await startGuestWorker(guest, name);
  const listeners = addresses[name].flatMap((address) =>
    (["TCP", "UDP"] as const).map((protocol) => ({
      name,
      address: address.replaceAll(/[[\]]/g, ""),
      port: serverPort,
      protocol,
    })),
  );
  await worker.ask({ operation: "listen", listeners });
  return worker;
}

function numbered(device: string, [ipv4, ipv6]: readonly [string, string], host: number): string[] {
  return [`addr add ${ipv4}.${host}/24 dev ${device}`, `addr add ${ipv6}:${host}/64 dev ${device} nodad`];
}

async function batch(guest: Guest, options: readonly string[], lines: readonly string[]): Promise<void> {
  await must(guest, ["ip", ...options, "-batch", "-"], lines.map((line) => `${line}\n`).join(""));
}

async function must(guest: Guest, [file = "", ...args]: readonly string[], input = ""): Promise<void> {
  const { code, stderr } = await guest.run(file, args, { input });
  if (code !== 0 || stderr !== "")
    throw new Error(`in the guest, ${[file, ...args].join(" ")} exited with ${code}: ${stderr}`);
}
