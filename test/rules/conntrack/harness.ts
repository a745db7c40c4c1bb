// Flows for tests, short to write. In: the few fields that matter. Out: Flow, Circumstances.
import type { Flow } from "../../../rules/conntrack/flow.ts";
import type { Circumstances } from "../../../rules/conntrack/stale.ts";
import { familyOf, type Ip } from "../../../rules/net/ip.ts";
import { aNode } from "../../make/node.ts";

export type FlowFields = Partial<Omit<Flow, "destination" | "replySource">> & {
  /** `address:port` or `[address]:port`. */
  readonly to: string;
  /** Who answers; default `to`: not DNATed. */
  readonly by?: string;
};

/** A flow of UDP from a client on another host. */
export function aFlow({ to, by = to, ...rest }: FlowFields): Flow {
  const [destination, destinationPort] = split(to);
  const [replySource, replySourcePort] = split(by);
  const family = familyOf(destination);
  const source = (family === 4 ? "10.1.9.9" : "fd00:1::99") as Ip;
  const made = { destination, destinationPort, replySource, replySourcePort };
  return { family, protocol: "UDP", source, sourcePort: 4000, zone: 0, ...made, ...rest };
}

/** What is asked unless a test says otherwise: that node's addresses, nothing from before, UDP. */
export function circumstances(fields: Partial<Circumstances> = {}): Circumstances {
  return { nodeIps: aNode().localIps, owed: { formerly: new Map() }, tracked: ["UDP"], ...fields };
}

function split(text: string): [Ip, number] {
  const colon = text.lastIndexOf(":");
  return [text.slice(0, colon).replace(/^\[|\]$/g, "") as Ip, Number(text.slice(colon + 1))];
}
