// Makes up a cluster of any size, the same each time. In: Size. Out: API objects as kubectl prints them, and their addresses.

/** So many Services, each with one TCP port and so many endpoints. */
export type Size = { readonly services: number; readonly endpoints: number };

/** The node that rules are made for, one of `nodes`. */
export const thisNode = "node-7";

/** Its address, that of the server that stands for all pods in `connect.ts`, and the addresses of pods. */
export const nodeIp = "192.168.0.1";
export const podsIp = "192.168.0.2";
export const podCidr = "10.128.0.0/13";
/** All pods: those that are endpoints, and one on this node that is only a client. */
export const clusterCidr = "10.128.0.0/9";
export const clientPodIp = "10.200.0.2";

export const servicePort = 80;
export const podPort = 8080;

const nodes = 100;
/** Most endpoints that the EndpointSlice controller puts into one slice. */
const perSlice = 100;

export function serviceName(service: number): string {
  return `service-${String(service).padStart(5, "0")}`;
}

export function namespaceOf(service: number): string {
  return `team-${String(service % 50).padStart(2, "0")}`;
}

/** Scattered over the block, as the API server allocates them: 40503 is odd, so no two are equal. */
export function clusterIp(service: number): string {
  const offset = ((service + 1) * 40503) % 2 ** 20;
  return ipAt(0x0a600000 + offset);
}

/** Endpoint `index` of a Service of `size`. Each node has a /20 for its pods. */
export function podIp(size: Size, service: number, index: number): string {
  const pod = service * size.endpoints + index;
  return ipAt(0x0a800000 + (pod % nodes) * 4096 + Math.floor(pod / nodes) + 2);
}

/** All Services and their slices. */
export function* objects(size: Size): Generator<object, void, undefined> {
  for (let service = 0; service < size.services; service++) {
    yield serviceObject(service);
    yield* sliceObjects(size, service);
  }
}

/** The objects as one JSON List, about 2.1 kB for each Service with five endpoints, as much as a real API server sends. */
export function manifest(size: Size): string {
  const items = [...objects(size)].map((object) => JSON.stringify(object));
  return `{"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":""},"items":[\n${items.join(",\n")}\n]}\n`;
}

/** A Service with the metadata that one applied by kubectl has. */
export function serviceObject(service: number): object {
  const name = serviceName(service);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      creationTimestamp: "2024-05-06T07:08:09Z",
      labels: { app: name, "app.kubernetes.io/managed-by": "Helm" },
      name,
      namespace: namespaceOf(service),
      resourceVersion: String(100_000 + service),
      uid: uid(1, service),
    },
    spec: {
      clusterIP: clusterIp(service),
      clusterIPs: [clusterIp(service)],
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      ports: [{ name: "http", port: servicePort, protocol: "TCP", targetPort: podPort }],
      selector: { app: name },
      sessionAffinity: "None",
      type: "ClusterIP",
    },
    status: { loadBalancer: {} },
  };
}

/** The slices of a Service. `moved`: the first endpoint has been replaced, which is the change that the bench measures. */
export function sliceObjects(size: Size, service: number, moved?: "moved"): object[] {
  const slices: object[] = [];
  for (let first = 0; first < size.endpoints; first += perSlice) {
    const count = Math.min(perSlice, size.endpoints - first);
    const endpoints = Array.from({ length: count }, (_, at) =>
      moved === "moved" && first + at === 0 ? movedObject(size, service) : endpointObject(size, service, first + at),
    );
    slices.push(sliceObject(service, first / perSlice, endpoints));
  }
  return slices;
}

/** The address of the endpoint that stands for the first one once it has been replaced: on another node, used by nobody. */
export function movedIp(service: number): string {
  return ipAt(0x0a870000 + (service % 60_000));
}

function sliceObject(service: number, number: number, endpoints: object[]): object {
  const owner = serviceName(service);
  return {
    addressType: "IPv4",
    apiVersion: "discovery.k8s.io/v1",
    endpoints,
    kind: "EndpointSlice",
    metadata: {
      creationTimestamp: "2024-05-06T07:08:09Z",
      generateName: `${owner}-`,
      labels: {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": owner,
      },
      name: `${owner}-${String(number).padStart(5, "x")}`,
      namespace: namespaceOf(service),
      resourceVersion: String(300_000 + service),
      uid: uid(2, service * 100 + number),
    },
    ports: [{ name: "http", port: podPort, protocol: "TCP" }],
  };
}

function endpointObject(size: Size, service: number, index: number): object {
  const pod = service * size.endpoints + index;
  return {
    addresses: [podIp(size, service, index)],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${pod % nodes}`,
    targetRef: {
      kind: "Pod",
      name: `${serviceName(service)}-5d8f7c9b6-${String(index).padStart(5, "q")}`,
      namespace: namespaceOf(service),
    },
    zone: `zone-${"abc".charAt(pod % 3)}`,
  };
}

function movedObject(size: Size, service: number): object {
  return { ...endpointObject(size, service, 0), addresses: [movedIp(service)], nodeName: "node-99" };
}

function uid(kind: number, number: number): string {
  return `${kind.toString(16).padStart(8, "0")}-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
}

function ipAt(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
}
