// ipset, ip and ipvsadm in memory. In: what is there from the start. Out: a fake that takes their batches and refuses what they refuse.
import type { Family } from "../../rules/net/ip.ts";

/** What a tool did with a batch. ipset and ip stop at the first line that fails; ipvsadm goes on, and its exit code is the last line's. */
export type BatchResult = {
  readonly code: number;
  readonly refused: readonly { readonly line: number; readonly why: string }[];
};

export type FakeIpvs = {
  readonly ipset: (input: string) => BatchResult;
  readonly ip: (input: string) => BatchResult;
  readonly ipvsadm: (input: string) => BatchResult;
  /** `ipset save`, `ip -j addr`, `ipvsadm -Sn`. */
  readonly sets: () => string;
  readonly addresses: () => string;
  readonly servers: () => string;
};

export type FakeIpvsOptions = {
  /** The rules in force: a set that they name cannot be destroyed. */
  readonly rules?: () => string;
  /** Lines for ipvsadm, of others. */
  readonly servers?: string;
  /** Lines for ipset, of others. */
  readonly sets?: string;
  /** Schedulers that the kernel has; all where nothing is said. */
  readonly schedulers?: readonly string[];
};

type FakeSet = { type: string; family: string | undefined; most: number; entries: Set<string> };
type FakeServer = { head: string; reals: Map<string, string> };

/** Source: ipset(8), ip-address(8), ipvsadm(8); refusals as seen from ipset 7.17 and ipvsadm 1.31. */
export function createFakeIpvs(options: FakeIpvsOptions = {}): FakeIpvs {
  const sets = new Map<string, FakeSet>();
  const held = new Set<string>();
  const device = { there: false };
  const servers = new Map<string, FakeServer>();
  const fake: FakeIpvs = {
    ipset: (input) => runLines(input, true, (line) => setLine(line, sets, options)),
    ip: (input) => runLines(input, true, (line) => addressLine(line, held, device)),
    ipvsadm: (input) => {
      const { refused } = runLines(input, false, (line) => serverLine(line, servers, options));
      const last = input.trimEnd().split("\n").length;
      return { refused, code: refused.at(-1)?.line === last ? 255 : 0 };
    },
    sets: () => [...sets].map(printSet).join(""),
    addresses: () => printAddresses(held, device.there),
    servers: () =>
      [...servers]
        .map(([key, { head, reals }]) =>
          [`-A ${key} ${head}`, ...[...reals].map(([real, rest]) => `-a ${key} -r ${real} ${rest}`), ""].join("\n"),
        )
        .join(""),
  };
  for (const result of [fake.ipset(options.sets ?? ""), fake.ipvsadm(options.servers ?? "")])
    if (result.refused.length > 0) throw new Error(`bug: the fake refuses what it is given: ${JSON.stringify(result)}`);
  return fake;
}

function runLines(input: string, stops: boolean, run: (line: string) => string | undefined): BatchResult {
  const refused: { line: number; why: string }[] = [];
  for (const [at, line] of input.split("\n").entries()) {
    const why = line === "" ? undefined : run(line);
    if (why === undefined) continue;
    refused.push({ line: at + 1, why });
    if (stops) break;
  }
  return { code: refused.length === 0 ? 0 : 1, refused };
}

function setLine(line: string, sets: Map<string, FakeSet>, { rules }: FakeIpvsOptions): string | undefined {
  const words = line.split(" ");
  const lenient = words.at(-1) === "-exist";
  const [verb, name = "", subject = ""] = words;
  const set = sets.get(name);
  if (verb === "create") {
    if (!/^[\x21-\x7e]{1,31}$/.test(name)) return "Syntax error: setname is longer than 31 characters";
    const value = (option: string) => (words.includes(option) ? words[words.indexOf(option) + 1] : undefined);
    const made = {
      type: subject,
      family: value("family"),
      most: Number(value("maxelem") ?? 65536),
      entries: new Set<string>(),
    };
    const same = set?.type === made.type && set.family === made.family && set.most === made.most;
    if (set !== undefined) return same && lenient ? undefined : "set with the same name already exists";
    sets.set(name, made);
    return undefined;
  }
  if (set === undefined) return "The set with the given name does not exist";
  switch (verb) {
    case "flush":
      set.entries.clear();
      return undefined;
    case "add":
      if (!isEntry(subject, set)) return "Syntax error: not an entry of the set";
      if (set.entries.has(subject)) return lenient ? undefined : "it's already added";
      if (set.type !== "bitmap:port" && set.entries.size >= set.most) return "Hash is full, cannot add more elements";
      set.entries.add(subject);
      return undefined;
    case "del":
      return set.entries.delete(subject) || lenient ? undefined : "it's not added";
    case "swap": {
      const other = sets.get(subject);
      if (other === undefined) return "The set with the given name does not exist";
      if (other.type !== set.type || other.family !== set.family) return "their type does not match";
      sets.set(name, other).set(subject, set);
      return undefined;
    }
    case "destroy":
      if (` ${(rules?.() ?? "").replaceAll("\n", " ")} `.includes(` --match-set ${name} `))
        return "Set cannot be destroyed: it is in use by a kernel component";
      sets.delete(name);
      return undefined;
    default:
      return "Unknown command";
  }
}

function isEntry(entry: string, { type, family }: FakeSet): boolean {
  if (type === "bitmap:port") return /^\d{1,5}$/.test(entry) && Number(entry) < 65536;
  const parts = entry.split(",");
  const ofFamily = (text = "") => text.includes(":") === (family === "inet6");
  if (parts.length !== type.split(",").length || !ofFamily(parts[0])) return false;
  if (parts[1] !== undefined && !/^(tcp|udp|sctp):\d{1,5}$/.test(parts[1])) return false;
  // hash:ip,port,net takes no block that is everything.
  return parts[2] === undefined || (ofFamily(parts[2]) && !parts[2].endsWith("/0"));
}

function printSet([name, { type, family, most, entries }]: [string, FakeSet]): string {
  const head =
    type === "bitmap:port"
      ? "range 0-65535"
      : `family ${family ?? ""} hashsize 1024 maxelem ${most} bucketsize 12 initval 0x7f727a26`;
  return [`create ${name} ${type} ${head}`, ...[...entries].map((entry) => `add ${name} ${entry}`), ""].join("\n");
}

function addressLine(line: string, held: Set<string>, device: { there: boolean }): string | undefined {
  if (line === "link add kube-ipvs0 type dummy") {
    if (device.there) return "RTNETLINK answers: File exists";
    device.there = true;
    return undefined;
  }
  if (!device.there) return 'Cannot find device "kube-ipvs0"';
  if (line === "link delete kube-ipvs0") {
    device.there = false;
    held.clear();
    return undefined;
  }
  const [, verb, block = ""] =
    /^address (replace|del) (\S+\/(?:32|128)) dev kube-ipvs0(?: preferred_lft 0)?$/.exec(line) ?? [];
  const ip = block.slice(0, block.lastIndexOf("/"));
  if (verb === "replace") {
    held.add(ip);
    return undefined;
  }
  if (verb !== "del") return `Command "${line}" is unknown`;
  return held.delete(ip) ? undefined : "RTNETLINK answers: Cannot assign requested address";
}

function printAddresses(held: ReadonlySet<string>, there: boolean): string {
  const info = [...held].map((local) => ({
    family: local.includes(":") ? "inet6" : "inet",
    local,
    prefixlen: local.includes(":") ? 128 : 32,
    scope: "global",
  }));
  const others = [
    {
      ifindex: 1,
      ifname: "lo",
      addr_info: [
        { family: "inet", local: "127.0.0.1", prefixlen: 8 },
        { family: "inet6", local: "::1", prefixlen: 128 },
      ],
    },
    { ifindex: 2, ifname: "eth0", addr_info: [{ family: "inet", local: "192.168.0.2", prefixlen: 24 }] },
  ];
  return JSON.stringify(
    there ? [...others, { ifindex: 3, ifname: "kube-ipvs0", flags: ["BROADCAST", "NOARP"], addr_info: info }] : others,
  );
}

const everyScheduler = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "sed", "nq", "fo", "ovf"];

function serverLine(
  line: string,
  servers: Map<string, FakeServer>,
  { schedulers = everyScheduler }: FakeIpvsOptions,
): string | undefined {
  const [, verb, key = "", , rest = ""] =
    /^-([AEDaed]) ((?:-t|-u|--sctp-service) (\S+:\d+))(?: (.*))?$/.exec(line) ?? [];
  if (verb === undefined) return "unknown arguments";
  const server = servers.get(key);
  if (verb === "A" || verb === "E") {
    const head = /^-s (\S+)(?: -p (\d+)(?: -M \S+)?)?(?: -b \S+)?$/.exec(rest);
    if (head === null) return "unknown arguments";
    if (!schedulers.includes(head[1] ?? "")) return "Scheduler or persistence engine not found";
    if (verb === "A" && server !== undefined) return "Service already exists";
    if (verb === "E" && server === undefined) return "No such service";
    servers.set(key, { head: rest, reals: server?.reals ?? new Map<string, string>() });
    return undefined;
  }
  if (server === undefined) return "Service not defined";
  if (verb === "D") {
    servers.delete(key);
    return undefined;
  }
  const [, real = "", options = ""] = /^-r (\S+:\d+)(?: (-[mgi] -w \d+))?$/.exec(rest) ?? [];
  if (real === "" || (options === "") !== (verb === "d")) return "unknown arguments";
  if (verb === "a" && server.reals.has(real)) return "Destination already exists";
  if (verb !== "a" && !server.reals.has(real)) return "No such destination";
  if (verb === "d") server.reals.delete(real);
  else server.reals.set(real, options);
  return undefined;
}

/** Whether the text of a family's virtual servers has one that no real server of weight answers for. */
export function emptyServers(text: string, family: Family): string[] {
  const weights = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, verb, key = "", weight] = /^-([Aa]) (\S+ \S+)(?:.* -w (\d+))?/.exec(line) ?? [];
    if (verb === undefined || key.includes("[") !== (family === 6)) continue;
    weights.set(key, (weights.get(key) ?? 0) + Number(weight ?? 0));
  }
  return [...weights].filter(([, total]) => total === 0).map(([key]) => key);
}
