// How many connections each real server has. In: text of `ipvsadm -Ln`. Out: counts by virtual and real server.
import type { Protocol } from "../decode/protocol.ts";
import { parseIp } from "../net/ip.ts";
import { realKey, serverKey, type RealServer, type VirtualServer } from "./virtual-server.ts";

/** By `connectionKey`. */
export type Connections = ReadonlyMap<string, number>;

/** What tells a real server of a virtual server. */
export function connectionKey(
  server: Pick<VirtualServer, "ip" | "protocol" | "port">,
  real: Pick<RealServer, "ip" | "port">,
): string {
  return `${serverKey(server)} ${realKey(real)}`;
}

/** Active and inactive connections together; lines that are not understood are passed over. Source: ipvsadm(8), -L; seen in 1.31. */
export function parseConnections(text: string): Connections {
  const found = new Map<string, number>();
  let server: Pick<VirtualServer, "ip" | "protocol" | "port"> | undefined;
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    const [first = "", at = ""] = words;
    const place = readPlace(at);
    if (first === "->" && server !== undefined && place !== undefined) {
      const [active, inactive] = [Number(words[4]), Number(words[5])];
      if (active >= 0 && inactive >= 0) found.set(connectionKey(server, place), active + inactive);
    } else if (first !== "->") {
      const protocol = protocols.find((known) => known === first);
      server = protocol === undefined || place === undefined ? undefined : { ...place, protocol };
    }
  }
  return found;
}

const protocols: readonly Protocol[] = ["TCP", "UDP", "SCTP"];

function readPlace(text: string): Pick<RealServer, "ip" | "port"> | undefined {
  const found = /^\[?([0-9a-fA-F:.]+?)\]?:(\d{1,5})$/.exec(text);
  const ip = parseIp(found?.[1] ?? "");
  return ip === undefined ? undefined : { ip, port: Number(found?.[2]) };
}
