// Tests of rules/explain/question.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseFrom, parseTo } from "../../../rules/explain/question.ts";

describe("a sender is", () => {
  test.each([
    ["203.0.113.7", { kind: "ip", ip: "203.0.113.7" }],
    ["FD00:0::7", { kind: "ip", ip: "fd00::7" }],
    ["pod/default/client", { kind: "pod", namespace: "default", name: "client" }],
    ["pod/default/my.client-0", { kind: "pod", namespace: "default", name: "my.client-0" }],
    ["node", { kind: "node" }],
    ["outside", { kind: "outside" }],
  ])("%s", (text, from) => {
    expect(parseFrom(text)).toEqual(from);
  });

  test.each([
    "",
    "Node",
    "10.0.0",
    "10.0.0.1:80",
    "0.0.0.0",
    "::",
    "pod/x",
    "pod//x",
    "pod/a/b/c",
    "pod/A/b",
    "svc/a/b",
    "pod/a/-b",
    "10.0.0.1 ",
  ])("not %j", (text) => {
    expect(parseFrom(text)).toBeUndefined();
  });
});

describe("a destination is", () => {
  test.each([
    ["10.96.0.10:80", { kind: "address", ip: "10.96.0.10", port: 80, protocol: "tcp" }],
    ["10.96.0.10:53/udp", { kind: "address", ip: "10.96.0.10", port: 53, protocol: "udp" }],
    ["10.96.0.10:53/SCTP", { kind: "address", ip: "10.96.0.10", port: 53, protocol: "sctp" }],
    ["[::1]:80/udp", { kind: "address", ip: "::1", port: 80, protocol: "udp" }],
    ["[FD00::1]:65535", { kind: "address", ip: "fd00::1", port: 65535, protocol: "tcp" }],
    ["svc/default/web", { kind: "service", namespace: "default", name: "web", port: undefined }],
    ["svc/default/web:80", { kind: "service", namespace: "default", name: "web", port: 80 }],
    ["svc/default/web:http", { kind: "service", namespace: "default", name: "web", port: "http" }],
    ["nodeport:30080", { kind: "node-port", port: 30080, protocol: "tcp" }],
    ["nodeport:30080/udp", { kind: "node-port", port: 30080, protocol: "udp" }],
  ])("%s", (text, to) => {
    expect(parseTo(text)).toEqual(to);
  });

  test.each([
    ...[
      "",
      "10.0.0.1",
      "10.0.0.1:0",
      "10.0.0.1:65536",
      "10.0.0.1:80/icmp",
      "fd00::1:80",
      "[10.0.0.1]:80",
      "0.0.0.0:80",
      ":80",
    ],
    ...[
      "svc/web",
      "svc/default/",
      "svc/default/web:",
      "svc/default/web:0",
      "svc/default/web:a:b",
      "svc/Default/web",
      "svc/default/web/udp",
    ],
    ...["nodeport:", "nodeport:x", "nodeport:70000", "nodeport", "[]:80", "[::1]80"],
  ])("not %j", (text) => {
    expect(parseTo(text)).toBeUndefined();
  });
});

test("no text makes them fail, and none comes through that holds more than names, numbers and addresses", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.constantFrom("svc/a/b", "pod/a/b", "10.0.0.1:1").chain((start) => fc.string().map((end) => start + end)),
      ),
      (text) => {
        for (const parsed of [parseFrom(text), parseTo(text)])
          for (const value of Object.values(parsed ?? {})) expect(String(value)).toMatch(/^[-a-z0-9.:]+$/);
      },
    ),
  );
});
