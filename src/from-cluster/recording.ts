// A cluster's objects as the input of a golden case. In: objects as the API server sent them. Out: one text of YAML, the same for the same objects.
import { dump } from "js-yaml";
import { at } from "../../rules/decode/decode.ts";
import { compare } from "../../rules/offline/order.ts";
import { trimObject, type RecordedKind } from "./trim.ts";

/** Takes objects in any order. Only their trimmed texts are kept. */
export type Recording = {
  readonly add: (kind: RecordedKind, object: unknown) => void;
  /** A document an object, by namespace, name and kind; what has no namespace comes first. */
  readonly render: () => string;
};

/** Empty, until objects are added. */
export function createRecording(): Recording {
  const documents: Recorded[] = [];
  return {
    add: (kind, object) => {
      documents.push(recorded(kind, object));
    },
    render: () =>
      heading +
      documents
        .toSorted(byPlace)
        .map(({ text }) => `---\n${text}`)
        .join(""),
  };
}

type Recorded = { readonly order: readonly string[]; readonly text: string };

const heading = "# Recorded from a cluster by `rulewright plan --from-cluster --record`.\n";

const apiVersions: Readonly<Record<RecordedKind, string>> = {
  Node: "v1",
  ServiceCIDR: "networking.k8s.io/v1",
  Service: "v1",
  EndpointSlice: "discovery.k8s.io/v1",
};

/** Items of a list do not say what they are: the list does. What is no object at all has no place for that. */
function recorded(kind: RecordedKind, object: unknown): Recorded {
  const trimmed = trimObject(kind, object);
  const isObject = typeof trimmed === "object" && trimmed !== null && !Array.isArray(trimmed);
  const type = { apiVersion: apiVersions[kind], kind };
  const text = dump(isObject ? { ...type, ...trimmed, ...type } : trimmed, { lineWidth: -1, noRefs: true });
  const named = ["namespace", "name"].map((field) => {
    const value = at(object, ["metadata", field]);
    return typeof value === "string" ? value : "";
  });
  return { order: [...named, kind, text], text };
}

function byPlace(a: Recorded, b: Recorded): number {
  return a.order.reduce((sign, part, index) => sign || compare(part, b.order[index] ?? ""), 0);
}
