// Manifests for tests of commands. In: the few fields that matter. Out: YAML.

export type WebFields = {
  readonly name?: string;
  readonly ip?: string;
  readonly endpoints?: readonly string[];
  readonly nodePort?: number;
};

/** `default/web` with port 80 at 10.96.0.10, and its slice with the endpoint 10.244.0.5, port 8080; of IPv6 where `ip` is. */
export function aWeb({ name = "web", ip = "10.96.0.10", endpoints, nodePort }: WebFields = {}): string {
  const six = ip.includes(":");
  const type = nodePort === undefined ? "" : "type: NodePort, ";
  const port = nodePort === undefined ? "" : `, nodePort: ${nodePort}`;
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { ${type}clusterIP: "${ip}", ports: [{ port: 80, targetPort: 8080${port} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv${six ? 6 : 4}
ports: [{ name: "", port: 8080 }]
endpoints: [${(endpoints ?? [six ? "fd00::5" : "10.244.0.5"]).map((each) => `{ addresses: ["${each}"] }`).join(", ")}]
`;
}

/** As `aWeb`, at fd00:10:96::10 with the endpoint fd00::5. */
export function aWeb6(fields: WebFields = {}): string {
  return aWeb({ name: "web6", ip: "fd00:10:96::10", ...fields });
}

/** A Service without a cluster IP and a node port, and a workload: all of it is made up. */
export const madeUp = `---
apiVersion: v1
kind: Service
metadata: { name: open }
spec: { type: NodePort, selector: { app: open }, ports: [{ port: 80 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: open }
spec:
  replicas: 2
  selector: { matchLabels: { app: open } }
  template: { metadata: { labels: { app: open } }, spec: { containers: [] } }
`;

/** A configuration under which nothing on the node but rules is changed. */
export const quietConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
iptables: { localhostNodePorts: false }
`;
