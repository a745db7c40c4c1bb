// Tests of src/commands/plan.ts, through the built file.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { aFolder, badInput, config } from "../golden/a-case.ts";
import { aWeb, aWeb6, madeUp } from "./a-manifest.ts";
import { built, cli } from "./cli.ts";
import { describeNodes } from "./node.ts";

beforeAll(built, 120_000);

const plan = (input: string, ...args: string[]) => cli(["plan", "-f", "-", ...args], { input });
const headings = (text: string) =>
  text.match(/^# Generated .* for .*|^ip6?tables-restore/gm)?.map((line) => /ip6?tables/.exec(line)?.[0]);

test("is the same from a file, a directory, standard input, and several of them", async () => {
  const [web, other] = [aWeb(), aWeb({ name: "other", ip: "10.96.0.11" })];
  const folder = await aFolder({
    "all/web.yaml": web,
    "all/other.yml": other,
    "all/deep/x.yaml": "[",
    "one.yaml": web + other,
  });
  const whole = await cli(["plan", "-f", join(folder, "one.yaml")]);
  expect(whole.code).toBe(0);
  const same = [
    await cli(["plan", "-f", join(folder, "all")]),
    await plan(web + other),
    await cli(["plan", "-f", join(folder, "all/other.yml"), "-f", "-"], { input: web }),
    await cli(["plan", "--filename", join(folder, "all/web.yaml"), "--filename", join(folder, "all/other.yml")]),
  ];
  for (const each of same) expect([each.code, each.stdout]).toEqual([0, whole.stdout]);
  expect((await cli(["plan", "-R", "-f", join(folder, "all")])).code).toBe(1);
});

describe("without --family", () => {
  test.each([
    ["IPv4 Services", "iptables", aWeb(), ["iptables"], false],
    ["IPv6 Services", "iptables", aWeb6(), ["ip6tables"], false],
    ["Services of both", "iptables", aWeb() + aWeb6(), ["iptables"], true],
    ["no Services", "iptables", "", ["iptables"], false],
    ["IPv6 Services", "sh", aWeb6(), ["ip6tables"], false],
    ["Services of both", "sh", aWeb() + aWeb6(), ["iptables", "ip6tables"], false],
  ])("%s give -o %s of the families that are right", async (_, output, input, tools, told) => {
    const { code, stdout, stderr } = await plan(input, "-o", output);
    expect([code, headings(stdout)]).toEqual([0, tools]);
    expect(stderr.includes("--family 6")).toBe(told);
  });
});

describe("in IPVS mode", () => {
  const outputs = ["ipset", "iptables", "ip", "ipvsadm"];
  const lines = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

  test("-o rules has what each tool is given alone, in the order in which they are to be run", async () => {
    const web = aWeb({ nodePort: 30080 });
    const whole = await plan(web, "--backend", "ipvs");
    const alone: string[] = [];
    for (const output of outputs) alone.push(...lines((await plan(web, "--backend", "ipvs", "-o", output)).stdout));
    expect([whole.code, lines(whole.stdout)]).toEqual([0, alone]);
  });

  test("what was made up is told beside input for ipvsadm, which reads no comments", async () => {
    const { stdout, stderr } = await plan(madeUp, "--backend", "ipvs", "-o", "ipvsadm", "--family", "4");
    for (const line of lines(stdout)) expect(line).toMatch(/^-[Aa] -t /);
    expect(stdout).not.toContain("#");
    expect(stderr.match(/^info: placeholder: Service default\/open /gm)).not.toBeNull();
  });

  test.each(["ipset", "ip", "ipvsadm"])("-o %s in iptables mode is trouble, and says what to give", async (output) => {
    const { code, stdout, stderr } = await plan(aWeb(), "-o", output);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("--backend ipvs");
  });

  test("without --family a shell script has the families that have Services, other text one of them", async () => {
    const script = await plan(aWeb() + aWeb6(), "--backend", "ipvs", "-o", "sh");
    expect(headings(script.stdout)).toEqual(["iptables", "ip6tables"]);
    const { stdout, stderr } = await plan(aWeb() + aWeb6(), "--backend", "ipvs", "-o", "ipvsadm");
    expect([stdout.includes("["), stderr.includes("--family 6")]).toEqual([false, true]);
  });
});

test("-o iptables is what -o rules is in iptables mode", async () => {
  expect((await plan(aWeb(), "-o", "iptables")).stdout).toBe((await plan(aWeb())).stdout);
});

test.each([
  ["4", ["iptables"]],
  ["6", ["ip6tables"]],
  ["both", ["iptables", "ip6tables"]],
])("--family %s prints those", async (family, tools) => {
  const { stdout, stderr } = await plan(aWeb(), "--family", family);
  expect([headings(stdout), stderr]).toEqual([tools, ""]);
});

describe("what was made up is named as such in", () => {
  test.each(["iptables", "sh", "json", "summary"])("%s", async (output) => {
    const { code, stdout, stderr } = await plan(
      madeUp,
      "-o",
      output,
      "--service-cidr",
      "10.50.0.0/24",
      "--node-port-range",
      "31000-31000",
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/^info: 4 values .*made up/m);
    if (output === "json") {
      const { placeholders } = JSON.parse(stdout) as { readonly placeholders: readonly object[] };
      expect(placeholders).toContainEqual({
        object: "Service default/open",
        field: "spec.ports[0].nodePort",
        value: "31000",
        from: "31000-31000",
      });
    } else {
      expect(stdout).toMatch(
        /^# placeholder: Service default\/open spec\.clusterIP is 10\.50\.0\.\d+, from 10\.50\.0\.0\/24$/m,
      );
      expect(stdout).toMatch(
        /^# placeholder: Service default\/open spec\.ports\[0\]\.nodePort is 31000, from 31000-31000$/m,
      );
    }
  });
});

describe("bad input", () => {
  const broken = `---
apiVersion: v1
kind: Service
metadata: { name: broken }
spec: { clusterIP: 10.96.0.300, ports: [{ port: 70000 }] }
---
just text
`;

  test("is named with its place, all of it, and good Services have their rules", async () => {
    const good = await plan(aWeb());
    const folder = await aFolder({ "a.yaml": aWeb(), "b.yaml": broken });
    const { code, stdout, stderr } = await cli(["plan", "-f", folder]);
    expect([code, stdout]).toEqual([1, good.stdout]);
    const file = join(folder, "b.yaml");
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(`error: ${file}:`, ""));
    expect(lines.map((line) => /^(\d+:\d+): (\S+ \S+ \S+|\S+).*: \S/.exec(line)?.slice(1, 3).join(" "))).toEqual([
      "5:9 Service default/broken spec.clusterIP",
      expect.stringMatching(/^5:43 Service default\/broken spec\.ports\[0\]\.port$/),
      expect.stringMatching(/^7:1 /),
    ]);
  });

  test.each(["sh", "json", "summary"])("makes the exit status 1 with -o %s too", async (output) => {
    const { code, stdout } = await plan(badInput, "-o", output);
    expect(code).toBe(1);
    expect(stdout).toContain("10.96.0.10");
  });

  test("that is no text is named, and loses no other file", async () => {
    const folder = await aFolder({ "a.yaml": aWeb(), "b.yaml": new Uint8Array([0x61, 0x0a, 0xff, 0xfe]) });
    const { code, stdout, stderr } = await cli(["plan", "-f", folder]);
    expect(code).toBe(1);
    expect(stdout).toContain("10.96.0.10");
    expect(stderr).toContain(`${join(folder, "b.yaml")}:2:1: `);
  });

  test.each([
    ["a file that is missing", (folder: string) => join(folder, "missing.yaml")],
    ["a directory without manifests", (folder: string) => folder],
  ])("%s is trouble", async (_, path) => {
    const folder = await aFolder({ "README.md": "x" });
    const { code, stdout, stderr } = await cli(["plan", "-f", path(folder)]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(path(folder));
  });
});

test.each([
  ["neither manifests nor a cluster", []],
  ["both", ["-f", "-", "--from-cluster"]],
])("%s is trouble", async (_, args) => {
  const { code, stdout, stderr } = await cli(["plan", ...args], { input: aWeb() });
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain("--from-cluster");
});

describe("--config", () => {
  test("is honoured", async () => {
    const file = join(await aFolder({ "c.yaml": `${config}iptables: { masqueradeBit: 20 }\n` }), "c.yaml");
    expect((await plan(aWeb(), "--config", file)).stdout).toContain("0x100000/0x100000");
  });

  test("with errors is trouble, and each of them is named with its place", async () => {
    const text = `${config}iptables: { masqueradeBit: 40 }\nconntrack:\n  maxPerCore: many\nclusterCIDR: 10.0.0.0/99\n`;
    const file = join(await aFolder({ "c.yaml": text }), "c.yaml");
    const { code, stdout, stderr } = await plan(aWeb(), "--config", file);
    expect([code, stdout]).toEqual([2, ""]);
    expect(
      [...stderr.matchAll(/c\.yaml:(\d+):\d+: KubeProxyConfiguration (\S+):/g)].map(
        ([, line, field]) => `${line} ${field}`,
      ),
    ).toEqual(["3 iptables.masqueradeBit", "5 conntrack.maxPerCore", "6 clusterCIDR"]);
  });
});

test("--node-name decides whose endpoints are local", async () => {
  const local = aWeb({ nodePort: 30080 })
    .replace("type: NodePort", "type: NodePort, externalTrafficPolicy: Local")
    .replace('["10.244.0.5"]', '["10.244.0.5"], nodeName: a');
  expect((await plan(local, "-o", "summary", "--node-name", "a")).stdout).toMatch(
    /30080\/TCP +node-port +Local +10\.244\.0\.5:8080/,
  );
  expect((await plan(local, "-o", "summary", "--node-name", "b")).stdout).toMatch(
    /30080\/TCP +node-port +Local +none on this node/,
  );
});

await describeNodes("iptables-restore", (node) => {
  test("accepts a plan of each family, and says the same", async () => {
    const { variant } = node();
    for (const [family, web] of [
      [4, aWeb({ nodePort: 30080 })],
      [6, aWeb6({ nodePort: 30080 })],
    ] as const) {
      const { stdout } = await plan(web + madeUp, "--family", String(family), "--variant", variant);
      const tool = `${family === 4 ? "iptables" : "ip6tables"}-${variant}-restore`;
      await node().run(tool, ["--test", "--noflush"], stdout);
      expect(await node().save(family)).not.toContain("KUBE-SERVICES");
      await node().restore(family, stdout);
      expect(await node().save(family)).toContain("KUBE-SERVICES");
    }
  });
});

await describeNodes(
  "the shell script",
  (node) => {
    test("puts in force what is wanted, and again adds nothing", async () => {
      const folder = await aFolder({ "web.yaml": aWeb({ nodePort: 30080 }) + aWeb6() + madeUp });
      const manifests = join(folder, "web.yaml");
      const { stdout } = await cli(["plan", "-f", manifests, "-o", "sh"]);
      const script = join(folder, "apply.sh");
      await writeFile(script, stdout);

      expect((await node().run("sh", [script])).stderr).toBe("");
      const rules = [await node().save(4), await node().save(6)];
      expect(rules[0]?.match(/^-A PREROUTING .*-j KUBE-SERVICES$/gm)).toHaveLength(1);
      expect((await node().run("cat", ["/proc/sys/net/ipv4/conf/all/route_localnet"])).stdout).toBe("1\n");
      const { code, stdout: text } = await node().cli("diff", "-f", manifests, "--against", "live", "--variant", "nft");
      expect([code, text.match(/^IPv.*/gm)]).toEqual([0, ["IPv4: no change", "IPv6: no change"]]);

      await node().run("sh", [script]);
      expect([await node().save(4), await node().save(6)]).toEqual(rules);
    });

    test("keeps rules of others where they are", async () => {
      await node().restore(4, "*nat\n-A PREROUTING -s 198.51.100.1/32 -j ACCEPT\nCOMMIT\n");
      const { stdout } = await plan(aWeb(), "-o", "sh");
      await node().run("sh", ["-c", stdout]);
      expect((await node().save(4)).match(/^-A PREROUTING .*/gm)).toEqual([
        expect.stringMatching(/-j KUBE-SERVICES$/),
        "-A PREROUTING -s 198.51.100.1/32 -j ACCEPT",
      ]);
    });
  },
  ["nft"],
);
