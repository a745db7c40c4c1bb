// Tests of src/output/explain-text.ts.
import { describe, expect, test } from "@jest/globals";
import type { ExplainContext } from "../../../rules/explain/context.ts";
import { renderExplanation } from "../../../src/output/explain-text.ts";
import { aService } from "../../make/objects.ts";
import { aContext, aPlan, ask, endpoints } from "../../rules/explain/a-context.ts";
import { above, dockerNat } from "../../rules/explain/foreign.ts";
import { exposed, live, one, plan, svc, web } from "../../rules/explain/subjects.ts";

function text(from: string, to: string, context: ExplainContext, colour = false): string {
  const explanation = ask(from, to, context);
  if (explanation.kind === "refused") throw new Error(`bug: ${explanation.reason.code}`);
  return renderExplanation(explanation, colour);
}

describe("an answer", () => {
  test("is a heading, a paragraph, the walk, and DNS, each apart", () => {
    const answer = text("10.1.0.9", svc, aContext([web, one]));
    expect(answer).toBe(`10.1.0.9 to 10.96.0.1:80/tcp, the cluster IP of default/web
  By the rules of default/web the packet goes to 10.1.0.1:8080; it comes from the client's own
  address. The endpoint sees the client's address, since the client is one of this cluster's pods.

  Walk:
${walkLines(answer).join("\n")}

DNS:
  web.default.svc.cluster.local.  A    10.96.0.1
  1.0.96.10.in-addr.arpa.         PTR  web.default.svc.cluster.local.
`);
    expect(walkLines(answer).map((line) => line.replace(/^ {4}(\S+ \S+):\d+ .*$/, "$1"))).toEqual([
      "nat PREROUTING",
      "nat KUBE-SERVICES",
      expect.stringMatching(/^nat KUBE-SVC-/),
      "nat POSTROUTING",
      "nat KUBE-POSTROUTING",
    ]);
  });

  test("keeps its prose within 100 columns", () => {
    const prose = text("outside", svc, live(above(plan, "nat", dockerNat(30080))))
      .split("\n")
      .filter((line) => /^ {2}\S/.test(line));
    expect(prose.length).toBeGreaterThan(5);
    expect(prose.filter((line) => line.length > 100 && line.includes(" ", 3))).toEqual([]);
  });

  test("of a Service without rules is its reason and DNS", () => {
    const answer = text(
      "node",
      svc,
      aContext([aService({ type: "ExternalName", externalName: "example.com", clusterIps: [] })]),
    );
    expect(answer).toBe(`default/web is an ExternalName Service: it has no rules; its name is an alias of example.com.

DNS:
  web.default.svc.cluster.local.  CNAME  example.com.
`);
  });

  test("of two sources has what each says, and a walk of each", () => {
    const answer = text("outside", "nodeport:30080", live(above(plan, "nat", dockerNat(30080))));
    expect(answer.match(/^ {2}(the manifests|dump 1):$/gm)).toHaveLength(2);
    expect(answer.match(/^ {2}Walk, (the manifests|dump 1):$/gm)).toHaveLength(2);
  });
});

describe("a walk", () => {
  test("tells ways with their shares, and counts those beyond eight", () => {
    const many = endpoints(...Array.from({ length: 50 }, (_, index) => `10.1.1.${index + 1}`));
    const answer = text("10.1.0.9", svc, aContext([web, many]));
    expect(answer.match(/^ {4}- 2%, to 10\.1\.1\.\d+:8080$/gm)).toHaveLength(8);
    expect(answer).toContain("      ... and 42 more ways, 2% each\n");
  });

  test("tells conditions where ways differ by them", () => {
    const answer = text(
      "203.0.113.9",
      "198.51.100.10:80",
      aContext([], {
        dumps: [above(aPlan([exposed, one]), "filter", ["-A FORWARD -i eth7 -j DROP"])],
        withoutObjects: true,
      }),
    );
    expect(answer).toMatch(/^ {4}- if -i eth7, dropped$/m);
    expect(answer).toMatch(/^ {4}- unless -i eth7, to 10\.1\.0\.1:8080, source rewritten$/m);
  });

  test("shows comments where there is room, and cuts rules that are very long", () => {
    const long = Array.from({ length: 15 }, (_, index) => `10${String(index).padStart(3, "0")}:10999`).join(",");
    const dump = `*filter\n-A FORWARD -m comment --comment "short" -j ACCEPT\n-A OUTPUT -m multiport ! --dports ${long},${long} -m comment --comment "x" -j DROP\nCOMMIT\n`;
    const context = aContext([], { dumps: [dump], withoutObjects: true });
    expect(text("10.1.0.9", "10.2.0.1:80", context)).toContain("    filter FORWARD:2  -j ACCEPT  # short\n");
    const cut = walkLines(text("node", "10.2.0.1:80", context)).find((line) => line.includes("OUTPUT:3"));
    expect(cut === undefined ? 0 : cut.length).toBeLessThanOrEqual(244);
  });
});

test("many DNS records are counted", () => {
  const headless = aService({ clusterIps: "none" });
  const answer = text(
    "node",
    svc,
    aContext([headless, endpoints(...Array.from({ length: 30 }, (_, index) => `10.1.1.${index + 1}`))]),
  );
  expect(answer.slice(answer.indexOf("DNS:")).split("\n")).toHaveLength(1 + 12 + 1 + 1);
  expect(answer).toMatch(/^ {2}\.\.\. and 48 more$/m);
});

test("colours add nothing but colour, and stops are red", () => {
  const context = aContext([web]);
  const [plain, painted] = [text("node", svc, context), text("node", svc, context, true)];
  expect(painted).toContain("\u001b[31m");
  expect(painted.replaceAll(/\u001b\[\d+m/g, "")).toBe(plain);
});

test("no text of a dump or of its name reaches the terminal as it is", () => {
  const hostile = `*filter\n:X\u001b[2J - [0:0]\n-A FORWARD -m comment --comment "\u009b31m" -j X\u001b[2J\n-A X\u001b[2J -j NFLOG\u0007\n-A X\u001b[2J -i a\u001b[1m -j DROP\nCOMMIT\n`;
  const context = aContext([web, one], { dumps: [hostile] });
  const sources = context.sources.map((source) => ({ ...source, name: `${source.name}\u001b]0;x\u0007` }));
  for (const to of ["10.96.0.1:80", "10.7.7.7:80"])
    expect(text("10.1.0.9", to, { ...context, sources })).toMatch(/^[\x20-\x7e\n]+$/);
});

function walkLines(answer: string): string[] {
  return answer.split("\n").filter((line) => /^ {4}/.test(line));
}
