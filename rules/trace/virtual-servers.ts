// What ip_vs balances, whoever set it up. In: lines of `ipvsadm -Sn`, numbered. Out: ServerTable of each family, and which server takes a packet; problems by line.
import { familyOf, parseIp, type Family, type Ip } from "../net/ip.ts";
import { quoted } from "../problem.ts";

/** A virtual server. `line` counts in the text that it was read from, and `text` is that line, its words one space apart. */
export type TracedServer = {
  readonly line: number;
  readonly text: string;
  /** 0: any port, or a virtual server by firewall mark. */
  readonly port: number;
  /** A name that the kernel has. */
  readonly scheduler: string;
  /** The scheduler's flags as `-b` names them, e.g. `sh-fallback`. */
  readonly flags: readonly string[];
  /** Seconds for which a client stays with its real server; undefined: it does not. */
  readonly persistentSeconds: number | undefined;
  readonly servers: readonly TracedReal[];
};

/** Who answers for it. Port 0: the port stays as it is. */
export type TracedReal = {
  readonly line: number;
  readonly text: string;
  readonly ip: Ip;
  readonly port: number;
  readonly method: "masquerading" | "routing" | "tunnelling";
  /** Of weight 0 it gets no new connections. */
  readonly weight: number;
};

/** Virtual servers of one family: by `placeKey`, and by firewall mark. */
export type ServerTable = {
  readonly byPlace: ReadonlyMap<string, TracedServer>;
  readonly byMark: ReadonlyMap<number, TracedServer>;
};

export const noServers: ServerTable = { byPlace: new Map(), byMark: new Map() };

/** Where packets are sent. `protocol` as iptables names it: `tcp`, `udp`, `sctp`. */
export type ServerPlace = { readonly ip: Ip; readonly protocol: string; readonly port: number };

export function placeKey({ ip, protocol, port }: ServerPlace): string {
  return `${ip} ${protocol} ${port}`;
}

/** The opposite of `placeKey`. */
export function placeOfKey(key: string): ServerPlace {
  const [ip = "", protocol = "", port] = key.split(" ");
  return { ip: ip as Ip, protocol, port: Number(port) };
}

/**
 * The virtual server that takes a packet: by its whole mark, by its place, and then, of those with persistence, one for FTP at its
 * address (whose data connections may have other ports) or one for any port. Source: Linux ip_vs_ctl.c, ip_vs_service_find;
 * ip_vs_core.c, ip_vs_schedule, which leaves the last two alone without persistence.
 */
export function findServer(
  { byPlace, byMark }: ServerTable,
  place: ServerPlace,
  mark: number,
): TracedServer | undefined {
  const marked = mark === 0 ? undefined : byMark.get(mark);
  const found = marked ?? byPlace.get(placeKey(place));
  if (found !== undefined) return found;
  const mayBeFtpData = place.protocol === "tcp" && (place.port === 20 || place.port >= 1024);
  const wide = [...(mayBeFtpData ? [21] : []), 0].map((port) => byPlace.get(placeKey({ ...place, port })));
  return wide.find((server) => server?.persistentSeconds !== undefined);
}

export type ServerLine = { readonly number: number; readonly text: string };

export type ServerLineProblem = { readonly code: string; readonly line: number; readonly text: string };

/** Reads `-A` and `-a` lines of both families. Source: ipvsadm(8), -S; ipvsadm.c print_service_entry of 1.31. */
export function readServers(lines: Iterable<ServerLine>): {
  readonly tables: Readonly<Record<Family, ServerTable>>;
  readonly problems: readonly ServerLineProblem[];
} {
  const drafts: Record<Family, Drafts> = { 4: new Map(), 6: new Map() };
  const problems: ServerLineProblem[] = [];
  for (const { number, text } of lines) {
    const words = text.trim().split(/[ \t]+/);
    const code = readLine(drafts, words, number);
    if (code !== undefined)
      problems.push({ code, line: number, text: `${quoted(text)} is nothing that ipvsadm -Sn prints` });
  }
  return { tables: { 4: finish(drafts[4]), 6: finish(drafts[6]) }, problems };
}

type Draft = Omit<TracedServer, "servers"> & { readonly servers: Map<string, TracedReal> };

/** By `placeKey`, or the mark as it is. */
type Drafts = Map<string | number, Draft>;

/** What the words after `-A` or `-a` name, and the words that follow. */
type Named = {
  readonly family: Family;
  readonly key: string | number;
  readonly port: number;
  readonly rest: readonly string[];
};

function readLine(
  drafts: Readonly<Record<Family, Drafts>>,
  words: readonly string[],
  line: number,
): string | undefined {
  const [verb, ...others] = words;
  const named = verb === "-A" || verb === "-a" ? readNamed(others) : undefined;
  if (named === undefined) return "not-a-virtual-server";
  const ofFamily = drafts[named.family];
  const known = ofFamily.get(named.key);
  const text = words.join(" ");
  if (verb === "-A") {
    if (known !== undefined) return "duplicate-virtual-server";
    ofFamily.set(named.key, { line, text, port: named.port, ...readOptions(named.rest), servers: new Map() });
    return undefined;
  }
  if (known === undefined) return "no-such-virtual-server";
  const real = readReal(named.rest);
  if (real === undefined) return "not-a-real-server";
  known.servers.set(`${real.ip} ${real.port}`, { line, text, ...real });
  return undefined;
}

function readNamed([option = "", at = "", ...rest]: readonly string[]): Named | undefined {
  if (option === "-f") {
    const isSix = rest[0] === "-6";
    const mark = /^\d{1,10}$/.test(at) ? Number(at) : NaN;
    if (!(mark > 0 && mark <= 0xffffffff)) return undefined;
    return { family: isSix ? 6 : 4, key: mark, port: 0, rest: isSix ? rest.slice(1) : rest };
  }
  const protocol = protocols.get(option);
  const place = readPlace(at);
  if (protocol === undefined || place === undefined) return undefined;
  return { family: familyOf(place.ip), key: placeKey({ ...place, protocol }), port: place.port, rest };
}

const protocols: ReadonlyMap<string, string> = new Map([
  ["-t", "tcp"],
  ["--tcp-service", "tcp"],
  ["-u", "udp"],
  ["--udp-service", "udp"],
  ["--sctp-service", "sctp"],
]);

function readPlace(text: string): { readonly ip: Ip; readonly port: number } | undefined {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  const ip = parseIp(found?.[1] ?? found?.[2] ?? "");
  const port = Number(found?.[3]);
  return ip === undefined || port > 65535 ? undefined : { ip, port };
}

/** Without `-s` ipvsadm takes wlc, and `-p` alone means 360 s. Other options change no packet's fate. */
function readOptions(words: readonly string[]): Pick<TracedServer, "scheduler" | "flags" | "persistentSeconds"> {
  const valueOf = (option: string) => {
    const at = words.indexOf(option);
    return at < 0 ? undefined : (words[at + 1] ?? "");
  };
  const seconds = valueOf("-p");
  return {
    scheduler: valueOf("-s") ?? "wlc",
    flags: valueOf("-b")?.split(",") ?? [],
    persistentSeconds: seconds === undefined ? undefined : /^\d{1,9}$/.test(seconds) ? Number(seconds) : 360,
  };
}

function readReal(words: readonly string[]): Omit<TracedReal, "line" | "text"> | undefined {
  const place = words[0] === "-r" ? readPlace(words[1] ?? "") : undefined;
  const method = methods.get(words[2] ?? "");
  const weight = words[words.indexOf("-w", 3) + 1];
  if (place === undefined || method === undefined || !/^\d{1,10}$/.test(weight ?? "")) return undefined;
  return { ...place, method, weight: Number(weight) };
}

const methods: ReadonlyMap<string, TracedReal["method"]> = new Map([
  ["-m", "masquerading"],
  ["-g", "routing"],
  ["-i", "tunnelling"],
]);

function finish(drafts: Drafts): ServerTable {
  const byPlace = new Map<string, TracedServer>();
  const byMark = new Map<number, TracedServer>();
  for (const [key, draft] of drafts) {
    const server = { ...draft, servers: [...draft.servers.values()] };
    if (typeof key === "number") byMark.set(key, server);
    else byPlace.set(key, server);
  }
  return { byPlace, byMark };
}
