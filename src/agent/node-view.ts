// This node as the rules see it, kept the same object while nothing of it changes. In: Node object, the host's addresses, settings. Out: View of each family.
import { buildView, type Family, type Ip, type Node, type Settings, type View } from "../../rules/index.ts";
import { familyOf } from "../../rules/net/ip.ts";

export type NodeFacts = {
  readonly name: string;
  /** Undefined while the API server has not told of it. */
  readonly node: Node | undefined;
  /** On the host's interfaces. */
  readonly localIps: readonly Ip[];
};

/** Gives the same View object for the same facts: a new one makes every Service's rules be built anew. */
export function createViews(settings: Settings): (facts: NodeFacts, family: Family) => View {
  const kept = new Map<Family, { readonly text: string; readonly view: View }>();
  return (facts, family) => {
    const view = viewOf(facts, settings, family);
    const text = JSON.stringify(view);
    const known = kept.get(family);
    if (known?.text === text) return known.view;
    kept.set(family, { text, view });
    return view;
  };
}

function viewOf({ name, node, localIps }: NodeFacts, settings: Settings, family: Family): View {
  const primary = node === undefined || node.addresses.length === 0 ? localIps : node.addresses;
  const primaryIps = ([4, 6] as const).flatMap((each) => primary.find((ip) => familyOf(ip) === each) ?? []);
  const facts = { name, zone: node?.zone, podCidrs: node?.podCidrs ?? [], primaryIps, localIps };
  return buildView(facts, settings, family);
}
