// Tests of rules/conntrack/deletions.ts. That the tool understands them is tested in test/packets/conntrack.test.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { deletionsOf } from "../../../rules/conntrack/deletions.ts";
import { aFlow } from "./harness.ts";

const [one, other] = [
  { to: "10.96.0.10:53", by: "10.1.0.1:5353" },
  { to: "10.96.0.10:53", by: "10.1.0.2:5353" },
];

test("takes the flows of one frontend and one endpoint in one go, the most first", () => {
  const flows = [aFlow(one), aFlow({ ...other, sourcePort: 1 }), aFlow({ ...other, sourcePort: 2 })];
  expect(deletionsOf(flows).map(({ args, flows: count }) => `${count}: ${args.join(" ")}`)).toEqual([
    "2: -D -f ipv4 -p udp -w 0 --orig-dst 10.96.0.10 --orig-port-dst 53 --reply-src 10.1.0.2 --reply-port-src 5353",
    "1: -D -f ipv4 -p udp -w 0 --orig-dst 10.96.0.10 --orig-port-dst 53 --reply-src 10.1.0.1 --reply-port-src 5353",
  ]);
});

test.each([
  ["family", aFlow({ to: "[fd00::1]:53", by: "[fd00:1::1]:5353" })],
  ["protocol", aFlow({ ...one, protocol: "SCTP" })],
  ["destination", aFlow({ ...one, to: "10.96.0.11:53" })],
  ["destination port", aFlow({ ...one, to: "10.96.0.10:54" })],
  ["reply source port", aFlow({ ...one, by: "10.1.0.1:5354" })],
])("keeps flows of another %s apart", (_, flow) => {
  expect(deletionsOf([aFlow(one), flow])).toHaveLength(2);
});

test("leaves no flow out, and is the same in any order", () => {
  const flow = fc
    .record({ to: fc.constantFrom("10.96.0.10:53", "10.96.0.11:53"), by: fc.constantFrom("10.1.0.1:1", "10.1.0.2:1") })
    .map(aFlow);
  fc.assert(
    fc.property(fc.array(flow), (flows) => {
      const deletions = deletionsOf(flows);
      expect(deletions.reduce((sum, each) => sum + each.flows, 0)).toBe(flows.length);
      expect(deletionsOf([...flows].reverse())).toEqual(deletions);
    }),
  );
});
