// Tests of src/commands/demo.ts, through the built file.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { canMakeNamespaces, iptablesWorks } from "../../lab/probe.ts";
import { findTool } from "../../lab/tool.ts";
import { endpointsAfter, endpointsBefore } from "../../../src/demo/example.ts";
import { built, cli, type Ended } from "./cli.ts";

beforeAll(built, 120_000);

const sections = (stdout: string) => stdout.match(/^== .*/gm)?.length ?? 0;

/** Manifests, summary, rules. */
const planSections = 3;

function expectPlan({ code, stdout }: Ended): void {
  expect(code).toBe(0);
  expect(stdout).toContain("kind: EndpointSlice");
  expect(stdout).toMatch(/^default\/hello:http +10\.96\.0\.10:80\/TCP/m);
  expect(stdout).toMatch(/^-A KUBE-SERVICES .*-d 10\.96\.0\.10\/32/m);
}

/** Each backend answers, before and after one of them is replaced, through the cluster IP and the node port. */
function expectWork({ stdout }: Ended): void {
  const names = [...stdout.matchAll(/^300 to .* were answered by (.*)$/gm)].map(([, answers = ""]) =>
    answers.split(", ").map((answer) => answer.split(" ")[0]),
  );
  const [before, after] = [endpointsBefore, endpointsAfter].map((endpoints) => endpoints.map(({ name }) => name));
  expect(names).toEqual([before, before, after, after]);
  expect(stdout.match(/reads back as wanted: yes/g)).toHaveLength(2);
  expect(stdout).toMatch(
    /^default\/hello:http: endpoint 10\.244\.0\.14:8080 is new; endpoint 10\.244\.0\.13:8080 is gone$/m,
  );
  expect(stdout).toMatch(/\d+ deleted, \d+ removed; no change left to make\n$/);
}

function expectPlanOnly({ stdout, stderr }: Ended): void {
  expect(sections(stdout)).toBe(planSections);
  expect(stderr).toMatch(/^warn: .*printed only.*\n$/);
}

const namespaces = await canMakeNamespaces();
const tools = namespaces.yes ? await iptablesWorks("nft") : namespaces;
const title = `demo (${tools.yes ? "root" : `skipped: ${tools.because}`})`;

(tools.yes ? describe : describe.skip)(title, () => {
  test("prints the plan, applies it, and shows who answers", async () => {
    const ended = await cli(["demo"]);
    expectPlan(ended);
    expectWork(ended);
    expect(ended.stderr).toBe("");
  });
});

const [setpriv, unshare] = [await findTool("setpriv"), await findTool("unshare")];

test("any user gets the plan, and the rest where user namespaces are allowed", async () => {
  const nobody = setpriv !== undefined && process.getuid?.() === 0;
  const before = nobody ? [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  const ended = await cli(["demo"], { before });
  expectPlan(ended);
  if (sections(ended.stdout) > planSections) expectWork(ended);
  else expectPlanOnly(ended);
});

// A user namespace in which no more namespaces can be made stands for a machine that does not allow them.
const shut = [
  unshare ?? "",
  "-Ur",
  "sh",
  "-c",
  'cd /proc/sys/user && echo 0 >max_net_namespaces && cd / && exec "$@"',
  "sh",
];
const shuts = unshare === undefined ? undefined : await cli(["--version"], { before: shut }).catch(() => undefined);
const why = shuts?.code === 0 ? "" : " (skipped: unshare -Ur does not work here)";

(why === "" ? test : test.skip)(`where no namespace can be made there is the plan, and a warning${why}`, async () => {
  const ended = await cli(["demo"], { before: shut });
  expectPlan(ended);
  expectPlanOnly(ended);
});
