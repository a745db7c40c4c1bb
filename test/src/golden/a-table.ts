// Cases with a table of packets, for tests. In: rows as YAML. Out: what checking them finds.
import { checkPackets, type RowFinding } from "../../../src/golden/packets-check.ts";
import { decodePackets, type PacketRow } from "../../../src/golden/packets-decode.ts";
import type { GoldenCase } from "../../../src/golden/load.ts";
import { noNodeSettings } from "../../../src/golden/node-settings.ts";
import { renderCase } from "../../../src/golden/render.ts";
import { config } from "./a-case.ts";

/** Two Pods, one here, behind a load balancer; a Service without endpoints, one without addresses, and one of both families. */
export const shop = `apiVersion: v1
kind: Node
metadata: { name: node-a }
status: { addresses: [{ type: InternalIP, address: 192.168.0.2 }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  clusterIP: 10.96.0.10
  loadBalancerSourceRanges: [198.51.100.0/24]
  ports: [{ name: http, port: 80, targetPort: 8080, nodePort: 30080 }]
status: { loadBalancer: { ingress: [{ ip: 203.0.113.10 }] } }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints:
  - { addresses: [10.244.0.5], nodeName: node-a, targetRef: { kind: Pod, name: web-a, namespace: default } }
  - { addresses: [10.244.1.5], nodeName: node-b }
---
apiVersion: v1
kind: Service
metadata: { name: idle }
spec: { clusterIP: 10.96.0.11, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: db }
spec: { clusterIP: None, ports: [{ name: http, port: 80 }] }
`;

/** Besides those of `shop`, one Service of both families. */
export const dualShop = `${shop}---
apiVersion: v1
kind: Service
metadata: { name: both }
spec:
  clusterIP: 10.96.0.12
  clusterIPs: [10.96.0.12, "fd00::12"]
  ipFamilies: [IPv4, IPv6]
  ipFamilyPolicy: RequireDualStack
  ports: [{ name: http, port: 80 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: both-1, labels: { kubernetes.io/service-name: both } }
addressType: IPv4
ports: [{ name: http, port: 80 }]
endpoints: [{ addresses: [10.244.0.6] }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: both-2, labels: { kubernetes.io/service-name: both } }
addressType: IPv6
ports: [{ name: http, port: 80 }]
endpoints: [{ addresses: ["fd00:1::6"] }]
`;

const pods = "clusterCIDR: 10.244.0.0/16\n";

const settings = {
  pods,
  bridge: bridge("cni0"),
  ipvs: `${pods}mode: ipvs\n`,
  wlc: `${pods}mode: ipvs\nipvs: { scheduler: wlc }\n`,
};

/** The rows of `lines`, each in YAML's flow style. */
export function rowsOf(...lines: readonly string[]): readonly PacketRow[] {
  const decoded = decodePackets(["packets:", ...lines.map((line) => `  - { ${line} }`), ""].join("\n"), "packets.yaml");
  if (decoded.kind === "refused") throw new Error(decoded.lines.join("\n"));
  return decoded.rows;
}

/** Each row in YAML's flow style; `detect`: how Pods are told from others, and the mode. */
export function checkRows(
  lines: readonly string[],
  input: string = shop,
  detect: keyof typeof settings = "pods",
): readonly RowFinding[] {
  const golden: GoldenCase = {
    read: { sources: [{ name: "input.yaml", text: input }], problems: [] },
    config: { name: "config.yaml", text: config + settings[detect] },
    node: noNodeSettings,
    expected: new Map(),
    packets: rowsOf(...lines),
  };
  return checkPackets(golden, renderCase(golden));
}

/** Of one row that fails. */
export function failure(line: string, input?: string, detect?: keyof typeof settings): RowFinding {
  const [finding, ...others] = checkRows([line], input, detect);
  if (finding === undefined || others.length > 0) throw new Error(`bug: the row does not fail: ${line}`);
  return finding;
}

function bridge(name: string): string {
  return `detectLocalMode: BridgeInterface\ndetectLocal: { bridgeInterface: ${name} }\n`;
}
