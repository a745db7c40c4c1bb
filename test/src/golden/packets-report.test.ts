import { expect, test } from "@jest/globals";
import { rowLine, rowWalks } from "../../../src/golden/packets-report.ts";
import { dualShop, failure, shop } from "./a-table.ts";

const lineOf = (...of: Parameters<typeof failure>) => rowLine(failure(...of));

test("one line says where, what, what instead, and the note", () => {
  const line = lineOf("from: outside, to: 203.0.113.10:80, expect: delivered, in-interface: eth0, note: the shop");
  expect(line).toBe(
    "packets.yaml:2:5: outside to 203.0.113.10:80 in by eth0 must be delivered, but is dropped; note: the shop",
  );
});

test.each([
  [
    "shares of endpoints",
    "from: 10.244.0.9, to: svc/default/web, expect: dropped",
    "must be dropped, but is delivered to 10.244.0.5:8080 (50%) and 10.244.1.5:8080 (50%) with its source kept",
  ],
  [
    "what is reached with another source",
    "from: pod/default/web-a, to: svc/default/web, expect: refused",
    "delivered to 10.244.0.5:8080 (50%) with its source rewritten and delivered to 10.244.1.5:8080 (50%) with its source kept",
  ],
  [
    "one endpoint of two",
    "from: outside, to: nodeport:30080, expect: delivered, endpoints: [10.244.1.5:8080], source: kept",
    "must be delivered to 10.244.1.5:8080 alone with its source kept, but is delivered to 10.244.0.5:8080 with its source kept",
  ],
  [
    "no translation",
    "from: outside, to: 192.0.2.99:80, expect: delivered",
    "must be delivered, but is not translated, and goes on to 192.0.2.99:80 with its source kept",
  ],
  [
    "a refusal",
    "from: node, to: svc/default/idle, expect: untouched",
    "must be untouched, but is refused (icmp-port-unreachable)",
  ],
  ["how many packets", "from: outside, to: svc/default/web, expect: dropped", "(so 1 of 2 packets)"],
  [
    "why nothing can be sent",
    "from: node, to: svc/default/wep, expect: delivered",
    "cannot be asked: There is no Service default/wep",
  ],
])("tells %s", (_, row, words) => {
  expect(lineOf(row)).toContain(words);
});

test("tells what it depends on, and every way that it can go", () => {
  const line = lineOf("from: 10.244.0.9, to: svc/default/web, expect: delivered, source: kept", shop, "bridge");
  expect(line).toMatch(
    /but that depends on ! -i cni0 \(line \d+\), of which nothing is known: delivered .* source kept, or delivered .* source rewritten$/,
  );
});

test("tells in which family nothing is sent", () => {
  const row = `from: 10.244.0.9, to: svc/default/both, expect: delivered, endpoints: [10.244.0.6:80, "[fd00:1::6]:80"]`;
  expect(lineOf(row, dualShop)).toMatch(/ but sends nothing in IPv6$/);
});

test("nothing in a note leaves its line", () => {
  const line = lineOf('from: node, to: svc/default/idle, expect: dropped, note: "a\\nb\\u001b[2J"');
  expect(line).toMatch(/^[\x20-\x7e]+; note: a\?b\?\[2J$/);
});

test("the walk names rules with chain and line", () => {
  const walks = rowWalks(failure("from: outside, to: 203.0.113.10:80, expect: delivered"), false);
  expect(walks).toMatch(/^ {2}203\.0\.113\.7 to 203\.0\.113\.10:80\/tcp, a load-balancer IP of default\/web:http\n/);
  expect(walks).toMatch(/^ {6}filter KUBE-PROXY-FIREWALL:\d+ {2}.*-j DROP/m);
  expect(walks).not.toMatch(/[ \t]$/m);
});

test("colours only when asked to", () => {
  const finding = failure("from: outside, to: 203.0.113.10:80, expect: delivered");
  expect(rowWalks(finding, true)).toContain("\u001b[");
  expect(rowWalks(finding, false)).not.toContain("\u001b");
});

test("shows the walks of three packets at most", () => {
  const ports = [81, 82, 83, 84, 85].map((port) => `{ name: p${port}, port: ${port} }`).join(", ");
  const many = `${shop}---
apiVersion: v1
kind: Service
metadata: { name: many }
spec: { clusterIP: 10.96.0.13, ports: [${ports}] }
`;
  const walks = rowWalks(failure("from: node, to: svc/default/many, expect: dropped", many), false);
  expect(walks.match(/Walk:/g)).toHaveLength(3);
  expect(walks).toMatch(/\n {2}\.\.\. and 2 more packets that fare otherwise\n$/);
});

test("has no walk where nothing could be sent", () => {
  expect(rowWalks(failure("from: node, to: svc/default/wep, expect: delivered"), false)).toBe("");
});
