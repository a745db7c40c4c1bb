// Whether the Node is known well enough to write rules. In: how local traffic is told, Nodes as they come. Out: NodeGate, which opens once.
import type { DetectLocal, Node } from "../../rules/index.ts";

export type NodeGate = {
  /** Once open it stays so. */
  readonly isOpen: () => boolean;
  /** The Node as it is now. */
  readonly see: (node: Node | undefined) => void;
  readonly stop: () => void;
};

export type NodeGateSettings = {
  readonly detectLocal: DetectLocal;
  readonly waitSeconds: number;
  /** The time is up, and the Node has no podCIDRs: rules will not tell local traffic from other. */
  readonly onLate: () => void;
};

/**
 * Where local traffic is told by the Node's podCIDRs, rules made before those are known would masquerade nothing, and connections of the
 * first seconds keep that. So nothing is written before, or until `waitSeconds` are over. Source: kube-proxy waits five minutes too.
 */
export function createNodeGate({ detectLocal, waitSeconds, onLate }: NodeGateSettings): NodeGate {
  let isOpen = detectLocal.mode !== "NodeCIDR";
  const open = (): void => {
    isOpen = true;
    clearTimeout(timer);
  };
  const timer = isOpen
    ? undefined
    : setTimeout(() => {
        open();
        onLate();
      }, waitSeconds * 1000);
  return {
    isOpen: () => isOpen,
    see: (node) => {
      if (!isOpen && node !== undefined && node.podCidrs.length > 0) open();
    },
    stop: () => {
      clearTimeout(timer);
    },
  };
}
