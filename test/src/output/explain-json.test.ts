// Tests of src/output/explain-json.ts.
import { expect, test } from "@jest/globals";
import type { ExplainContext } from "../../../rules/explain/context.ts";
import { renderExplanationJson } from "../../../src/output/explain-json.ts";
import { aContext, ask, endpoints } from "../../rules/explain/a-context.ts";
import { above, portmap } from "../../rules/explain/foreign.ts";
import { live, one, plan, svc, web } from "../../rules/explain/subjects.ts";

function json(from: string, to: string, context: ExplainContext): string {
  const explanation = ask(from, to, context);
  if (explanation.kind === "refused") throw new Error(`bug: ${explanation.reason.code}`);
  return renderExplanationJson(explanation);
}

test("has what the text says, each reason with its code, data and sentence", () => {
  const parsed: unknown = JSON.parse(json("outside", "nodeport:30080", live(above(plan, "nat", portmap(30080)))));
  expect(parsed).toMatchObject({
    about: [],
    answers: [
      {
        label: "203.0.113.7 to 192.168.0.2:30080/tcp, the node port of default/web",
        family: 4,
        packet: {
          source: "203.0.113.7",
          destination: "192.168.0.2",
          protocol: "tcp",
          destinationPort: 30080,
          origin: "network",
        },
        destination: { kind: "node-port", service: "default/web" },
        reasons: [
          { code: "outside-stand-in", ip: "203.0.113.7", text: expect.stringContaining("203.0.113.7") as unknown },
          { code: "masqueraded" },
        ],
        expected: "balance",
        walks: [
          {
            source: "the manifests",
            cases: [{ when: [], outcomes: [{ chance: 1, end: { kind: "delivered", to: "10.1.0.1", port: 8080 } }] }],
          },
          { source: "dump 1", cases: [{ outcomes: [{ chance: 1, end: { kind: "delivered", to: "10.1.9.9" } }] }] },
        ],
        parting: { code: "sources-part" },
      },
    ],
    dns: [],
  });
});

test("steps are rules, and ways where they fork", () => {
  const parsed = JSON.parse(json("10.1.0.9", svc, aContext([web, endpoints("10.1.0.1", "10.1.0.2")]))) as {
    answers: { walks: { steps: object[] }[] }[];
  };
  const steps = parsed.answers[0]?.walks[0]?.steps ?? [];
  expect(steps[0]).toEqual({
    hop: {
      table: "nat",
      chain: "PREROUTING",
      line: expect.any(Number) as unknown,
      rule: expect.stringMatching(/^-A PREROUTING .*-j KUBE-SERVICES$/) as unknown,
    },
  });
  expect(steps).toContainEqual({
    ways: [expect.objectContaining({ chance: 0.5 }), expect.objectContaining({ chance: 0.5 })],
  });
});

test("all records are there", () => {
  const { dns } = JSON.parse(json("node", svc, aContext([web, one]))) as { dns: object[] };
  expect(dns).toContainEqual({ name: "web.default.svc.cluster.local.", type: "A", value: "10.96.0.1" });
});

test("the same question gives the same bytes, whatever the order of the objects", () => {
  const members = [web, one, endpoints("10.1.0.7", "10.1.0.2")].map((each, index) =>
    "addressType" in each ? { ...each, name: `web-${index}` } : each,
  );
  expect(json("node", svc, aContext([...members].reverse()))).toBe(json("node", svc, aContext(members)));
});

test("text of a dump is printable", () => {
  const hostile = `*filter\n:X\u202e\u009b - [0:0]\n-A FORWARD -j X\u202e\u009b\n-A X\u202e\u009b -i \u001b[1m -j DROP\nCOMMIT\n`;
  expect(json("10.1.0.9", "10.7.7.7:80", aContext([], { dumps: [hostile], withoutObjects: true }))).toMatch(
    /^[\x20-\x7e\n]+$/,
  );
});
