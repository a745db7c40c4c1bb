// Tests of src/commands/config-change.ts, with files that change under it.
import { rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { readText } from "../../../src/desired/desired.ts";
import { configChange } from "../../../src/commands/config-change.ts";
import { aFolder } from "../golden/a-case.ts";

async function watched(text: string) {
  const folder = await aFolder({ "config.conf": text });
  const name = join(folder, "config.conf");
  const warnings: string[] = [];
  const stop = new AbortController();
  let outcome = "";
  const errorsOf = (now: string) => (now.startsWith("bad") ? [`it is ${now}`] : []);
  const watch = { read: readText, errorsOf, warn: (line: string) => void warnings.push(line), everySeconds: 0.01 };
  const changed = configChange({ name, text }, { ...watch, signal: stop.signal }).then((how) => {
    outcome = how;
  });
  const until = async (isSo: () => boolean) => {
    for (let tries = 0; tries < 300 && !isSo(); tries++) await sleep(10);
    expect(isSo()).toBe(true);
  };
  return { folder, name, warnings, stop, changed, until, outcome: () => outcome };
}

test("hears of other content, and not of the same content written again", async () => {
  const { name, changed, outcome, warnings } = await watched("a");
  await writeFile(name, "a");
  await sleep(60);
  expect(outcome()).toBe("");
  await writeFile(name, "b");
  await changed;
  expect([outcome(), warnings]).toEqual(["changed", []]);
});

test("hears of a link above the file that is swapped, as a ConfigMap's volume does", async () => {
  const folder = await aFolder({ "v1/config.conf": "a", "v2/config.conf": "b" });
  await symlink("v1", join(folder, "..data"));
  const name = join(folder, "config.conf");
  await symlink("..data/config.conf", name);
  const signal = new AbortController().signal;
  const watch = { read: readText, errorsOf: () => [], warn: () => undefined, everySeconds: 0.01, signal };
  const changed = configChange({ name, text: "a" }, watch);
  await symlink("v2", join(folder, "..new"));
  await rename(join(folder, "..new"), join(folder, "..data"));
  expect(await changed).toBe("changed");
});

test("waits out content that nothing could start with, and tells of it once", async () => {
  const { name, warnings, changed, outcome, until } = await watched("a");
  await writeFile(name, "bad");
  await until(() => warnings.length > 0);
  await sleep(60);
  expect([outcome(), warnings]).toEqual(["", [expect.stringMatching(/config\.conf was changed.*it is bad$/)]]);
  await writeFile(name, "good");
  await changed;
  expect(warnings).toHaveLength(1);
});

test("goes on where the file is gone for a while, and tells of it", async () => {
  const { name, warnings, changed, outcome, until } = await watched("a");
  await rm(name);
  await until(() => warnings.length > 0);
  await writeFile(name, "a");
  await sleep(60);
  expect([outcome(), warnings.length]).toEqual(["", 1]);
  await writeFile(name, "b");
  await changed;
});

test("is silent once it is stopped", async () => {
  const { name, stop, outcome } = await watched("a");
  stop.abort();
  await writeFile(name, "b");
  await sleep(60);
  expect(outcome()).toBe("");
});
