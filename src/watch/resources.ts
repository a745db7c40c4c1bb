// What the agent watches. In: the node's name. Out: Resource: path, selectors, decoder.
import type { Decoded } from "../../rules/decode/decoded.ts";
import { decodeEndpointSlice, type EndpointSlice } from "../../rules/decode/endpoint-slice.ts";
import { decodeNode, type Node } from "../../rules/decode/node.ts";
import { decodeService, type Service } from "../../rules/decode/service.ts";
import { decodeServiceCidr, type ServiceCidr } from "./service-cidr.ts";

/** One kind of objects, seen as `T`. */
export type Resource<T> = {
  /** As in messages: `services`. */
  readonly name: string;
  readonly path: string;
  /** Selectors that every server knows. */
  readonly selectors: Readonly<Record<string, string>>;
  /** Selectors that spare traffic and that older servers refuse with status 400; the consumer does without them. */
  readonly refusable?: Readonly<Record<string, string>>;
  /** Older servers do not have it (404), older roles do not allow it (403): it then counts as empty. */
  readonly mayBeAbsent?: true;
  readonly decode: (object: unknown) => Decoded<T>;
};

/** What other proxies serve, and headless Services, are not sent. Source: KEP-2447; kube-proxy 1.30. */
const ours = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";

/** Services with an address. The field selector is known from 1.32 on; older servers send headless ones, which give no rules. */
export const services: Resource<Service> = {
  name: "services",
  path: "/api/v1/services",
  selectors: { labelSelector: ours },
  refusable: { fieldSelector: "spec.clusterIP!=None" },
  decode: decodeService,
};

export const endpointSlices: Resource<EndpointSlice> = {
  name: "endpointslices",
  path: "/apis/discovery.k8s.io/v1/endpointslices",
  selectors: { labelSelector: ours },
  decode: decodeEndpointSlice,
};

/** One Node alone. It is listed and watched, not got, so that it may come and go. */
export function oneNode(name: string): Resource<Node> {
  return {
    name: "nodes",
    path: "/api/v1/nodes",
    selectors: { fieldSelector: `metadata.name=${name}` },
    decode: decodeNode,
  };
}

/** From 1.33 on. */
export const serviceCidrs: Resource<ServiceCidr> = {
  name: "servicecidrs",
  path: "/apis/networking.k8s.io/v1/servicecidrs",
  selectors: {},
  mayBeAbsent: true,
  decode: decodeServiceCidr,
};
