// Tests of src/agent/shared-reads.ts.
import { expect, test } from "@jest/globals";
import { shareReads } from "../../../src/agent/shared-reads.ts";
import { aFakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";

test("a text is read once for both families, and anew once it is old or anything was written", async () => {
  const fake = await aFakeIpvsKernel();
  let [reads, ms] = [0, 0];
  const count =
    <T>(read: () => Promise<T>) =>
    () => {
      reads++;
      return read();
    };
  const { readSets, readServers, ...rest } = fake;
  const kernel = shareReads({ ...rest, readSets: count(readSets), readServers: count(readServers) }, () => ms);
  const both = await Promise.all([kernel.readServers(), kernel.readServers()]);
  expect([both, reads]).toEqual([["", ""], 1]);
  ms = 999;
  await kernel.readServers();
  await kernel.readSets();
  expect(reads).toBe(2);
  ms = 1000;
  await kernel.readServers();
  expect(reads).toBe(3);
  await kernel.restoreServers("-A -t 10.96.0.1:80 -s rr\n");
  expect(await kernel.readServers()).toContain("10.96.0.1");
  await kernel.restoreSets("create KUBE-CLUSTER-IP hash:ip,port family inet\n");
  expect(await kernel.readSets()).toContain("KUBE-CLUSTER-IP");
  expect(reads).toBe(5);
});

test("what could not be read is read anew, and what is read while something is written too", async () => {
  const fake = await aFakeIpvsKernel();
  let isBroken = true;
  const kernel = shareReads(
    { ...fake, readSets: () => (isBroken ? Promise.reject(new Error("busy")) : fake.readSets()) },
    () => 0,
  );
  await expect(kernel.readSets()).rejects.toThrow("busy");
  isBroken = false;
  expect(await kernel.readSets()).toBe("");
  const writing = kernel.restoreServers("-A -t 10.96.0.1:80 -s rr\n");
  await kernel.readServers();
  await writing;
  expect(await kernel.readServers()).toContain("10.96.0.1");
});
