// Tests of src/commands/cleanup.ts, through the built file, on a real kernel.
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { foreignRules } from "../../packets/foreign-rules.ts";
import { aFolder } from "../golden/a-case.ts";
import { aWeb, aWeb6 } from "./a-manifest.ts";
import { describeNodes, type Node } from "./node.ts";

const cleanup = (node: Node, ...args: string[]) => node.cli("cleanup", "--variant", node.variant, ...args);
const saved = async (node: Node) => [await node.save(4), await node.save(6)].map(inOrder);

/** iptables-nft-save prints tables and chains in the order in which they were made. */
function inOrder(text: string): string {
  return text
    .split(/^(?=\*)/m)
    .map((table) => {
      const lines = table.split("\n");
      return [
        lines[0],
        ...lines.filter((line) => line.startsWith(":")).sort(),
        ...lines.filter((line) => line.startsWith("-")),
      ].join("\n");
    })
    .sort()
    .join("\n");
}

async function applied(node: Node): Promise<void> {
  const file = join(await aFolder({ "web.yaml": aWeb({ nodePort: 30080 }) + aWeb6() }), "web.yaml");
  expect((await node.cli("apply", "--variant", node.variant, "-f", file)).code).toBe(0);
}

const canaries = ["mangle", "nat", "filter"].map((table) => `*${table}\n:KUBE-PROXY-CANARY - [0:0]\nCOMMIT\n`).join("");

await describeNodes("cleanup", (node) => {
  test("removes what we own and kube-proxy's canaries, and nothing of others; the second time there is nothing to do", async () => {
    for (const family of [4, 6] as const) await node().restore(family, foreignRules(family));
    const before = await saved(node());
    await applied(node());
    for (const family of [4, 6] as const) await node().restore(family, canaries);

    const first = await cleanup(node());
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toMatch(/^IPv4: \d+ deleted, \d+ removed, .*\nIPv6: \d+ deleted, \d+ removed, .*\n$/);
    expect(await saved(node())).toEqual(before);
    expect(before[0]).toContain("KUBE-FIREWALL");

    expect(await cleanup(node())).toEqual({ code: 0, stdout: "IPv4: no change\nIPv6: no change\n", stderr: "" });
    expect(await saved(node())).toEqual(before);
  });

  test("removes KUBE-FIREWALL where no kubelet sees to it", async () => {
    await applied(node());
    await cleanup(node());
    for (const text of await saved(node())) expect(text).not.toContain("KUBE-");
  });

  test("--dry-run shows what would go, and removes nothing", async () => {
    await applied(node());
    const before = await saved(node());
    const { code, stdout } = await cleanup(node(), "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^IPv4: would be: \d+ deleted, \d+ removed, /m);
    expect(stdout).toMatch(/^ {2}- nat KUBE-SERVICES$/m);
    expect(await saved(node())).toEqual(before);
  });

  test("--family leaves the other family alone", async () => {
    await applied(node());
    expect((await cleanup(node(), "--family", "6")).stdout).toMatch(/^IPv6: .*\n$/);
    const [four, six] = await saved(node());
    expect(four).toContain("KUBE-SERVICES");
    expect(six).not.toContain("KUBE-");
  });

  test("of a node without rules has nothing to do", async () => {
    expect((await cleanup(node())).stdout).toBe("IPv4: no change\nIPv6: no change\n");
  });

  test("that the kernel refuses is trouble", async () => {
    await applied(node());
    await node().restore(4, "*nat\n:others - [0:0]\n-A others -j KUBE-MARK-MASQ\nCOMMIT\n");
    const { code, stderr } = await cleanup(node());
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^error: IPv4: batch \d+ of \d+ was refused/)]);
    expect(await node().save(6)).not.toContain("KUBE-");
  });
});
