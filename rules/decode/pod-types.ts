// What Pods and the templates of workloads share, as types. In: nothing. Out: PodSpec and its parts, free of any library's types.
import type { Protocol } from "./protocol.ts";

/** The part of a pod's spec that endpoints depend on. */
export type PodSpec = {
  readonly nodeName: string | undefined;
  readonly hostNetwork: boolean;
  /** Its name in DNS, below its subdomain: the name of a headless Service. Only both together have a meaning. */
  readonly hostname: string | undefined;
  readonly subdomain: string | undefined;
  /** In the order in which a named target port is searched: containers, then restartable init containers (sidecars). */
  readonly ports: readonly ContainerPort[];
};

/** One declared port of a container. The name is empty where there is none. */
export type ContainerPort = { readonly name: string; readonly protocol: Protocol; readonly port: number };

/** The owner that controls an object: the one ownerReference with `controller: true`. */
export type Controller = { readonly kind: string; readonly name: string };
