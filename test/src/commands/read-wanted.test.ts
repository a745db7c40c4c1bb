// Tests of src/commands/read-wanted.ts; what a cluster gives, test/src/from-cluster/ has.
import { join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import type { Ip } from "../../../rules/index.ts";
import { readWanted } from "../../../src/commands/read-wanted.ts";
import { defaultRanges } from "../../../src/desired/desired.ts";
import { createLog } from "../../../src/log.ts";
import { aFolder } from "../golden/a-case.ts";
import { aWeb, madeUp } from "./a-manifest.ts";
import { built, cli } from "./cli.ts";

beforeAll(built, 120_000);

test("manifests are read where they are named, on the host that is given", async () => {
  const filename = [join(await aFolder({ "a.yaml": aWeb() + madeUp }), "a.yaml")];
  const host = { name: "here", ips: ["10.9.9.9"] as Ip[] };
  const log = createLog({ level: "error", format: "text" });
  const desired = await readWanted({ filename, nodePortRange: defaultRanges.nodePorts }, log, host);
  expect([desired.node.name, desired.node.localIps.includes("10.9.9.9" as Ip)]).toEqual(["here", true]);
  expect(desired.placeholders.length).toBeGreaterThan(0);
});

test.each(["plan", "diff"])(
  "%s asks a cluster where one is named: a kubeconfig that is not there is told",
  async (name) => {
    const kubeconfig = join(await aFolder(), "none");
    const { code, stdout, stderr } = await cli([name, "--from-cluster", "--kubeconfig", kubeconfig]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(kubeconfig);
  },
);
