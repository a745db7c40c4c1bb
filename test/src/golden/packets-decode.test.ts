import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { decodePackets } from "../../../src/golden/packets-decode.ts";

const decode = (text: string) => decodePackets(text, "packets.yaml");

test("reads every field", () => {
  const text = `# comments are allowed
packets:
  - from: pod/default/client
    to: svc/default/web:http
    in-interface: cni0
    expect: delivered
    endpoints: [10.244.1.5:8080, "[fd00:0::5]:8080"]
    source: kept
    note: the shop front end
  - { from: outside, to: nodeport:30080/udp, expect: dropped }
`;
  expect(decode(text)).toEqual({
    kind: "decoded",
    rows: [
      {
        position: { file: "packets.yaml", line: 3, column: 5 },
        from: { text: "pod/default/client", means: { kind: "pod", namespace: "default", name: "client" } },
        to: {
          text: "svc/default/web:http",
          means: { kind: "service", namespace: "default", name: "web", port: "http" },
        },
        inInterface: "cni0",
        expected: { kind: "delivered", endpoints: ["10.244.1.5:8080", "[fd00::5]:8080"], source: "kept" },
        note: "the shop front end",
      },
      {
        position: { file: "packets.yaml", line: 10, column: 5 },
        from: { text: "outside", means: { kind: "outside" } },
        to: { text: "nodeport:30080/udp", means: { kind: "node-port", port: 30080, protocol: "udp" } },
        inInterface: undefined,
        expected: { kind: "dropped" },
        note: undefined,
      },
    ],
  });
});

test.each(["delivered", "refused", "dropped", "untouched"])("a row may expect %s", (expected) => {
  const decoded = decode(`packets: [{ from: node, to: svc/a/b, expect: ${expected} }]`);
  expect(decoded).toMatchObject({ kind: "decoded", rows: [{ expected: { kind: expected } }] });
});

const row = "from: node, to: svc/a/b, expect: delivered";

test.each([
  ["", "packets.yaml:1:1: packet table packets: is missing"],
  ["# nothing\n", "packets.yaml:1:1: packet table packets: is missing"],
  ["{}", "packets.yaml:1:1: packet table packets: is missing"],
  ["packets: []", "packets.yaml:1:1: packet table packets: is a list, must hold at least one row"],
  ["packets: { a: b }", "packets.yaml:1:1: packet table packets: is an object, must be a list"],
  ["- from: node", "packets.yaml:1:1: packet table: is a list, must be an object"],
  [`packets:\n  - { ${row} }\nrows: []`, "packets.yaml:3:1: packet table rows: is not known, must be one of packets"],
  [`packets:\n  - { ${row} }\n---\na: b`, "packets.yaml:4:1: packet table: stands in the file a second time"],
  ["packets:\n  - node", 'packets.yaml:2:5: packet table packets[0]: is "node", must be an object'],
  ["packets: [", "packets.yaml:"],
])("refuses the file %j, with its place", (text, line) => {
  expect(decode(text)).toEqual({ kind: "refused", lines: [expect.stringContaining(line)] });
});

test.each([
  ["from: outsid", "packets.yaml:2:5: packet table packets[0].from: is", "must be one of IP, pod/"],
  ["from: [node]", "packets.yaml:2:5: packet table packets[0].from: is a list, must be one of IP, pod/"],
  ["from: pod/web", "packets.yaml:2:5: packet table packets[0].from: is"],
  ["to: 10.0.0.1", "packets.yaml:2:5: packet table packets[0].to: is", "must be one of IP:PORT"],
  ["to: 10.0.0.1:99999", "packets.yaml:2:5: packet table packets[0].to: is"],
  ["to: fd00::1:80", "packets.yaml:2:5: packet table packets[0].to: is"],
  ["expect: allowed", "packets.yaml:2:5: packet table packets[0].expect: is", "must be delivered, refused, dropped"],
  ["source: masqueraded", "packets.yaml:2:5: packet table packets[0].source: is", "must be kept or rewritten"],
  ["endpoints: []", "packets.yaml:2:5: packet table packets[0].endpoints: is", "at least one endpoint"],
  ["endpoints: 10.0.0.1:80", "packets.yaml:2:5: packet table packets[0].endpoints: is", "must be a list"],
  ["endpoints: [10.0.0.1:80, 10.0.0.2]", "packets.yaml:2:30: packet table packets[0].endpoints[1]: is"],
  ["endpoints: [10.0.0.1:80/udp]", "packets.yaml:2:17: packet table packets[0].endpoints[0]: is"],
  ["endpoints: [svc/a/b:80]", "packets.yaml:2:17: packet table packets[0].endpoints[0]: is"],
  ["in-interface: a/b", "packets.yaml:2:5: packet table packets[0].in-interface: is"],
  ["in-interface: sixteencharacter", "packets.yaml:2:5: packet table packets[0].in-interface: is"],
  ["note: [a]", "packets.yaml:2:5: packet table packets[0].note: is a list, must be text"],
  [
    "expct: dropped",
    "packets.yaml:2:5: packet table packets[0].expct: is not known",
    "must be one of from, to, expect",
  ],
])("refuses a row with %s, with what was found and what is allowed", (field, line, allowed = "must be") => {
  const [name = ""] = field.split(":");
  const others = ["from: outside", "to: svc/a/b", "expect: delivered"].filter((each) => !each.startsWith(`${name}:`));
  const text = `packets:\n  - ${[field, ...others].join("\n    ")}\n`;
  const decoded = decode(text);
  expect(decoded).toEqual({ kind: "refused", lines: [expect.stringContaining(line)] });
  expect(decoded.kind === "refused" && decoded.lines[0]).toContain(allowed);
});

test.each(["from", "to", "expect"])("a row must have %s", (name) => {
  const fields = ["from: outside", "to: svc/a/b", "expect: delivered"].filter((each) => !each.startsWith(`${name}:`));
  expect(decode(`packets:\n  - { ${fields.join(", ")} }\n`)).toEqual({
    kind: "refused",
    lines: [expect.stringContaining(`packets[0].${name}: is missing`)],
  });
});

test.each([
  ["from: outside, to: svc/a/b, expect: dropped, source: kept", "source"],
  ["from: outside, to: svc/a/b, expect: refused, endpoints: [10.0.0.1:80]", "endpoints"],
  ["from: outside, to: svc/a/b, expect: untouched, source: rewritten", "source"],
  ["from: node, to: svc/a/b, expect: delivered, in-interface: cni0", "in-interface"],
])("refuses what says nothing beside the rest: %s", (fields, name) => {
  expect(decode(`packets: [{ ${fields} }]`)).toEqual({
    kind: "refused",
    lines: [expect.stringContaining(`packets[0].${name}: stands beside `)],
  });
});

test("tells every problem of every row, in the order of the file", () => {
  const decoded = decode(`packets:
  - { from: a, to: b, expct: c }
  - { from: node, to: svc/a/b, expect: dropped, source: kept, nte: d }
`);
  const places = decoded.kind === "refused" ? decoded.lines.map((line) => line.split(":").slice(1, 3).map(Number)) : [];
  expect(places).toEqual([
    [2, 5],
    [2, 7],
    [2, 16],
    [2, 23],
    [3, 49],
    [3, 63],
  ]);
});

test("never throws, and no text of the file ends a line of a problem", () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom("node", "svc/a/b", "delivered", "a\nb", "\u001b[2J"));
  const table = fc.oneof(
    fc.dictionary(fc.constantFrom("packets", "a\nb"), value),
    fc.record({
      packets: fc.array(
        fc.dictionary(
          fc.constantFrom("from", "to", "expect", "endpoints", "source", "in-interface", "note", "o\u0007"),
          value,
        ),
      ),
    }),
  );
  fc.assert(
    fc.property(table, (any) => {
      const decoded = decode(JSON.stringify(any));
      if (decoded.kind === "decoded") expect(decoded.rows.length).toBeGreaterThan(0);
      else {
        expect(decoded.lines.length).toBeGreaterThan(0);
        for (const line of decoded.lines) expect(line).toMatch(/^packets\.yaml:\d+:\d+: [\x20-\x7e]+$/);
      }
    }),
  );
});
