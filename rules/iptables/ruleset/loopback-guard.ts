// Keeps packets from the network off 127.0.0.0/8, where the kernel would route them. In: nothing. Out: the chain, and the jumps into it.
import type { Cidr } from "../../net/cidr.ts";
import type { BuiltInChain, Chain, Jump } from "./chain.ts";
import { chainName } from "./chain-name.ts";
import { comment, drop, jumpTo } from "./rule.ts";

const name = chainName("KUBE-FIREWALL");

/** For IPv4. With route_localnet on, a neighbour could reach what listens on 127.0.0.1 (CVE-2020-8558). kubelet writes the same. */
export const loopbackGuard: Chain = {
  name,
  owner: undefined,
  shared: true,
  rules: [
    {
      source: { not: true, is: "127.0.0.0/8" as Cidr },
      destination: { is: "127.0.0.0/8" as Cidr },
      matches: [
        comment("block incoming localnet connections"),
        { kind: "connection-state", not: true, states: ["RELATED", "ESTABLISHED", "DNAT"] },
      ],
      target: drop,
    },
  ],
};

/** From INPUT and OUTPUT, before all other jumps there. */
export function guardJump(from: BuiltInChain): Jump {
  return { from, rule: { matches: [], target: jumpTo(name) } };
}
