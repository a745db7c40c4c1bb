// The tracer finds what a walker finds that reads the text by itself. In: random clusters and nodes. Out: for each packet, the same destinations with the same exact chances.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { buildModel, servicePorts } from "../../../rules/model/model.ts";
import { buildRuleset } from "../../../rules/iptables/ruleset/build.ts";
import { renderRuleset } from "../../../rules/iptables/text/render-ruleset.ts";
import type { Family, Ip } from "../../../rules/net/ip.ts";
import { plus, type Fraction } from "../../../rules/trace/fraction.ts";
import { buildTracer, type Branch } from "../../../rules/trace/trace.ts";
import { clusters, views } from "../../make/arbitrary.ts";
import { anIp } from "../../make/objects.ts";
import { byTarget, readDump, walk } from "../../make/walk.ts";
import { aNode, chanceText, firewallOf } from "./a-trace.ts";

type Client = { readonly ip: string; readonly inInterface: string; readonly origin: "network" | "node" };

const clients: Readonly<Record<Family, readonly Client[]>> = {
  4: [
    { ip: "10.1.200.200", inInterface: "cni0", origin: "network" },
    { ip: "10.200.1.1", inInterface: "veth1", origin: "network" },
    { ip: "198.51.100.77", inInterface: "eth0", origin: "network" },
    { ip: "192.168.0.2", inInterface: "", origin: "node" },
  ],
  6: [
    { ip: "fd00:1::200", inInterface: "cni0", origin: "network" },
    { ip: "2001:db8:5::77", inInterface: "veth1", origin: "network" },
    { ip: "fd00:192::2", inInterface: "", origin: "node" },
  ],
};

const localIps = ["192.168.0.2", "fd00:192::2"].map(anIp);

test("nat PREROUTING and OUTPUT of our own rules: where packets go, and how often", () => {
  let translated = 0;
  fc.assert(
    fc.property(clusters(30), views(), fc.nat(), fc.boolean(), (cluster, view, seed, remembered) => {
      const { family } = view;
      const model = buildModel(cluster, view);
      const text = natOf(renderRuleset(buildRuleset(model).ruleset));
      const tracer = buildTracer(firewallOf(text, family), aNode({ localIps, routeLocalnet: true }));
      const dump = readDump(text);
      const lists = [...text.matchAll(/--rcheck .*?--name (\S+)/g)].map(([, name = ""]) => name);
      // Every other list holds the client, or none does.
      const recent = new Set(remembered ? lists.filter((_, index) => (index + seed) % 2 === 0) : []);
      const frontends = servicePorts(model).flatMap((port) => port.frontends);
      const nodeIp = family === 4 ? "192.168.0.2" : "fd00:192::2";
      const other = family === 4 ? "10.96.255.254" : "fd00:96::fffe";
      for (const [index, { ip, port, protocol }] of frontends.entries()) {
        const client = clients[family][(index + seed) % clients[family].length];
        if (client === undefined) continue;
        const name = protocol.toLowerCase() as "tcp" | "udp" | "sctp";
        const ports = index % 5 === 0 ? [port, port + 1] : [port];
        for (const [to, at] of [...ports.map((each) => [ip ?? nodeIp, each] as const), [other, port] as const]) {
          const found = tracer.trace({
            source: anIp(client.ip),
            destination: anIp(to),
            protocol: name,
            destinationPort: at,
            origin: client.origin,
            inInterface: client.inInterface,
            recent,
          });
          const ends = walk(
            dump,
            { table: "nat", chain: client.origin === "node" ? "OUTPUT" : "PREROUTING" },
            { from: client.ip, to, protocol: name, port: at, inInterface: client.inInterface, localIps, recent },
          );
          const wanted = [...byTarget(ends)]
            .filter(([, { share }]) => share > 0n)
            .map(([target, { share, bits }]): [string, Fraction] => [
              target.startsWith("DNAT ") ? target.slice("DNAT --to-destination ".length) : "untouched",
              { share, of: 1n << BigInt(bits) },
            ]);
          translated += wanted.filter(([target]) => target !== "untouched").length;
          expect([client.ip, to, at, sorted([...chances(found)])]).toEqual([client.ip, to, at, sorted(merged(wanted))]);
        }
      }
    }),
    { numRuns: 60 },
  );
  expect(translated).toBeGreaterThan(500);
});

function natOf(text: string): string {
  const start = text.indexOf("*nat");
  if (start < 0) return "*nat\nCOMMIT\n";
  return text.slice(start, text.indexOf("COMMIT", start)) + "COMMIT\n";
}

function chances(branches: readonly Branch[]): Map<string, Fraction> {
  return new Map(
    merged(
      branches.map(({ chance, conditions, end }): [string, Fraction] => {
        expect(conditions).toEqual([]);
        if (end.kind !== "delivered") throw new Error(`bug: the nat table ended a packet: ${end.kind}`);
        return [end.translated ? hostPortOf(end.to, end.port) : "untouched", chance];
      }),
    ),
  );
}

function hostPortOf(ip: Ip, port: number | undefined): string {
  return ip.includes(":") ? `[${ip}]:${port ?? 0}` : `${ip}:${port ?? 0}`;
}

function merged(list: readonly (readonly [string, Fraction])[]): [string, Fraction][] {
  const sums = new Map<string, Fraction>();
  for (const [target, chance] of list) {
    const known = sums.get(target);
    sums.set(target, known === undefined ? chance : plus(known, chance));
  }
  return [...sums];
}

function sorted(list: readonly (readonly [string, Fraction])[]): string[] {
  return list.map(([target, chance]) => `${target} ${chanceText(chance)}`).sort();
}
