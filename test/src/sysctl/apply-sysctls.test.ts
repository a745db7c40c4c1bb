// Tests of src/sysctl/apply-sysctls.ts, on settings in memory.
import { describe, expect, test } from "@jest/globals";
import { applySysctls, rehearseSysctls, renderSysctl } from "../../../src/sysctl/apply-sysctls.ts";
import { hashSize, type Sysctl } from "../../../src/sysctl/sysctls-for.ts";
import type { SysctlFiles } from "../../../src/sysctl/sysctl-files.ts";

const max: Sysctl = { name: "net/netfilter/nf_conntrack_max", value: 131_072, change: "set", why: "conntrack.min" };
const hash: Sysctl = { name: hashSize, value: 32_768, change: "raise", why: "a quarter" };

type Fake = SysctlFiles & { readonly values: ReadonlyMap<string, string>; readonly written: readonly string[] };

/** `fail` names settings whose writing fails, and how. */
function fake(start: Readonly<Record<string, string>>, fail: Readonly<Record<string, string>> = {}): Fake {
  const values = new Map(Object.entries(start));
  const written: string[] = [];
  return {
    values,
    written,
    read: (name) => Promise.resolve(values.get(name)),
    write: (name, value) => {
      const code = fail[name];
      if (code !== undefined) return Promise.reject(Object.assign(new Error(`${code}: no`), { code }));
      written.push(name);
      values.set(name, value);
      return Promise.resolve();
    },
  };
}

describe("writes only what differs", () => {
  test.each([
    ["65536", "16384", [max.name, hash.name]],
    ["262144", "16384", [max.name, hash.name]],
    ["131072", "16384", [hash.name]],
    ["131072", "32768", []],
    ["131072", "65536", []],
  ])("from %s and %s", async (before, size, written) => {
    const files = fake({ [max.name]: before, [hash.name]: size });
    const tuned = await applySysctls([max, hash], files);
    expect(files.written).toEqual(written);
    expect(tuned.changes.map(({ name }) => name)).toEqual(written);
    expect(tuned).toMatchObject({ problems: [], event: undefined });
    expect((await applySysctls([max, hash], files)).changes).toEqual([]);
  });
});

test("a rehearsal says the same and writes nothing", async () => {
  const start = { [max.name]: "65536", [hash.name]: "16384" };
  const files = fake(start, { [max.name]: "EROFS" });
  const rehearsed = await rehearseSysctls([max, hash], files);
  expect(files.written).toEqual([]);
  expect(rehearsed).toEqual(await applySysctls([max, hash], fake(start)));
  expect(rehearsed.changes.map(renderSysctl)).toEqual([
    "net/netfilter/nf_conntrack_max from 65536 to 131072: conntrack.min",
    `${hashSize} from 16384 to 32768: a quarter`,
  ]);
});

describe("what cannot be set", () => {
  const start = { [max.name]: "65536", [hash.name]: "16384" };
  test.each([
    ["EROFS", "read-only"],
    ["EACCES", "refused"],
    ["EPERM", "refused"],
    ["EINVAL", "refused"],
  ])("%s is a problem (%s), and the rest is set", async (error, code) => {
    const files = fake(start, { [max.name]: error });
    const tuned = await applySysctls([max, hash], files);
    expect(tuned.problems.map((problem) => [problem.code, problem.name])).toEqual([[code, max.name]]);
    expect(files.written).toEqual([hash.name]);
  });

  test("what is absent is a problem, and is not written", async () => {
    const files = fake({ [hash.name]: "16384" });
    const tuned = await applySysctls([max, hash], files);
    expect(tuned.problems.map((problem) => [problem.code, problem.name])).toEqual([["absent", max.name]]);
    expect(files.values.has(max.name)).toBe(false);
  });

  test("what cannot be read is a problem", async () => {
    const files: SysctlFiles = { ...fake(start), read: () => Promise.reject(new Error("broken")) };
    expect((await applySysctls([max], files)).problems.map(({ code }) => code)).toEqual(["refused"]);
  });

  test("asks for an event only where a file system is read-only, one for all settings", async () => {
    const readOnly = await applySysctls([max, hash], fake(start, { [max.name]: "EROFS", [hash.name]: "EROFS" }));
    expect(readOnly.event).toMatchObject({ type: "Warning", reason: "readOnlySysFS" });
    expect(readOnly.event?.note).toContain(max.name);
    expect(readOnly.event?.note).toContain(hash.name);
    expect((await applySysctls([max], fake(start, { [max.name]: "EACCES" }))).event).toBeUndefined();
  });

  test("is told in one line each", async () => {
    for (const error of ["EROFS", "EACCES"]) {
      const { problems } = await applySysctls([max], fake(start, { [max.name]: error }));
      expect(problems.map(({ text }) => /\n/.test(text))).toEqual([false]);
    }
  });
});
