// A number that stands for all Services and EndpointSlices. In: Cluster, the fingerprint before. Out: Fingerprint, at the cost of what changed.
import { hash } from "node:crypto";
import {
  emptyCluster,
  type Cluster,
  type ClusterService,
  type EndpointSlice,
  type Service,
} from "../../rules/index.ts";
import { changes } from "../../rules/radix/radix.ts";

/**
 * Of a cluster: the exclusive or of the first 64 bits of each object's SHA-256. Two that hold equal objects have equal ones, however
 * they came to hold them; others have not, save by chance (one in 2^64) or somebody's design: it is no proof against an attacker.
 */
export type Fingerprint = {
  readonly cluster: Cluster;
  /** 32 bits each. */
  readonly high: number;
  readonly low: number;
};

/** Of the cluster without anything in it. */
export function emptyFingerprint(): Fingerprint {
  return { cluster: emptyCluster(), high: 0, low: 0 };
}

/** Of `cluster`, from that of another one: only objects that are not in both are looked at. */
export function fingerprintOf(cluster: Cluster, from: Fingerprint): Fingerprint {
  let { high, low } = from;
  for (const { before, after } of changes(from.cluster, cluster)) {
    const [old, now] = [objectsOf(before), objectsOf(after)];
    for (const object of [...old, ...now]) {
      if (old.has(object) && now.has(object)) continue;
      const digest = digestOf(object);
      high = (high ^ digest.readUInt32BE(0)) >>> 0;
      low = (low ^ digest.readUInt32BE(4)) >>> 0;
    }
  }
  return { cluster, high, low };
}

/** 16 hexadecimal digits. */
export function renderFingerprint({ high, low }: Fingerprint): string {
  return `${high.toString(16).padStart(8, "0")}${low.toString(16).padStart(8, "0")}`;
}

function objectsOf(held: ClusterService | undefined): ReadonlySet<Service | EndpointSlice> {
  if (held === undefined) return new Set();
  return new Set([...(held.service === undefined ? [] : [held.service]), ...held.slices]);
}

/** Decoders write fields in one order. Only a selector's are in the server's. */
function digestOf(object: Service | EndpointSlice): Buffer {
  if ("addressType" in object) return sha256(`EndpointSlice ${JSON.stringify(object)}`);
  const selector = Object.entries(object.selector).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(`Service ${JSON.stringify({ ...object, selector })}`);
}

function sha256(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
