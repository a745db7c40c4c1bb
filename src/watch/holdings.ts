// Which objects are known, by name and version alone. In: what lists and events say. Out: what is new, and what is gone.
import type { Identity } from "./incoming.ts";
import type { Version } from "./version.ts";

/** What a reflector remembers of its objects: enough to see what a later list no longer has, and what it has unchanged. */
export type Holdings = {
  readonly size: () => number;
  /** How many objects' newest state could not be used. */
  readonly refused: () => number;
  /** Notes an object. False where this state of it is known already. */
  readonly note: (identity: Identity) => boolean;
  /** Notes whether the state that was noted last could be used. */
  readonly judge: (key: string, usable: boolean) => void;
  /** Forgets an object. False where it was not known. */
  readonly forget: (key: string) => boolean;
  /** From here on every object that is there is noted, until `endFill`; a fill that is begun again begins from nothing. */
  readonly beginFill: () => void;
  /** Forgets what was not noted since `beginFill`, and says what that is. */
  readonly endFill: () => readonly string[];
  /** No known state counts as known any more, but the names stay: after this each object is new once. */
  readonly distrust: () => void;
};

/** Empty holdings. */
export function createHoldings(): Holdings {
  const versions = new Map<string, Version | undefined>();
  const refused = new Set<string>();
  let noted: Set<string> | undefined;
  return {
    size: () => versions.size,
    refused: () => refused.size,
    note: ({ key, version }) => {
      noted?.add(key);
      if (version !== undefined && versions.get(key) === version) return false;
      versions.set(key, version);
      return true;
    },
    judge: (key, usable) => {
      if (usable) refused.delete(key);
      else refused.add(key);
    },
    forget: (key) => {
      noted?.delete(key);
      refused.delete(key);
      return versions.delete(key);
    },
    beginFill: () => {
      noted = new Set();
    },
    endFill: () => {
      const gone = [...versions.keys()].filter((key) => noted?.has(key) !== true);
      noted = undefined;
      for (const key of gone) {
        versions.delete(key);
        refused.delete(key);
      }
      return gone;
    },
    distrust: () => {
      for (const key of versions.keys()) versions.set(key, undefined);
    },
  };
}
