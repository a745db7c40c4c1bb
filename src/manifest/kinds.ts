// The kinds that are read. In: kind and apiVersion. Out: the decoder to use, or why there is none.
import { decodeEndpoints, type Endpoints } from "../../rules/decode/endpoints.ts";
import { decodeEndpointSlice, type EndpointSlice } from "../../rules/decode/endpoint-slice.ts";
import { decodeNode, type Node } from "../../rules/decode/node.ts";
import { decodePod, type Pod } from "../../rules/decode/pod.ts";
import { decodeService, type Service } from "../../rules/decode/service.ts";
import { decodeWorkload, workloadKinds, type Workload, type WorkloadKind } from "../../rules/decode/workload.ts";
import type { Problem } from "../../rules/problem.ts";

/** A decoded object under the name of the list that it belongs to. */
export type Member =
  | { readonly list: "services"; readonly object: Service }
  | { readonly list: "slices"; readonly object: EndpointSlice }
  | { readonly list: "endpoints"; readonly object: Endpoints }
  | { readonly list: "nodes"; readonly object: Node }
  | { readonly list: "pods"; readonly object: Pod }
  | { readonly list: "workloads"; readonly object: Workload };

/** How to read a kind. `foreign`: another group's kind of the same name (a Knative Service), or a kind without any part here. */
export type Reading =
  | { readonly kind: "known"; readonly decode: (input: unknown) => { member?: Member; problems: readonly Problem[] } }
  | { readonly kind: "wrong-version"; readonly allowed: string }
  | { readonly kind: "foreign" };

/** The reading of a kind. A version that Kubernetes once had and dropped (extensions/v1beta1) is wrong, not foreign. */
export function readingOf(kind: string, apiVersion: string | undefined): Reading {
  const known = kinds.get(kind);
  if (known === undefined) return { kind: "foreign" };
  if (known.apiVersion === apiVersion) return { kind: "known", decode: known.decode };
  const group = apiVersion?.includes("/") === true ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return ownGroups.has(group) ? { kind: "wrong-version", allowed: known.apiVersion } : { kind: "foreign" };
}

/** Whether some group's kind of this name is read. */
export function isKnownKind(kind: string): boolean {
  return kinds.has(kind);
}

type Decoding = { readonly member?: Member; readonly problems: readonly Problem[] };
type Known = { readonly apiVersion: string; readonly decode: (input: unknown) => Decoding };

const ownGroups = new Set(["", "apps", "extensions", "discovery.k8s.io"]);

function known<T>(
  apiVersion: string,
  decode: (input: unknown) => { readonly value?: T; readonly problems: readonly Problem[] },
  wrap: (object: T) => Member,
): Known {
  return {
    apiVersion,
    decode: (input) => {
      const { value, problems } = decode(input);
      return value === undefined ? { problems } : { member: wrap(value), problems };
    },
  };
}

function workload(kind: WorkloadKind): [string, Known] {
  const apiVersion = kind === "ReplicationController" ? "v1" : "apps/v1";
  return [
    kind,
    known(
      apiVersion,
      (input) => decodeWorkload(input, kind),
      (object) => ({ list: "workloads", object }),
    ),
  ];
}

const kinds: ReadonlyMap<string, Known> = new Map([
  ["Service", known("v1", decodeService, (object) => ({ list: "services", object }))],
  ["EndpointSlice", known("discovery.k8s.io/v1", decodeEndpointSlice, (object) => ({ list: "slices", object }))],
  ["Endpoints", known("v1", decodeEndpoints, (object) => ({ list: "endpoints", object }))],
  ["Node", known("v1", decodeNode, (object) => ({ list: "nodes", object }))],
  ["Pod", known("v1", decodePod, (object) => ({ list: "pods", object }))],
  ...workloadKinds.map(workload),
]);
