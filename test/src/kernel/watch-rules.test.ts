// Tests of src/kernel/watch-rules.ts, and of scanning in tools.ts, with the real tools in namespaces of their own.
import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { build } from "esbuild";
import { diffRulesets, emptyRuleset, orderChanges, renderScript } from "../../../rules/index.ts";
import { describeWhere } from "../../lab/describe-where.ts";
import { freePrefix } from "../../lab/network.ts";
import { canMakeNamespaces, hasTool, iptablesWorks, type Answer } from "../../lab/probe.ts";
import { needTool, runTool } from "../../lab/tool.ts";
import { rulesetOf } from "../../make/node.ts";
import { aCluster, aService, aSlice, podIp } from "../../make/objects.ts";
import type { Scanned } from "./watcher.ts";

// Each test makes a namespace and runs tools in it, which takes long where other tests do so too.
jest.setTimeout(60_000);

let folder = "";
let watcher = "";

beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/rulewright-watch-`);
  watcher = `${folder}/watcher.mjs`;
  await build({
    entryPoints: [new URL("watcher.ts", import.meta.url).pathname],
    outfile: watcher,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

type Variant = "nft" | "legacy";
type Place = { readonly name: string; readonly restore: (variant: Variant, script: string) => Promise<unknown> };

/** Runs `use` with a new namespace, and removes it. */
async function inNamespace<T>(use: (place: Place) => Promise<T>): Promise<T> {
  const ip = await needTool("ip");
  const name = `${freePrefix()}-node`;
  await runTool(ip, ["netns", "add", name]);
  try {
    const restore: Place["restore"] = async (variant, script) => {
      const tool = await needTool(`iptables-${variant}-restore`);
      return runTool(ip, ["netns", "exec", name, tool, "--noflush"], { input: script, env: lockOf(name) });
    };
    return await use({ name, restore });
  } finally {
    await runTool(ip, ["netns", "del", name]);
  }
}

/** A lock of its own, so that other tests' tools are not waited for. */
function lockOf(name: string) {
  return { XTABLES_LOCKFILE: `${folder}/${name}.lock` };
}

/** A watch in that namespace, with the news so far. */
async function watch({ name }: Place, variant: Variant) {
  const child = spawn(await needTool("ip"), ["netns", "exec", name, process.execPath, watcher, "watch", variant], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...lockOf(name) },
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let text = "";
  let heard = (): void => undefined;
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more;
    heard();
  });
  const news = () => text.split("\n").slice(0, -1);
  return {
    news,
    /** Resolves when there is as much news. */
    until: (count: number) =>
      new Promise<readonly string[]>((resolve) => {
        heard = () => {
          if (news().length >= count) resolve(news());
        };
        heard();
      }),
    /** Of what it runs now. */
    monitors: async () => {
      const children = await readFile(`/proc/${child.pid ?? 0}/task/${child.pid ?? 0}/children`, "utf8");
      return children
        .split(" ")
        .filter((word) => word !== "")
        .map(Number);
    },
    /** Its exit code. */
    stop: () => {
      child.stdin.end();
      return ended;
    },
    kill: () => child.kill("SIGKILL"),
  };
}

async function scan({ name }: Place, before: readonly string[] = []): Promise<Scanned> {
  const args = ["netns", "exec", name, ...before, process.execPath, watcher, "scan", "nft"];
  const { stdout } = await runTool(await needTool("ip"), args, { env: lockOf(name) });
  return JSON.parse(stdout) as Scanned;
}

async function canRun(variant: Variant, ...tools: string[]): Promise<Answer> {
  const asks = [canMakeNamespaces, () => iptablesWorks(variant), ...tools.map((tool) => () => hasTool(tool))];
  for (const ask of asks) {
    const answer = await ask();
    if (!answer.yes) return answer;
  }
  return { yes: true };
}

const [canWatch, canScan, hasLegacy] = [
  await canRun("nft", "xtables-monitor", "stdbuf"),
  await canRun("nft"),
  await canRun("legacy"),
];

/** Rules of others in chains of their own and in tables that we have nothing in: nobody's business here. */
const others = "*nat\n:FOO - [0:0]\n-A FOO -j RETURN\nCOMMIT\n*raw\n-A PREROUTING -p icmp -j ACCEPT\nCOMMIT\n";
/** A table that is made may be anybody's, so tables are there before. */
const tables = `${others}*filter\n-A FORWARD -p icmp -j ACCEPT\nCOMMIT\n`;

describeWhere("a watch (nft)", canWatch, () => {
  test("tells of each commit to a chain of ours or a built-in one, of no other, and of what it may have missed", async () => {
    await inNamespace(async (place) => {
      await place.restore("nft", tables);
      const watching = await watch(place, "nft");
      try {
        expect(await watching.until(1)).toEqual(["began"]);
        await place.restore("nft", others);
        await place.restore("nft", "*nat\n-A PREROUTING -p icmp -j ACCEPT\n-A OUTPUT -p icmp -j ACCEPT\nCOMMIT\n");
        expect(await watching.until(2)).toEqual(["began", "commit"]);
        await place.restore("nft", others.replaceAll("FOO", "BAR"));
        await place.restore(
          "nft",
          "*nat\n:KUBE-SVC-2257ZIQGHFYAB5UL - [0:0]\nCOMMIT\n*filter\n:KUBE-FORWARD - [0:0]\nCOMMIT\n",
        );
        expect(await watching.until(4)).toEqual(["began", "commit", "commit", "commit"]);
        const [monitor = 0, ...more] = await watching.monitors();
        expect([monitor > 0, more]).toEqual([true, []]);
        process.kill(monitor, "SIGKILL");
        expect((await watching.until(6)).slice(4)).toEqual(["gap", "began"]);
        await place.restore("nft", "*filter\n-A KUBE-FORWARD -j ACCEPT\nCOMMIT\n");
        expect((await watching.until(7)).slice(6)).toEqual(["commit"]);
        expect(await watching.stop()).toBe(0);
        expect(watching.news()).toHaveLength(7);
      } finally {
        watching.kill();
      }
    });
  });

  test.each([
    ["before it began", 0],
    ["while it waits to begin anew", 1],
  ])("that is stopped %s leaves nothing behind", async (_, kills) => {
    await inNamespace(async (place) => {
      const watching = await watch(place, "nft");
      try {
        if (kills > 0) {
          await watching.until(1);
          for (const monitor of await watching.monitors()) process.kill(monitor, "SIGKILL");
          expect(await watching.until(2)).toEqual(["began", "gap"]);
        }
        const news = watching.news();
        expect(await watching.stop()).toBe(0);
        expect(watching.news()).toEqual(news);
      } finally {
        watching.kill();
      }
    });
  });
});

describeWhere("a watch (legacy)", hasLegacy, () => {
  test("tells nothing, and is stopped as any other", async () => {
    await inNamespace(async (place) => {
      const watching = await watch(place, "legacy");
      try {
        await place.restore("legacy", "*nat\n-A PREROUTING -p icmp -j ACCEPT\nCOMMIT\n");
        expect(await watching.stop()).toBe(0);
        expect(watching.news()).toEqual([]);
      } finally {
        watching.kill();
      }
    });
  });
});

describeWhere("a scan", canScan, () => {
  /** Without counters and the time of day, which differ from one save to the next. */
  const plain = (text: string) => text.replaceAll(/^#.*\n/gm, "").replaceAll(/\[\d+:\d+\]/g, "[0:0]");

  test("gives the text that reading gives, in pieces", async () => {
    const many = Array.from({ length: 400 }, (_, at) => [
      aService({ name: `s${at}`, clusterIps: [`10.96.${at >> 8}.${at & 255}`] }),
      aSlice({ service: `s${at}`, endpoints: [podIp(at)] }),
    ]);
    const changes = diffRulesets(emptyRuleset(4), rulesetOf(aCluster(...many.flat())));
    await inNamespace(async (place) => {
      await place.restore("nft", renderScript(orderChanges(changes, 1000)));
      const { read, scanned, pieces } = await scan(place);
      expect(read.length).toBeGreaterThan(100_000);
      expect(pieces).toBeGreaterThan(1);
      expect(plain(scanned)).toBe(plain(read));
    });
  });

  // A tool in place of iptables-nft-save, since only the nft tool makes such tables; `ip netns exec` gives it mounts of its own.
  const start = "# Generated by iptables-nft-save v1.8.9 (nf_tables)\n*filter\n:FORWARD ACCEPT [0:0]\n";
  const warning = "# Table `nat' is incompatible, use 'nft' tool.\n";
  const quoted = `-A FORWARD -m comment --comment "${warning.trim()}" -j ACCEPT\n`;
  test.each<[string, readonly string[], boolean]>([
    ["in one piece", [`${start}COMMIT\n${warning}`], true],
    ["cut within it", [`${start}COMMIT\n${warning.slice(0, 4)}`, warning.slice(4)], true],
    ["cut into many", [start, "COMMI", "T\n", ...warning.split(" ").flatMap((word) => [word, " "])], true],
    ["before other tables", [warning, start, "COMMIT\n"], true],
    ["in a rule's comment only", [`${start}${quoted.slice(0, 34)}`, quoted.slice(34), "COMMIT\n"], false],
  ])("refuses what reading refuses, a table that iptables cannot read: told %s", async (_, pieces, isRefused) => {
    const tools = `${folder}/tools-${Math.random()}`;
    await mkdir(tools);
    for (const [at, piece] of pieces.entries()) await writeFile(`${tools}/${at}`, piece);
    const cats = pieces.map((_piece, at) => `cat ${tools}/${at}`).join("; sleep 0.05; ");
    await writeFile(`${tools}/iptables-nft-save`, `#!/bin/sh\n${cats}\n`);
    await chmod(`${tools}/iptables-nft-save`, 0o755);
    const mount = `${await needTool("mount")} --bind ${tools} /usr/local/sbin && exec "$@"`;
    await inNamespace(async (place) => {
      const { read, scanned } = await scan(place, [await needTool("sh"), "-c", mount, "sh"]);
      expect(scanned).toBe(read);
      expect(scanned.startsWith("NoKernelError")).toBe(isRefused);
    });
  });

  test("that the tool ends with an error is refused as reading is", async () => {
    const tools = `${folder}/tools-fails`;
    await mkdir(tools);
    await writeFile(`${tools}/iptables-nft-save`, "#!/bin/sh\necho '*nat'\necho 'no memory' >&2\nexit 4\n");
    await chmod(`${tools}/iptables-nft-save`, 0o755);
    const mount = `${await needTool("mount")} --bind ${tools} /usr/local/sbin && exec "$@"`;
    await inNamespace(async (place) => {
      const { read, scanned } = await scan(place, [await needTool("sh"), "-c", mount, "sh"]);
      expect(scanned).toBe(read);
      expect(scanned).toMatch(/^CommandError: .*exit status 4: no memory$/);
    });
  });
});
