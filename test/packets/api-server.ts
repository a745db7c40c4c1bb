// The Service of the API server itself, which the samples' objects leave out and kube-proxy served. In: nothing. Out: API objects.
import type { ApiObject } from "../support/store.ts";

/** `default/kubernetes` and its slice. */
export const apiServer: readonly ApiObject[] = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kubernetes", namespace: "default" },
    spec: {
      clusterIP: "172.30.0.1",
      clusterIPs: ["172.30.0.1"],
      ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: 6443 }],
    },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "kubernetes", namespace: "default", labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: "IPv4",
    ports: [{ name: "https", protocol: "TCP", port: 6443 }],
    endpoints: [{ addresses: ["192.168.0.2"] }],
  },
];
