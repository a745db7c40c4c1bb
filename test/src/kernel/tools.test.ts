// Tests of src/kernel/tools.ts, with the real tools in namespaces of their own: the kernel says the same as we do.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { build } from "esbuild";
import fc from "fast-check";
import {
  emptyRuleset,
  orderChanges,
  diffRulesets,
  parseRuleset,
  renderScript,
  renderRuleset,
} from "../../../rules/index.ts";
import type { Family } from "../../../rules/index.ts";
import { clusters, foreignRules, views } from "../../make/arbitrary.ts";
import { aCluster, aService, aSlice, podIp } from "../../make/objects.ts";
import { aView, rulesetOf } from "../../make/node.ts";
import { describeWhere } from "../../lab/describe-where.ts";
import { freePrefix } from "../../lab/network.ts";
import { canMakeNamespaces, hasTool, ipv6Works, iptablesWorks, type Answer } from "../../lab/probe.ts";
import { needTool, runTool } from "../../lab/tool.ts";
import type { Done, Job, Result } from "./driver.ts";

// Each test makes a namespace and runs tools in it, which takes long where other tests do so too.
jest.setTimeout(60_000);

const variants = ["nft", "legacy"] as const;
type Variant = (typeof variants)[number];

let folder = "";
let driver = "";

beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/rulewright-kernel-`);
  driver = `${folder}/driver.mjs`;
  await build({
    entryPoints: [new URL("driver.ts", import.meta.url).pathname],
    outfile: driver,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs `use` with a new namespace, and removes it. `send` runs jobs there, by openKernel and what it gives. */
async function inNamespace<T>(
  use: (send: (jobs: readonly Job[], variant?: Variant) => Promise<Done>) => Promise<T>,
): Promise<T> {
  const ip = await needTool("ip");
  const name = `${freePrefix()}-node`;
  await runTool(ip, ["netns", "add", name]);
  try {
    return await use(async (jobs, variant) => {
      const { stdout } = await runTool(ip, ["netns", "exec", name, process.execPath, driver], {
        input: JSON.stringify({ jobs, ...(variant === undefined ? {} : { variant }) }),
        // A lock of its own, so that other tests' tools are not waited for.
        env: { XTABLES_LOCKFILE: `${folder}/${name}.lock` },
      });
      return JSON.parse(stdout) as Done;
    });
  } finally {
    await runTool(ip, ["netns", "del", name]);
  }
}

async function canRun(variant: Variant): Promise<Answer> {
  for (const ask of [
    canMakeNamespaces,
    ipv6Works,
    () => iptablesWorks(variant),
    () => hasTool(`iptables-${variant}-restore`),
  ]) {
    const answer = await ask();
    if (!answer.yes) return answer;
  }
  return { yes: true };
}

const answers = { nft: await canRun("nft"), legacy: await canRun("legacy") };

function describeVariant(title: string, wanted: readonly Variant[], declare: () => void): void {
  const no = wanted.map((variant) => answers[variant]).find((answer) => !answer.yes);
  describeWhere(title, no ?? { yes: true }, declare);
}

const ok: Result = { restored: { ok: true } };

/** Rules of a dump without counters and comments, which differ from one save to the next. */
function plain(text: string | undefined): string {
  return (text ?? "").replaceAll(/^#.*\n/gm, "").replaceAll(/\[\d+:\d+\]/g, "[0:0]");
}

for (const variant of variants) {
  describeVariant(`iptables-${variant}`, [variant], () => {
    test.each<Family>([4, 6])(
      "IPv%d: random rulesets pass --test, read back as they were written, and are not written again",
      async (family) => {
        const list = fc.sample(fc.tuple(clusters(40), views(family)), { numRuns: 15, seed: family });
        const rulesets = list.map(([cluster, view]) => rulesetOf(cluster, view));
        await inNamespace(async (send) => {
          const jobs = rulesets.flatMap((desired): Job[] => [
            {
              do: "check",
              family,
              script: renderScript(orderChanges(diffRulesets(emptyRuleset(family), desired), Infinity)),
            },
            { do: "apply", desired },
            { do: "read", family },
            { do: "apply", desired },
          ]);
          const { results, error } = await send(jobs, variant);
          expect(error).toBeUndefined();
          for (const [index, desired] of rulesets.entries()) {
            const [checked, applied, read, again] = results.slice(index * 4, index * 4 + 4);
            expect(checked).toEqual(ok);
            expect(applied).toMatchObject({ left: 0 });
            const found = parseRuleset(read?.text ?? "", family);
            expect(diffRulesets(found, desired)).toEqual([]);
            expect(
              renderRuleset({ ...found, tables: { ...found.tables } })
                .split("\n")
                .sort(),
            ).toEqual(renderRuleset(desired).split("\n").sort());
            expect(again).toEqual({ written: 0, batches: 0, done: 0 });
          }
        });
      },
      60_000,
    );

    test("rules of others are byte for byte the same after ours came and went", async () => {
      const [foreign = ""] = fc.sample(foreignRules, { numRuns: 1, seed: 12 });
      const [a, b] = fc
        .sample(fc.tuple(clusters(40), views(4)), { numRuns: 2, seed: 5 })
        .map(([cluster, view]) => rulesetOf(cluster, view));
      if (a === undefined || b === undefined) throw new Error("bug: nothing was made");
      await inNamespace(async (send) => {
        const { results } = await send(
          [
            { do: "restore", family: 4, script: foreign },
            { do: "read", family: 4 },
            { do: "apply", desired: a },
            { do: "apply", desired: b },
            { do: "clean", desired: emptyRuleset(4) },
            { do: "read", family: 4 },
          ],
          variant,
        );
        expect(results[0]).toEqual(ok);
        expect(results.slice(2, 5)).toEqual([2, 3, 4].map(() => expect.objectContaining({ left: 0 }) as Result));
        expect(plain(results[5]?.text)).toBe(plain(results[1]?.text));
      });
    });

    test("a refused batch is named with its Service, and what was there before goes on working", async () => {
      const kept = [
        aService({ name: "kept", clusterIps: ["10.96.0.2"] }),
        aSlice({ service: "kept", endpoints: ["10.1.0.2"] }),
      ];
      const both = rulesetOf(aCluster(aService(), aSlice(), ...kept));
      const one = rulesetOf(aCluster(...kept));
      const [chain = ""] = /KUBE-SVC-\S+/.exec(renderRuleset(rulesetOf(aCluster(aService(), aSlice())))) ?? [];
      await inNamespace(async (send) => {
        const { results } = await send(
          [
            { do: "apply", desired: both },
            // Somebody else's rule keeps the chain in use, so the kernel will not delete it.
            { do: "restore", family: 4, script: `*nat\n:others - [0:0]\n-A others -j ${chain}\nCOMMIT\n` },
            { do: "read", family: 4 },
            { do: "apply", desired: one },
            { do: "read", family: 4 },
          ],
          variant,
        );
        expect(results[3]).toMatchObject({ refused: { services: ["default/web"] } });
        expect(results[3]?.refused?.batch).toBe((results[3]?.done ?? 0) + 1);
        const nat = (text: string | undefined) => plain(text).replace(/[^]*(\*nat[^]*?COMMIT)[^]*/, "$1");
        expect(nat(results[4]?.text)).toBe(nat(results[2]?.text));
      });
    });

    test("a rehearsal of more chains than fit a batch finds nothing wrong and writes nothing", async () => {
      const many = Array.from({ length: 1100 }, (_, at) => [
        aService({ name: `s${at}`, clusterIps: [`10.96.${at >> 8}.${at & 255}`] }),
        aSlice({ service: `s${at}`, endpoints: [podIp(at)] }),
      ]);
      const desired = rulesetOf(aCluster(...many.flat()), aView());
      await inNamespace(async (send) => {
        const { results } = await send(
          [
            { do: "rehearse", desired },
            { do: "read", family: 4 },
            { do: "apply", desired },
            { do: "rehearse", desired: emptyRuleset(4) },
          ],
          variant,
        );
        expect(results[0]?.refused).toBeUndefined();
        expect(results[1]?.text).not.toContain("KUBE-SVC-");
        expect(results[2]).toMatchObject({ left: 0 });
        expect(results[3]?.refused).toBeUndefined();
      });
    });

    test("what the tool refuses is told in its words, with the line, and changes nothing", async () => {
      await inNamespace(async (send) => {
        const script = "*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -j KUBE-MISSING\nCOMMIT\n";
        const { results } = await send(
          [
            { do: "restore", family: 4, script },
            { do: "read", family: 4 },
          ],
          variant,
        );
        const [refused, read] = results;
        expect(refused?.restored).toMatchObject({ ok: false });
        if (refused?.restored?.ok === false) {
          expect(refused.restored.message).toContain("KUBE-MISSING");
          // iptables-legacy names the rule, iptables-nft the end of the section.
          expect(refused.restored.line).toBe(variant === "nft" ? 4 : 3);
        }
        expect(read?.text ?? "").not.toContain("KUBE-");
      });
    });
  });
}

describeVariant("which variant is chosen", variants, () => {
  const hints = ["KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY"];
  const cases = variants.flatMap((variant) =>
    hints.flatMap((hint) => ([4, 6] as const).map((family) => ({ variant, hint, family }))),
  );

  test.each(cases)("the one with kubelet's $hint: $variant, IPv$family", async ({ variant, hint, family }) => {
    await inNamespace(async (send) => {
      const script = `*mangle\n:${hint} - [0:0]\nCOMMIT\n`;
      expect(await send([{ do: "restore", family, script }], variant)).toEqual({ variant, results: [ok] });
      expect((await send([])).variant).toBe(variant);
    });
  });

  test("nft where there is no hint, and legacy's tables are not made by looking", async () => {
    await inNamespace(async (send) => {
      expect((await send([])).variant).toBe("nft");
      const { results } = await send([{ do: "read", family: 4 }], "legacy");
      expect(plain(results[0]?.text)).toBe("");
    });
  });

  test("the one that was asked for, whatever the hints say", async () => {
    await inNamespace(async (send) => {
      await send([{ do: "restore", family: 4, script: "*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n" }], "nft");
      expect((await send([], "legacy")).variant).toBe("legacy");
    });
  });
});
