// GET of collections and objects. In: the store, a query. Out: JSON in pieces, or a refusal.
import { bodyOf, type Body } from "./exchange.ts";
import type { Query } from "./query.ts";
import { apiVersionOf, type Target } from "./resources.ts";
import { expiredContinue, notFound, refuse, tooNew, type Refusal } from "./status.ts";
import { objectText, type Store, type Stored } from "./store.ts";

/** Answers lists; remembers the beginnings of those that are read page by page. */
export type Lister = {
  readonly list: (target: Target, query: Query) => Body | Refusal;
  readonly get: (target: Target & { readonly name: string }) => Body | Refusal;
  /** From now on the pages begun are 410, as after a compaction of etcd (every 5 minutes there). */
  readonly expire: () => void;
};

/** Where the next page starts. `revision` -1: in the present state, whatever the pages before showed. */
type Continue = { readonly revision: number; readonly after: string };

/** Items in one write: some 100 kB. */
const perPiece = 100;

export function createLister(store: Store): Lister {
  const snapshots = new Map<string, readonly Stored[]>();
  return {
    list: (target, query) => {
      const { revision = 0, exact } = query;
      const current = store.revision();
      if (revision > current) return tooNew(revision, current);
      if (exact && revision < current) return refuse(410, "The resourceVersion for the provided list is too old.");
      const from = query.continue === undefined ? undefined : decodeContinue(query.continue);
      if (query.continue !== undefined && from === undefined) return refuse(400, "continue key is not valid");
      const at = from === undefined || from.revision < 0 ? current : from.revision;
      const name = `${apiVersionOf(target.resource)} ${target.resource.plural} ${at}`;
      const all = at === current ? store.list(target.resource) : snapshots.get(name);
      if (all === undefined) return expiredContinue(encodeContinue({ revision: -1, after: from?.after ?? "" }));
      const items = all.filter((one) => isWanted(one, target, query) && one.key > (from?.after ?? ""));
      // A list of "any" revision comes from the watch cache, which knows no pages.
      const limit = query.revision === 0 || query.limit === 0 ? items.length : query.limit;
      const page = items.slice(0, limit);
      const rest = items.length - page.length;
      if (rest > 0) snapshots.set(name, all);
      return render(target, page, {
        resourceVersion: String(at),
        ...(rest > 0 ? { continue: encodeContinue({ revision: at, after: page.at(-1)?.key ?? "" }) } : {}),
        ...(rest > 0 && !query.selects ? { remainingItemCount: rest } : {}),
      });
    },
    get: ({ resource, namespace = "", name }) => {
      const found = store.get(resource, namespace, name);
      return found === undefined ? notFound(resource, name) : bodyOf(`${objectText(resource, found.json)}\n`);
    },
    expire: () => {
      snapshots.clear();
    },
  };
}

/** Whether a collection shows an object. */
export function isWanted(object: Stored, target: Target, query: Query): boolean {
  return (target.namespace === undefined || object.namespace === target.namespace) && query.keep(object);
}

function render({ resource }: Target, items: readonly Stored[], metadata: object): Body {
  const head = JSON.stringify({ kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata });
  const length = items.reduce((sum, { json }) => sum + json.length + 1, head.length);
  return { length, pieces: piecesOf(`${head.slice(0, -1)},"items":[`, items) };
}

function* piecesOf(head: string, items: readonly Stored[]): Generator<string, void, undefined> {
  for (let first = 0; first === 0 || first < items.length; first += perPiece) {
    const texts = items.slice(first, first + perPiece).map(({ json }) => json);
    yield (first === 0 ? head : ",") + texts.join(",");
  }
  yield "]}\n";
}

function encodeContinue(token: Continue): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: token.revision, start: token.after })).toString(
    "base64url",
  );
}

function decodeContinue(text: string): Continue | undefined {
  try {
    const { rv, start } = JSON.parse(Buffer.from(text, "base64url").toString()) as { rv?: unknown; start?: unknown };
    return typeof rv === "number" && typeof start === "string" ? { revision: rv, after: start } : undefined;
  } catch {
    return undefined;
  }
}
