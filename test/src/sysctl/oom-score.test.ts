import { expect, test } from "@jest/globals";
import { applyOomScore } from "../../../src/sysctl/oom-score.ts";
import { hostFiles } from "../../../src/sysctl/sysctl-files.ts";

const refused = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

function aProcess(score: string) {
  const written: (readonly [string, string])[] = [];
  return {
    written,
    files: {
      read: () => Promise.resolve(score),
      write: (name: string, value: string) => {
        written.push([name, value]);
        return Promise.resolve();
      },
    },
  };
}

test("sets a score that differs, and writes nothing where it is right", async () => {
  const differs = aProcess("-997");
  expect(await applyOomScore(-999, differs.files)).toBeUndefined();
  expect(differs.written).toEqual([["/proc/self/oom_score_adj", "-999"]]);
  const right = aProcess("-999");
  expect(await applyOomScore(-999, right.files)).toBeUndefined();
  expect(right.written).toEqual([]);
});

test.each(["EACCES", "EPERM", "EROFS"])("says that %s came back, and what would help", async (code) => {
  const files = { ...aProcess("0").files, write: refused(code) };
  expect(await applyOomScore(-999, files)).toMatch(new RegExp(`oomScoreAdj.*-999.*${code}.*SYS_RESOURCE`));
});

test("of this process can be made worse, and is what a program started by it has", async () => {
  const files = hostFiles();
  const before = Number(await files.read("/proc/self/oom_score_adj"));
  expect(await applyOomScore(Math.min(before + 1, 1000), files)).toBeUndefined();
  expect(await files.read("/proc/self/oom_score_adj")).toBe(String(Math.min(before + 1, 1000)));
  await applyOomScore(before, files);
});
