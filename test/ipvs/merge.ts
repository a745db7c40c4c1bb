// Many rows in one cluster, so that its state is written once for all of them. In: rows. Out: MergedRows, each row at addresses of its own.
import type { Family } from "../../rules/index.ts";
import { nodeIps } from "../guest/guest-lab.ts";
import { desire, nodeObject, type Situation } from "../packets/harness.ts";
import { addressOf, apiObjects, type ApiObject, type VirtualAddress } from "../packets/objects.ts";
import type { Expectation, Row } from "../packets/rows.ts";

/** One situation for each configuration and Node that rows ask for, all with the Services of all rows; the rows that are sent in it. */
export type MergedRows = { readonly situation: Situation; readonly rows: readonly MovedRow[] };

/** A row as it is sent: destinations are addresses or hosts, and each expectation is of one family. */
export type MovedRow = { readonly title: string; readonly expect: readonly MovedExpectation[] };

export type MovedExpectation = Expectation & { readonly families: readonly [Family] };

/**
 * Row number N keeps all names and the last numbers of addresses, but is moved: to namespace `row-N`, to cluster IPs 10.96.N.x, external IPs
 * 198.18.N.x, load-balancer addresses 198.19.N.x (likewise in IPv6) and to node ports that no other row has. At most 250 rows.
 */
export function mergeRows(rows: readonly Row[]): readonly MergedRows[] {
  const moved = rows.map((row, index) => ({ row, ...moveRow(row, index + 1) }));
  const services = moved.flatMap(({ objects }) => objects);
  const groups = new Map<string, Group>();
  for (const { row, expect } of moved) {
    const nodes = (row.objects ?? []).filter(isNode);
    const head = { services: [], config: { ...row.config, mode: "ipvs" }, nodeIps };
    const objects = nodes.length > 0 ? nodes : [nodeObject];
    const { node, settings } = desire({ ...head, objects });
    const key = JSON.stringify([node, settings]);
    const group: Group = groups.get(key) ?? { situation: { ...head, objects: [...objects, ...services] }, rows: [] };
    groups.set(key, group);
    group.rows.push({ title: row.title, expect });
  }
  return [...groups.values()];
}

type Group = { readonly situation: Situation; readonly rows: MovedRow[] };

function moveRow(row: Row, number: number) {
  const objects = [...(row.objects ?? []), ...row.services.flatMap(apiObjects)].filter((object) => !isNode(object));
  return {
    objects: JSON.parse(JSON.stringify(objects), (key, value: unknown) => {
      if (key === "namespace") return `row-${number}`;
      if (key === "nodePort") return movedPort(Number(value), number);
      return typeof value === "string" ? movedAddress(value, number) : value;
    }) as readonly ApiObject[],
    expect: row.expect.flatMap((expectation) => moveExpectation(row, expectation, number)),
  };
}

function moveExpectation(row: Row, expectation: Expectation, number: number): MovedExpectation[] {
  const { port = 80, to, families = row.families ?? [4, 6], protocols = row.protocols } = expectation;
  return families.map((family) => ({
    ...expectation,
    to: isVirtual(to) ? movedAddress(addressOf(to, family), number) : to,
    port: port >= 30_000 && port < 32_768 ? movedPort(port, number) : port,
    families: [family],
    // Nothing here hangs on both at once, so UDP is sent in one family, TCP in both.
    protocols: protocols ?? (families.length === 2 && (number % 2 === 0) === (family === 4) ? ["TCP"] : ["TCP", "UDP"]),
  }));
}

function isNode({ kind }: ApiObject): boolean {
  return kind === "Node";
}

function isVirtual(to: string): to is VirtualAddress {
  return /^(cluster-ip|external-ip|vip)( \d+)?$/.test(to);
}

const networks: readonly (readonly [VirtualAddress, Family, (number: number) => string])[] = [
  ["cluster-ip 1", 4, (number) => `10.96.${number}.`],
  ["external-ip 1", 4, (number) => `198.18.${number}.`],
  ["vip 1", 4, (number) => `198.19.${number}.`],
  ["cluster-ip 1", 6, (number) => `fd00:10:96:${number}::`],
  ["external-ip 1", 6, (number) => `2001:db8:e1:${number}::`],
  ["vip 1", 6, (number) => `2001:db8:e2:${number}::`],
];

/** What is no virtual address stays as it is. */
function movedAddress(text: string, number: number): string {
  for (const [first, family, network] of networks) {
    const [from, last] = [addressOf(first, family).slice(0, -1), text.slice(addressOf(first, family).length - 1)];
    if (text.startsWith(from) && /^\d+$/.test(last)) return `${network(number)}${last}`;
  }
  return text;
}

const ports = new Map<string, number>();

/** Below those from which the lab's clients send, and from which what manifests leave out is made up. */
function movedPort(port: number, row: number): number {
  const key = `${row} ${port}`;
  const found = ports.get(key) ?? 2000 + ports.size;
  ports.set(key, found);
  return found;
}
