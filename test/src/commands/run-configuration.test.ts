// Tests of src/commands/run-configuration.ts: what is logged, and what stops the start.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Logger } from "winston";
import { Command } from "commander";
import { InputError } from "../../../src/desired/desired.ts";
import { configurationChange, readConfiguration } from "../../../src/commands/run-configuration.ts";
import { addRunOptions, type RunOptions } from "../../../src/commands/run-options.ts";
import { aFolder } from "../golden/a-case.ts";

const head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.0.0.0/8\n";

function aLog(level = "info") {
  const lines: string[] = [];
  const say = (at: string) => (text: string) => lines.push(`${at}: ${text}`);
  const log = { level, format: "text", info: say("info"), warn: say("warn") };
  return { lines, log: log as unknown as Logger };
}

async function read(more: string | undefined, ...words: readonly string[]) {
  const folder = await aFolder({ "c.yaml": `${head}${more ?? ""}` });
  const file = join(folder, "c.yaml");
  const args = [...(more === undefined ? [] : ["--config", file]), ...words];
  const options = addRunOptions(new Command()).parse(args, { from: "user" }).opts<RunOptions>();
  const { lines, log } = aLog();
  return { file, lines, log, started: await readConfiguration(options, log) };
}

describe("readConfiguration", () => {
  test("warns by line, and says in one line which flags are over the file", async () => {
    const { lines, started, file } = await read(
      "zz: 1\noomScoreAdj: 3\n",
      "--oom-score-adj=4",
      "--hostname-override=a",
    );
    expect([started.configuration.oomScoreAdj, started.configuration.hostnameOverride]).toEqual([4, "a"]);
    expect(lines).toEqual([
      expect.stringMatching(new RegExp(`^warn: ${file}:4:1: .*zz`)),
      `info: flags are over what ${file} says: --oom-score-adj`,
    ]);
  });

  test("throws every error at once", async () => {
    const failed = read("oomScoreAdj: 5000\n", "--iptables-masquerade-bit=40");
    await expect(failed).rejects.toThrow(InputError);
    await expect(failed).rejects.toThrow(/^--iptables-masquerade-bit: .*\n.*c\.yaml:4:1: .*oomScoreAdj/);
  });

  test.each<[readonly string[], string, boolean]>([
    [[], "info", false],
    [["-v=3"], "info", false],
    [["-v=4"], "debug", false],
    [["--logging-format=json"], "info", true],
  ])("with %j it logs at %s, JSON: %j", async (words, level, isJson) => {
    const { log } = await read("", ...words);
    expect([log.level, (log.format as unknown) !== "text"]).toEqual([level, isJson]);
  });

  test("a port switched off is told apart", async () => {
    const { started } = await read(undefined, "--cluster-cidr=10.0.0.0/8", "--metrics-port=0");
    expect([started.off, started.file]).toEqual([{ healthz: false, metrics: true }, undefined]);
  });
});

test("configurationChange gives a reason once the file says something else", async () => {
  const { file, started, log } = await read("");
  const stop = new AbortController();
  const changed = configurationChange(started, { log, signal: stop.signal, everySeconds: 0.01 });
  await writeFile(file, `${head}oomScoreAdj: 9\n`);
  expect(await changed).toContain(file);
  stop.abort();
});
