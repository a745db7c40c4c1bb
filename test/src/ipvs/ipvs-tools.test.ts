// Tests of src/ipvs/ipvs-tools.ts, with the real tools, in a network namespace of its own where they write. What they do with ip_vs is tested in test/guest.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { describeWhere } from "../../lab/describe-where.ts";
import { freePrefix } from "../../lab/network.ts";
import { canMakeNamespaces, hasTool } from "../../lab/probe.ts";
import { needTool, runTool } from "../../lab/tool.ts";
import { aFolder } from "../golden/a-case.ts";

let driver = "";

beforeAll(async () => {
  driver = join(await aFolder(), "driver.mjs");
  await build({
    stdin: {
      contents: `
        import { openIpvsKernel } from "./src/ipvs/ipvs-tools.ts";
        const kernel = await openIpvsKernel(undefined);
        const answers = [];
        for (const [name, input] of JSON.parse(process.argv[2])) answers.push(await kernel[name](input).catch((error) => String(error)));
        console.log(JSON.stringify(answers));`,
      resolveDir: join(import.meta.dirname, "..", "..", ".."),
      loader: "ts",
    },
    outfile: driver,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });
});

afterAll(() => rm(driver, { force: true }));

type Answer = string | { readonly ok: boolean; readonly message?: string; readonly line?: number };

async function inNamespace(calls: readonly (readonly [name: string, input?: string])[]): Promise<Answer[]> {
  const ip = await needTool("ip");
  const name = `${freePrefix()}-node`;
  await runTool(ip, ["netns", "add", name]);
  try {
    const { stdout } = await runTool(ip, ["netns", "exec", name, process.execPath, driver, JSON.stringify(calls)]);
    return JSON.parse(stdout) as Answer[];
  } finally {
    await runTool(ip, ["netns", "delete", name]);
  }
}

function textOf(answer: Answer | undefined): string {
  return typeof answer === "string" ? answer : "";
}

const answer = await (async () => {
  for (const ask of [canMakeNamespaces, () => hasTool("ipset"), () => hasTool("ipvsadm")]) {
    const given = await ask();
    if (!given.yes) return given;
  }
  return { yes: true } as const;
})();

describeWhere("the tools", answer, () => {
  test("read what they wrote, and name the line that they refuse", async () => {
    const [made, sets, refused, addresses, missing] = await inNamespace([
      [
        "restoreSets",
        "create KUBE-CLUSTER-IP hash:ip,port family inet -exist\nadd KUBE-CLUSTER-IP 10.96.0.1,tcp:80 -exist\n",
      ],
      ["readSets"],
      ["restoreSets", "add KUBE-CLUSTER-IP 10.96.0.2,tcp:80\nadd KUBE-CLUSTER-IP 10.96.0.2,tcp:80\n"],
      ["readAddresses"],
      [
        "changeAddresses",
        "link set lo up\naddress replace 10.96.0.1/32 dev kube-ipvs0\naddress replace 127.0.0.9/32 dev lo\n",
      ],
    ]);
    expect(made).toEqual({ ok: true });
    expect(sets).toMatch(/^create KUBE-CLUSTER-IP hash:ip,port .*\nadd KUBE-CLUSTER-IP 10\.96\.0\.1,tcp:80\n$/);
    expect(refused).toMatchObject({ ok: false, line: 2 });
    expect(JSON.parse(textOf(addresses))).toMatchObject([{ ifname: "lo" }]);
    expect(missing).toMatchObject({ ok: false, line: 2, message: expect.stringContaining("kube-ipvs0") as unknown });
  });

  test("a kernel without ip_vs has no virtual servers, as one with it that has none, and takes none that make no sense", async () => {
    const [servers, connections, wrong] = await inNamespace([
      ["readServers"],
      ["readConnections"],
      ["restoreServers", "-A -t nowhere -s rr\n"],
    ]);
    expect(servers).toBe("");
    expect(textOf(connections)).not.toMatch(/^ {2}-> \d/m);
    expect(wrong).toMatchObject({ ok: false, message: expect.stringMatching(/\S/) as unknown });
  });
});
