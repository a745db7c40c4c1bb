// The image is built from what is there, and from nothing that changes under its name.
import { existsSync, readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import type { Answer } from "../lab/probe.ts";
import { findTool, needTool, runTool } from "../lab/tool.ts";
import { aFolder } from "../src/golden/a-case.ts";
import { built } from "../src/commands/cli.ts";
import { deploy } from "./manifests.ts";

const root = join(deploy, "..");
const text = readFileSync(join(deploy, "Dockerfile"), "utf8");
/** Instructions, with lines that go on joined and comments left out. */
const instructions = text
  .replace(/^#.*\n/gm, "")
  .replace(/\\\n\s*/g, "")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => ({ name: line.split(" ")[0] ?? "", words: line.split(/ +/).slice(1) }));
const of = (name: string) => instructions.filter((each) => each.name === name).map(({ words }) => words);

test("base images are of one exact version of Node 24 on Debian 12", () => {
  const images = of("FROM").map(([image]) => image);
  expect(images).toHaveLength(2);
  for (const image of images) expect(image).toMatch(/^node:24\.\d+\.\d+-bookworm-slim$/);
  expect(new Set(images).size).toBe(1);
  expect(text).not.toMatch(/latest/);
});

const packages = of("RUN")
  .map((words) => words.join(" "))
  .flatMap((run) => /apt-get install (?:-\S+ )*([^&]*)/.exec(run)?.[1]?.trim().split(" ") ?? []);

test("it runs the command line", () => {
  expect(of("ENTRYPOINT")).toEqual([['["rulewright"]']]);
});

test("it has the tools that are run by name", () => {
  expect(packages).toEqual(["iptables", "ipset", "conntrack", "iproute2", "ipvsadm", "kmod"]);
});

/** Packages that are not installed are known only where their lists were fetched: `apt-get update`. */
async function aptAnswer(): Promise<Answer> {
  const aptCache = await findTool("apt-cache");
  if (aptCache === undefined) return { yes: false, because: "apt-cache is not installed" };
  const { stdout } = await execa(aptCache, ["policy"], { reject: false });
  if (/^\s+release .*n=bookworm,/m.test(stdout)) return { yes: true };
  return { yes: false, because: "apt-cache has no lists of Debian 12: apt-get update fetches them" };
}

const apt = await aptAnswer();
(apt.yes ? test : test.skip)(`its packages are Debian 12's${apt.yes ? "" : ` (skipped: ${apt.because})`}`, async () => {
  const { stdout } = await runTool(await needTool("apt-cache"), ["show", "--no-all-versions", ...packages]);
  const names = [...stdout.matchAll(/^Package: (.*)$/gm)].map(([, name]) => name);
  expect(names.sort()).toEqual([...packages].sort());
});

describe("what is copied", () => {
  beforeAll(built, 120_000);
  const copies = of("COPY").map((words) => {
    const isBuilt = words[0] === "--from=build";
    const paths = isBuilt ? words.slice(1) : words;
    return { isBuilt, from: paths.slice(0, -1).map((path) => path.replace(/^\/src\//, "")), to: paths.at(-1) ?? "" };
  });

  test("is there, and Docker is sent it and nothing else", () => {
    const sources = copies.flatMap(({ from }) => from);
    expect(sources.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const ignored = readFileSync(join(deploy, "Dockerfile.dockerignore"), "utf8");
    const sent = [...ignored.matchAll(/^!(.*)$/gm)].map(([, path = ""]) => path);
    const taken = copies.filter(({ isBuilt }) => !isBuilt).flatMap(({ from }) => from);
    expect(sent.sort()).toEqual([...new Set(taken)].sort());
    expect(ignored).toMatch(/^\*$/m);
  });

  test("runs by itself, in the image's folders", async () => {
    const image = await aFolder();
    for (const { from, to } of copies.filter(({ to }) => to.startsWith("/")))
      for (const path of from)
        await cp(join(root, path), to.endsWith("/") ? join(image, to, basename(path)) : join(image, to), {
          recursive: true,
        });
    const link = /ln -s (\S+) (\S+)/.exec(text);
    expect(link?.[2]).toBe("/usr/local/bin/rulewright");
    const program = join(image, link?.[1] ?? "");
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };
    expect((await runTool(process.execPath, [program, "--version"])).stdout).toBe(`${version}\n`);
    // Far enough to have loaded all that the agent needs.
    const args = [program, "run", "--kubeconfig", join(image, "none")];
    const { exitCode, stderr } = await execa(process.execPath, args, { reject: false });
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/^error: kubeconfig .*none: ENOENT/m)]);
  });
});
