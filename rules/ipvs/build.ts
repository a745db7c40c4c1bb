// From the service model to all that this mode wants of one family. In: Model, IpvsNode, the build before. Out: IpvsBuild.
import type { HeldAddress } from "../addresses/addresses.ts";
import { emptySet, type KeptSet } from "../ipset/set-table.ts";
import type { Chain, Ruleset } from "../iptables/ruleset/chain.ts";
import { dispatchShape, type DispatchTree } from "../iptables/ruleset/dispatch.ts";
import type { Rule } from "../iptables/ruleset/rule.ts";
import { replaceTree } from "../iptables/ruleset/tree.ts";
import type { Model, ServiceModel } from "../model/model.ts";
import { frontendKey, type Frontend } from "../model/service-port.ts";
import { ipDigits } from "../net/ip.ts";
import { claim, noClaims, type Claim, type Claims } from "../radix/claims.ts";
import { changes, edit, emptyRadix, get, radixOf, type Edit, type RadixChange } from "../radix/radix.ts";
import { buildServer } from "./build-server.ts";
import { filterTable, mangleTable, natTable, type FixedTable } from "./chains.ts";
import { detourChains, detourRule } from "./detour.ts";
import { loopEntries, nodePortEntries, seatEntries, type SetEntry } from "./entries.ts";
import type { IpvsNode } from "./node.ts";
import { seatClaims, type Seat } from "./seats.ts";
import { setKeys, setName, setType, type SetKey } from "./set-names.ts";
import { emptyState, type IpvsState } from "./state.ts";
import { isSameServer, type VirtualServer } from "./virtual-server.ts";

/** What is wanted, and what is kept of its making so that the next build costs only what changed. */
export type IpvsBuild = {
  readonly model: Model;
  readonly node: IpvsNode;
  readonly state: IpvsState;
  readonly seats: Claims<Seat>;
  /** By `ipDigits`; claimed by frontends. */
  readonly addresses: Claims<HeldAddress>;
  /** Entries of the hairpin set, claimed by Service ports. */
  readonly loops: Claims<string>;
  readonly detours: Detours;
};

/** The dispatch trees of what is not left to virtual servers alone. */
type Detours = { readonly services: DispatchTree; readonly nodePorts: DispatchTree };

/**
 * All that `model` wants in this mode. With `before`, a build of the same View and IpvsNode objects, only what its Services' changes touch
 * is made anew; the result is the same as without.
 */
export function buildIpvs(model: Model, node: IpvsNode, before?: IpvsBuild): IpvsBuild {
  const from = before?.model.view === model.view && before.node === node ? before : emptyBuild(model, node);
  const services = changes(from.model.services, model.services);
  const vips = changes(from.model.vips.winners, model.vips.winners);
  const nodePorts = changes(from.model.nodePorts.winners, model.nodePorts.winners);
  const seats = claim(
    from.seats,
    [...vips, ...nodePorts].flatMap((change) => seatClaims(change, { node, cluster: model.cluster })),
  );
  const addresses = claim(
    from.addresses,
    vips.flatMap((change) => addressClaims(change, node)),
  );
  const loops = claim(
    from.loops,
    services.flatMap((change) => loopClaims(change, model)),
  );
  const detours = {
    services: edit(from.detours.services, vips.map(detourEdit)),
    nodePorts: edit(from.detours.nodePorts, nodePorts.map(detourEdit)),
  };
  const seatTurns = changes(from.seats.winners, seats.winners);
  const sets = setEdits([
    ...seatTurns.map((turn) => entryTurn(turn, (seat) => [seatEntries(seat), seat.frontend.service])),
    ...nodePorts.map((turn) => entryTurn(turn, (frontend) => [nodePortEntries(frontend), frontend.service])),
    ...changes(from.model.healthPorts.winners, model.healthPorts.winners).map((turn) =>
      entryTurn(turn, ({ port, service }) => [[["HEALTH-CHECK-NODE-PORT", String(port)]], service]),
    ),
    ...changes(from.addresses.winners, addresses.winners).map((turn) =>
      entryTurn(turn, ({ ip, service }) => [[["IPVS-IPS", ip]], service]),
    ),
    ...changes(from.loops.winners, loops.winners).map(({ key, before: was, after: is }) => ({
      old: was === undefined ? [] : [["LOOP-BACK", key] as const],
      now: is === undefined ? [] : [["LOOP-BACK", key] as const],
      service: is ?? "",
    })),
  ]);
  const { state } = from;
  const fresh = from !== before;
  return {
    model,
    node,
    seats,
    addresses,
    loops,
    detours,
    state: {
      family: state.family,
      sets: { family: state.family, sets: { ...state.sets.sets, ...editedSets(state, sets) } },
      addresses: { device: true, shared: true, held: addresses.winners },
      servers: edit(
        state.servers,
        seatTurns.map((turn) => serverEdit(turn, { node, before: state })),
      ),
      ruleset: assemble({ model, from, fresh }, services, detours),
    },
  };
}

function emptyBuild(model: Model, node: IpvsNode): IpvsBuild {
  const { family } = model.view;
  const services: Pick<Model, "services" | "vips" | "nodePorts" | "healthPorts"> = {
    services: emptyRadix(),
    vips: noClaims(),
    nodePorts: noClaims(),
    healthPorts: noClaims(),
  };
  const sets = setKeys.map((key): KeptSet => emptySet(setName(key, family), setType(key)));
  const nodeIps = setName("NODE-IPS", family);
  const byName = Object.fromEntries(sets.map((set) => [set.name, set]));
  const held = radixOf(node.nodePortIps.map((ip) => ({ key: ip, value: "" })));
  return {
    model: { ...model, ...services },
    node,
    state: {
      ...emptyState(family),
      sets: { family, sets: { ...byName, [nodeIps]: { ...emptySet(nodeIps, "hash:ip"), entries: held } } },
    },
    seats: noClaims(),
    addresses: noClaims(),
    loops: noClaims(),
    detours: { services: emptyRadix(), nodePorts: emptyRadix() },
  };
}

function addressClaims({ before, after }: RadixChange<Frontend>, { localIps }: IpvsNode): Claim<HeldAddress>[] {
  return [before, after].flatMap((frontend) => {
    const ip = frontend?.ip;
    if (frontend === undefined || ip === undefined || localIps.includes(ip)) return [];
    const made = { key: ipDigits(ip), claimant: frontendKey(frontend) };
    return [frontend === after ? { ...made, value: { ip, service: frontend.service } } : made];
  });
}

function loopClaims({ before, after }: RadixChange<ServiceModel>, { view }: Model): Claim<string>[] {
  const claims = (service: ServiceModel | undefined) =>
    (service?.ports ?? []).flatMap((port) =>
      loopEntries(port, view).map((key) => ({ key, claimant: port.name, value: port.name })),
    );
  return [...claims(before).map(({ key, claimant }) => ({ key, claimant })), ...claims(after)];
}

function detourEdit({ key, after }: RadixChange<Frontend>): Edit<Rule> {
  const rule = after === undefined ? undefined : detourRule(after);
  return rule === undefined ? { key } : { key, value: rule };
}

/** Entries that go and come, and for which Service port. */
type EntryTurn = { readonly old: readonly SetEntry[]; readonly now: readonly SetEntry[]; readonly service: string };

function entryTurn<T>(
  { before, after }: RadixChange<T>,
  entriesOf: (value: T) => readonly [entries: readonly SetEntry[], service: string],
): EntryTurn {
  const [old] = before === undefined ? [[]] : entriesOf(before);
  const [now, service] = after === undefined ? [[], ""] : entriesOf(after);
  return { old, now, service };
}

type SetEdits = ReadonlyMap<SetKey, ReadonlyMap<string, Edit<string>>>;

/** No two turns have an entry in common, but for the old and the new of a Service that was made anew. */
function setEdits(turns: readonly EntryTurn[]): SetEdits {
  const edits = new Map<SetKey, Map<string, Edit<string>>>();
  const put = (set: SetKey, made: Edit<string>) => {
    const list = edits.get(set) ?? new Map<string, Edit<string>>();
    edits.set(set, list.set(made.key, made));
  };
  for (const { old } of turns) for (const [set, key] of old) put(set, { key });
  for (const { now, service } of turns) for (const [set, key] of now) put(set, { key, value: service });
  return edits;
}

function editedSets({ family, sets: { sets } }: IpvsState, edits: SetEdits): Record<string, KeptSet> {
  const edited: Record<string, KeptSet> = {};
  for (const [key, list] of edits) {
    const name = setName(key, family);
    const before = sets[name] ?? emptySet(name, setType(key));
    const entries = edit(before.entries, [...list.values()]);
    if (entries !== before.entries) edited[name] = { ...before, entries };
  }
  return edited;
}

type Serving = { readonly node: IpvsNode; readonly before: IpvsState };

function serverEdit({ key, after }: RadixChange<Seat>, { node, before }: Serving): Edit<VirtualServer> {
  const made = after === undefined ? undefined : buildServer(after, node.scheduler);
  if (made === undefined) return { key };
  const known = get(before.servers, key);
  return {
    key,
    value: known !== undefined && isSameServer(known, made) && known.service === made.service ? known : made,
  };
}

type Assembly = { readonly model: Model; readonly from: IpvsBuild; readonly fresh: boolean };

function assemble(
  { model: { view }, from, fresh }: Assembly,
  services: readonly RadixChange<ServiceModel>[],
  detours: Detours,
): Ruleset {
  const { family, tables } = from.state.ruleset;
  const shapes = { services: dispatchShape("KUBE-SVC-", family), nodePorts: dispatchShape("KUBE-EXT-", "none") };
  let chains = edit(
    tables.nat.chains,
    services.flatMap(({ before, after }) => {
      const built = (service: ServiceModel | undefined) =>
        service?.ports.flatMap((port) => detourChains(port, view)) ?? [];
      return chainEdits(built(before), built(after));
    }),
  );
  for (const tree of ["services", "nodePorts"] as const)
    chains = replaceTree(chains, { before: from.detours[tree], after: detours[tree] }, shapes[tree]);
  const roots = {
    services: shapes.services.rules(detours.services, ""),
    nodePorts: shapes.nodePorts.rules(detours.nodePorts, ""),
  };
  const isRoot = from.detours.services !== detours.services || from.detours.nodePorts !== detours.nodePorts;
  const nat = natTable(view, roots);
  if (fresh || isRoot) chains = edit(chains, chainEdits([], nat.chains));
  return {
    family,
    tables: {
      nat: { jumps: fresh ? nat.jumps : tables.nat.jumps, chains },
      filter: fresh ? fixed(filterTable(view)) : tables.filter,
      mangle: fresh ? fixed(mangleTable(view)) : tables.mangle,
    },
  };
}

function fixed({ jumps, chains }: FixedTable): Ruleset["tables"]["filter"] {
  return { jumps, chains: radixOf(chains.map((chain) => ({ key: chain.name, value: chain }))) };
}

function chainEdits(before: readonly Chain[], after: readonly Chain[]): Edit<Chain>[] {
  const kept = new Set(after.map(({ name }) => name));
  return [
    ...before.flatMap(({ name }) => (kept.has(name) ? [] : [{ key: name }])),
    ...after.map((chain) => ({ key: chain.name, value: chain })),
  ];
}
