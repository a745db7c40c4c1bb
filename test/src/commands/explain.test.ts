// Tests of src/commands/explain.ts, through the built file.
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { InvalidArgumentError } from "commander";
import { readFrom, readTo } from "../../../src/commands/explain.ts";
import { aFolder } from "../golden/a-case.ts";
import { aWeb, aWeb6, madeUp } from "./a-manifest.ts";
import { built, cli } from "./cli.ts";
import { describeNodes } from "./node.ts";

beforeAll(built, 120_000);

const explain = (input: string, ...args: string[]) => cli(["explain", ...args], { input });
const toWeb = ["--from", "10.244.0.9", "--to", "svc/default/web"];
const planOf = async (input: string) => (await cli(["plan", "-f", "-", "--log-level", "error"], { input })).stdout;

test("a question is answered from manifests, with exit status 0", async () => {
  const { code, stdout, stderr } = await explain(aWeb(), "-f", "-", ...toWeb);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^10\.244\.0\.9 to 10\.96\.0\.10:80\/tcp, the cluster IP of default\/web\n/);
  expect(stdout).toContain("10.244.0.5:8080");
  expect(stdout).toMatch(/^ {2}web\.default\.svc\.cluster\.local\. +A +10\.96\.0\.10$/m);
});

test("--cluster-domain is the zone of the records", async () => {
  const { stdout } = await explain(aWeb(), "-f", "-", ...toWeb, "--cluster-domain", "k8s.test");
  expect(stdout).toContain("web.default.svc.k8s.test.");
});

test("a Service without endpoints is answered too: the fate is no trouble", async () => {
  const { code, stdout } = await explain(
    aWeb({ endpoints: [] }),
    "-f",
    "-",
    "--from",
    "node",
    "--to",
    "svc/default/web:80",
  );
  expect(code).toBe(0);
  expect(stdout).toContain("the connection is refused");
});

describe("a dump", () => {
  test("answers without manifests, by the names in its comments", async () => {
    const { code, stdout } = await explain(await planOf(aWeb()), "--rules", "-", ...toWeb);
    expect([code, stdout.includes("10.244.0.5:8080"), stdout.includes("DNS:")]).toEqual([0, true, false]);
  });

  test("beside manifests is compared with them", async () => {
    const file = join(await aFolder({ "node.rules": await planOf(aWeb({ endpoints: ["10.244.0.6"] })) }), "node.rules");
    const { code, stdout } = await explain(aWeb(), "-f", "-", "--rules", file, ...toWeb, "-o", "json");
    expect(code).toBe(0);
    const { answers } = JSON.parse(stdout) as { answers: { parting: { code: string }; walks: { source: string }[] }[] };
    expect(answers.map(({ parting, walks }) => [parting.code, ...walks.map(({ source }) => source)])).toEqual([
      ["sources-part", "the manifests", file],
    ]);
  });

  test("of which lines cannot be read is trouble, and names them", async () => {
    const { code, stdout, stderr } = await explain("*nat\nnonsense\nCOMMIT\n", "--rules", "-", ...toWeb);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining("-:2:")]);
  });

  test("takes --node-address as the node's", async () => {
    const plan = await planOf(aWeb({ nodePort: 30080 }));
    const { stdout } = await explain(
      plan,
      "--rules",
      "-",
      "--node-address",
      "192.0.2.9",
      "--from",
      "outside",
      "--to",
      "nodeport:30080",
    );
    expect(stdout).toContain("to 192.0.2.9:30080/tcp");
  });

  test("of another family than was asked for is trouble", async () => {
    const { code, stderr } = await explain(await planOf(aWeb()), "--rules", "-", "--family", "6", ...toWeb);
    expect([code, stderr]).toEqual([2, expect.stringContaining("family")]);
  });
});

describe("--family", () => {
  test.each([
    ["4", "10.96.0.10"],
    ["6", "fd00:10:96::10"],
  ])("%s asks that one alone", async (family, ip) => {
    const both = aWeb().replace(
      'clusterIP: "10.96.0.10"',
      'clusterIP: "10.96.0.10", clusterIPs: ["10.96.0.10", "fd00:10:96::10"]',
    );
    const { stdout } = await explain(
      both,
      "-f",
      "-",
      "--family",
      family,
      "--from",
      "node",
      "--to",
      "svc/default/web",
      "-o",
      "json",
    );
    const { answers } = JSON.parse(stdout) as { answers: { packet: { destination: string } }[] };
    expect(answers.map(({ packet }) => packet.destination)).toEqual([ip]);
  });
});

describe("trouble is", () => {
  test.each([
    [
      "a Service that is not there, with near names",
      ["--from", "node", "--to", "svc/default/wep"],
      "did you mean default/web?",
    ],
    ["a port that it does not have", ["--from", "node", "--to", "svc/default/web:81"], "80/TCP"],
    ["a sender that is none", ["--from", "nobody", "--to", "svc/default/web"], "outside"],
    ["a destination that is none", ["--from", "node", "--to", "svc/web"], "svc/NAMESPACE/NAME"],
    ["no sender", ["--to", "svc/default/web"], "--from"],
    ["a dump that is missing", [...toWeb, "--rules", "/missing/node.rules"], "/missing/node.rules"],
  ])("%s", async (_, args, word) => {
    const { code, stdout, stderr } = await explain(aWeb(), "-f", "-", ...args);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(word)]);
  });

  test("an option about manifests without manifests", async () => {
    expect((await explain("", "--rules", "-", "--node-name", "a", ...toWeb)).code).toBe(2);
  });
});

test("problems in the objects are told, and give exit status 1", async () => {
  const { code, stdout, stderr } = await explain(`${aWeb()}---\njust text\n`, "-f", "-", ...toWeb);
  expect([code, stdout.includes("10.244.0.5:8080"), /^error: /m.test(stderr)]).toEqual([1, true, true]);
});

test("a target port that no container has is told from what resolution found", async () => {
  const named = madeUp.replace("ports: [{ port: 80 }]", "ports: [{ port: 80, targetPort: http }]");
  const { stdout } = await explain(named, "-f", "-", "--from", "node", "--to", "svc/default/open", "-o", "json");
  const { about } = JSON.parse(stdout) as { about: { code: string }[] };
  expect(about.map(({ code }) => code)).toEqual(["named-port-not-found"]);
});

test("a pod of the manifests is a client by name", async () => {
  const pod = `---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec: { nodeName: node-b, containers: [] }
status: { podIP: 10.244.1.9 }
`;
  const { stdout } = await explain(
    aWeb() + pod,
    "-f",
    "-",
    "--node-name",
    "node-a",
    "--from",
    "pod/default/client",
    "--to",
    "svc/default/web",
  );
  expect(stdout).toMatch(/^10\.244\.1\.9 to 10\.96\.0\.10:80\/tcp/);
  expect(stdout).toContain("default/client is on node-b");
});

test("what was made up is said to be", async () => {
  const { stdout } = await explain(
    madeUp,
    "-f",
    "-",
    "--from",
    "outside",
    "--to",
    "svc/default/open",
    "--node-address",
    "192.0.2.9",
  );
  expect(stdout.match(/made up/g)?.length).toBeGreaterThan(1);
});

test("both families of one input are answered", async () => {
  const { code, stdout } = await explain(
    aWeb() + aWeb6(),
    "-f",
    "-",
    "--from",
    "outside",
    "--to",
    "[fd00:10:96::10]:80",
  );
  expect([code, stdout.includes("[fd00::5]:8080")]).toEqual([0, true]);
});

test("arguments are read or refused in the words of the help", () => {
  expect([readFrom("node"), readTo("nodeport:1")]).toEqual([
    { kind: "node" },
    { kind: "node-port", port: 1, protocol: "tcp" },
  ]);
  expect(() => readFrom("x")).toThrow(InvalidArgumentError);
  expect(() => readTo("x")).toThrow(InvalidArgumentError);
});

await describeNodes("on a node", (node) => {
  test("its own rules answer where nothing else is given, and are compared with manifests", async () => {
    const file = join(await aFolder({ "web.yaml": aWeb({ nodePort: 30080 }) }), "web.yaml");
    const variant = ["--variant", node().variant];
    const ask = (...args: string[]) => node().cli("explain", ...variant, ...args, ...toWeb);
    expect((await ask("-f", file, "--rules", "live")).stdout).toContain("part: ");
    expect((await node().cli("apply", "-f", file, ...variant)).code).toBe(0);
    const after = await ask("-f", file, "--rules", "live", "-o", "json");
    const { answers } = JSON.parse(after.stdout) as { answers: { parting: { code: string } }[] };
    expect([after.code, answers.map(({ parting }) => parting.code)]).toEqual([0, ["sources-agree"]]);
    const live = await ask();
    expect([live.code, live.stdout.includes("10.244.0.5:8080")]).toEqual([0, true]);
  });
});

describe("IPVS mode", () => {
  const ipvs = ["--backend", "ipvs", "--node-address", "192.168.0.2", "--log-level", "error"];
  const planned = async () => (await cli(["plan", "-f", "-", ...ipvs], { input: aWeb() })).stdout;

  test("the virtual server and the real server are named as ipvsadm would, with their lines of the plan", async () => {
    const { code, stdout } = await explain(aWeb(), "-f", "-", ...ipvs, ...toWeb);
    expect(code).toBe(0);
    const lines = (await planned()).split("\n");
    const at = (line: string) => lines.indexOf(line) + 1;
    const [server, real] = ["-A -t 10.96.0.10:80 -s rr", "-a -t 10.96.0.10:80 -r 10.244.0.5:8080 -m -w 1"];
    expect(stdout).toContain(`By the virtual server "${server}" (line ${at(server)}) the packet goes to`);
    expect(stdout).toContain(`ip_vs INPUT:${at(server)}  ${server}\n    ip_vs INPUT:${at(real)}  ${real}\n`);
  });

  test("as JSON the virtual server stands in the reason, and both in the walk", async () => {
    const { stdout } = await explain(aWeb(), "-f", "-", ...ipvs, ...toWeb, "-o", "json");
    const { answers } = JSON.parse(stdout) as {
      answers: {
        walks: { reasons: { code: string; server?: { text: string } }[]; steps: { hop?: { rule: string } }[] }[];
      }[];
    };
    const [walk] = answers.flatMap(({ walks }) => walks);
    expect(walk?.reasons.find(({ code }) => code === "goes-to")?.server?.text).toBe("-A -t 10.96.0.10:80 -s rr");
    expect(walk?.steps.map(({ hop }) => hop?.rule)).toContain("-a -t 10.96.0.10:80 -r 10.244.0.5:8080 -m -w 1");
  });

  test("a dump of all five tools answers by address; whose it is only manifests say", async () => {
    const hostile = (await planned()).replace("-s rr", "-s wlc\u001b[31m");
    const found = await explain(hostile, "--rules", "-", "--from", "10.244.0.9", "--to", "10.96.0.10:80");
    expect(found.stdout).toMatch(/goes to\s+10\.244\.0\.5:8080;/);
    expect(found.stdout).not.toContain("\u001b");
    const named = await explain(await planned(), "--rules", "-", ...toWeb);
    expect([named.code, named.stderr]).toEqual([2, expect.stringContaining("Only manifests say")]);
  });

  test("a virtual server without real servers refuses", async () => {
    const empty = (await planned()).replaceAll(/^-a .*\n/gm, "");
    const { stdout } = await explain(empty, "--rules", "-", "--from", "node", "--to", "10.96.0.10:80");
    expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
      /refused \(icmp-port-unreachable\) by the virtual server "-A -t 10\.96\.0\.10:80 -s rr" \(line \d+\) which gives it no real server/,
    );
  });
});
