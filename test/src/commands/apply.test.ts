// Tests of src/commands/apply.ts, through the built file, on a real kernel.
import { join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import { findTool } from "../../lab/tool.ts";
import { aFolder, badInput, config } from "../golden/a-case.ts";
import { aWeb, aWeb6, madeUp, quietConfig } from "./a-manifest.ts";
import { execa } from "execa";
import { built, bundle, cli } from "./cli.ts";
import { describeNodes, type Node } from "./node.ts";

beforeAll(built, 120_000);

const routeLocalnet = async (node: Node) =>
  (await node.run("cat", ["/proc/sys/net/ipv4/conf/all/route_localnet"])).stdout.trim();

/** A file each: `web`, `more` (another Service too), `both` (of both families), and configurations. */
const files = async () => {
  const folder = await aFolder({
    "web.yaml": aWeb(),
    "more.yaml": aWeb() + aWeb({ name: "more", ip: "10.96.0.11", nodePort: 30081 }),
    "both.yaml": aWeb({ nodePort: 30080 }) + aWeb6(),
    "bad.yaml": badInput,
    "made-up.yaml": madeUp,
    "quiet.conf": quietConfig,
  });
  return (name: string) => join(folder, name);
};

/** Applies with the node's variant and no more than is asked for in the log. */
const apply = (node: Node, ...args: string[]) =>
  node.cli("apply", "--variant", node.variant, "--log-level", "warn", "-f", ...args);

await describeNodes("apply", (node) => {
  test("goes on where nobody reads what it says, and still says how it ended", async () => {
    const file = (await files())("both.yaml");
    const line = '{ ip netns exec "$1" "$2" "$3" apply --variant "$4" -f "$5"; echo "status $?" >&2; } | true';
    const args = [node().namespace, process.execPath, bundle, node().variant, file];
    const { stderr } = await execa("sh", ["-c", line, "sh", ...args], { env: node().env() });
    expect(stderr.split("\n").at(-1)).toBe("status 0");
    expect([await node().save(4), await node().save(6)].map((rules) => rules.includes("KUBE-SERVICES"))).toEqual([
      true,
      true,
    ]);
  });

  test("makes the kernel so, says what it did, and the second time there is nothing to do", async () => {
    const file = await files();
    const first = await apply(node(), file("both.yaml"));
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toMatch(
      /^IPv4: \d+ chains created, \d+ jumps inserted, .*\nIPv6: \d+ chains created, \d+ jumps inserted, .*\n$/,
    );
    const rules = [await node().save(4), await node().save(6)];
    expect(rules[0]).toContain("--to-destination 10.244.0.5:8080");
    expect(rules[1]).toContain("--to-destination [fd00::5]:8080");
    expect(await apply(node(), file("both.yaml"))).toEqual({
      code: 0,
      stdout: "IPv4: no change\nIPv6: no change\n",
      stderr: "",
    });
    expect([await node().save(4), await node().save(6)]).toEqual(rules);
  });

  test("--dry-run shows the changes and writes nothing", async () => {
    const file = await files();
    const rules = [await node().save(4), await node().save(6)];
    const { code, stdout, stderr } = await node().cli(
      "apply",
      "--dry-run",
      "--variant",
      node().variant,
      "-f",
      file("both.yaml"),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^default\/web: .*\n {2}\+ nat KUBE-/m);
    expect(stdout).toMatch(/^IPv4: would be: \d+ chains created, \d+ jumps inserted, /m);
    expect(stderr).toMatch(/would set .*route_localnet/);
    expect(await routeLocalnet(node())).toBe("0");
    expect([await node().save(4), await node().save(6)].map((text) => text.match(/KUBE-/g))).toEqual(
      rules.map(() => null),
    );
  });

  test("a batch that the kernel refuses is named, and what was there still works", async () => {
    const file = await files();
    await apply(node(), file("more.yaml"), "--family", "4");
    const chain = /^-A (KUBE-SVC-\S+) .*"default\/more"/m.exec(await node().save(4))?.[1] ?? "";
    await node().restore(4, `*nat\n:others - [0:0]\n-A others -j ${chain}\nCOMMIT\n`);
    const rules = await node().save(4);

    const { code, stdout, stderr } = await apply(node(), file("web.yaml"), "--family", "4");
    expect([code, stdout]).toEqual([2, expect.stringMatching(/^IPv4: /)]);
    expect(stderr).toMatch(/^error: IPv4: batch \d+ of \d+ was refused, line \d+, chain KUBE-.* for default\/more/);
    const natOf = (text: string) => /^\*nat\n(?:.*\n)*?COMMIT$/m.exec(text)?.[0].split("\n").sort();
    expect(natOf(await node().save(4))).toEqual(natOf(rules));

    await node().restore(4, "*nat\n-F others\n-X others\nCOMMIT\n");
    expect((await apply(node(), file("web.yaml"), "--family", "4")).code).toBe(0);
    expect(await node().save(4)).not.toContain(chain);
  });

  test("the variant is the one that kubelet uses there, unless another one is asked for", async () => {
    const file = await files();
    const { variant } = node();
    const [tool, other] = [`iptables-${variant}`, variant === "nft" ? "legacy" : "nft"];
    await node().run(tool, ["-w", "10", "-t", "mangle", "-N", "KUBE-IPTABLES-HINT"]);
    const log = async (...args: string[]) =>
      (await node().cli("apply", "--dry-run", "-f", file("web.yaml"), ...args)).stderr;
    expect(await log()).toMatch(new RegExp(`^info: using ${tool} `, "m"));
    expect(await log("--variant", other)).toMatch(new RegExp(`^info: using iptables-${other} `, "m"));
  });

  test("rules of others stay as they are", async () => {
    const file = await files();
    const foreign =
      "*filter\n:others - [0:0]\n-A INPUT -p tcp -m tcp --dport 5001 -j others\n-A others -j DROP\nCOMMIT\n";
    await node().restore(4, foreign);
    await apply(node(), file("web.yaml"), "--family", "4");
    const rules = (await node().save(4)).split("\n");
    expect(rules.filter((line) => line.includes("others"))).toEqual([
      expect.stringMatching(/^:others -/),
      "-A INPUT -p tcp -m tcp --dport 5001 -j others",
      "-A others -j DROP",
    ]);
  });
});

await describeNodes(
  "apply on a node",
  (node) => {
    test.each([
      ["localhost has node ports", [], "1"],
      ["the configuration says that it has none", ["--config", "quiet.conf"], "0"],
      ["there is no IPv4", ["--family", "6"], "0"],
    ])("sets route_localnet only where it is needed: %s", async (_, args, expected) => {
      const file = await files();
      const more = args.map((arg) => (arg.endsWith(".conf") ? file(arg) : arg));
      expect(await routeLocalnet(node())).toBe("0");
      const { code, stderr } = await node().cli("apply", "-f", file("web.yaml"), ...more);
      expect([code, await routeLocalnet(node())]).toEqual([0, expected]);
      expect(/^info: set .*route_localnet/m.test(stderr)).toBe(expected === "1");
    });

    test("names what was made up", async () => {
      const file = await files();
      expect((await apply(node(), file("made-up.yaml"), "--dry-run")).stdout.match(/^# placeholder: /gm)).toHaveLength(
        4,
      );
    });

    test("with bad input applies the rest, and its exit status is 1", async () => {
      const file = await files();
      const { code, stderr } = await apply(node(), file("bad.yaml"), "--family", "4");
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: .*bad\.yaml:6:1: /)]);
      expect(await node().save(4)).toContain("10.96.0.10/32");
    });

    test("with a configuration that has errors writes nothing", async () => {
      const folder = await aFolder({ "c.yaml": `${config}iptables: { masqueradeBit: 40 }\n`, "web.yaml": aWeb() });
      expect((await apply(node(), join(folder, "web.yaml"), "--config", join(folder, "c.yaml"))).code).toBe(2);
      expect(await node().save(4)).not.toContain("KUBE-");
      expect(await routeLocalnet(node())).toBe("0");
    });
  },
  ["nft"],
);

const setpriv = process.getuid?.() === 0 ? await findTool("setpriv") : "";
const why = setpriv === undefined ? " (skipped: setpriv is not installed)" : "";

(why === "" ? test : test.skip)(`a user without rights learns which command failed, exit status 2${why}`, async () => {
  const before = setpriv === "" ? [] : [setpriv ?? "", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const { code, stdout, stderr } = await cli(["apply", "-f", "-", "--dry-run"], { input: aWeb(), before });
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^error: \S*(iptables\S*|neither)/m);
});
