// Where a packet's way can end. In: nothing. Out: the type of ends.
import type { Ip } from "../net/ip.ts";

export type End =
  | {
      readonly kind: "delivered";
      readonly to: Ip;
      readonly port: number | undefined;
      /** To a process of this node, or on to somewhere else. */
      readonly here: boolean;
      /** Whether a rule chose the destination; if not, it is where the packet was sent. */
      readonly translated: boolean;
      readonly source: SourceFate;
    }
  /** `with`: the answer that the sender gets, as iptables names it, e.g. `icmp-port-unreachable`. */
  | { readonly kind: "rejected"; readonly with: string }
  | { readonly kind: "dropped" }
  /** What happens cannot be told from the rules: `on` names what it hangs on. */
  | { readonly kind: "undecided"; readonly on: string };

/** What the receiver sees as the sender. `to` is undefined where it hangs on the way out. */
export type SourceFate = { readonly kind: "kept" } | { readonly kind: "rewritten"; readonly to: Ip | undefined };
