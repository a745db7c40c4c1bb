// The built-in example. In: which endpoints it has. Out: manifests, as somebody would write them.

/** The node that the example is for. */
export const exampleNode = "node-a";

/** Where clients reach the example's Service. */
export const exampleService = { ip: "10.96.0.10", port: 80, nodePort: 30080 } as const;

export type ExampleEndpoint = { readonly name: string; readonly ip: string };

export const endpointPort = 8080;

/** The endpoints that the example begins with, and what becomes of them. */
export const endpointsBefore: readonly ExampleEndpoint[] = [
  { name: "hello-1", ip: "10.244.0.11" },
  { name: "hello-2", ip: "10.244.0.12" },
  { name: "hello-3", ip: "10.244.0.13" },
];
export const endpointsAfter: readonly ExampleEndpoint[] = [
  ...endpointsBefore.slice(0, 2),
  { name: "hello-4", ip: "10.244.0.14" },
];

/** A Service with a cluster IP and a node port, and its EndpointSlice. */
export function exampleManifests(endpoints: readonly ExampleEndpoint[]): string {
  return `apiVersion: v1
kind: Service
metadata: { name: hello, namespace: default }
spec:
  type: NodePort
  clusterIP: ${exampleService.ip}
  ports: [{ name: http, port: ${exampleService.port}, targetPort: ${endpointPort}, nodePort: ${exampleService.nodePort} }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: hello-1, namespace: default, labels: { kubernetes.io/service-name: hello } }
addressType: IPv4
ports: [{ name: http, port: ${endpointPort} }]
endpoints:
${endpoints.map(({ ip }) => `  - { addresses: [${ip}], nodeName: ${exampleNode} }\n`).join("")}`;
}
