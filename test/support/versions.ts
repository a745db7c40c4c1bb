// What servers of different versions can do. In: "1.28" to "1.37". Out: its minor number, and which of the newer features it has.

/** A version of Kubernetes as `GET /version` tells it, without the patch. */
export type Version = `1.${number}`;

/** What clients have to do without on some servers. */
export type Features = {
  readonly minor: number;
  /** `spec.clusterIP` and `spec.type` as field selectors of Services. Source: kubernetes#123905, in 1.31. */
  readonly serviceFields: boolean;
  /** `sendInitialEvents`. Gate WatchList: on in 1.32, off again in 1.33, on since 1.34. */
  readonly watchList: boolean;
};

/** Throws where it is no version of Kubernetes 1.x. */
export function featuresOf(version: Version): Features {
  const minor = Number(/^1\.(\d+)$/.exec(version)?.[1]);
  if (Number.isNaN(minor)) throw new Error(`fake API: ${version} is no version like 1.28`);
  return { minor, serviceFields: minor >= 31, watchList: minor === 32 || minor >= 34 };
}
