// Tests of src/commands/run-options.ts.
import { describe, expect, test } from "@jest/globals";
import { Command, CommanderError } from "commander";
import { flags } from "../../../src/config/flag-table.ts";
import { addRunOptions, givenFlags, type RunOptions } from "../../../src/commands/run-options.ts";

const command = () =>
  addRunOptions(new Command("run"))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
const parse = (words: readonly string[]) => command().parse(words, { from: "user" }).opts<RunOptions>();

test("without any, nothing is given", () => {
  const options = parse([]);
  expect([options, givenFlags(options)]).toEqual([{}, {}]);
});

test.each<[readonly string[], object]>([
  [["--config", "c", "--master", "m", "--dry-run"], { config: "c", master: "m", dryRun: true }],
  [["--init-only"], { initOnly: true }],
  [["--init-only=false"], { initOnly: false }],
  [["--cleanup=true"], { cleanup: true }],
  [["--write-config-to", "-"], { writeConfigTo: "-" }],
])("reads %j", (words, expected) => {
  expect(parse(words)).toEqual(expected);
});

test.each<[readonly string[], object]>([
  [["--hostname-override=a", "--hostname-override", "b"], { "hostname-override": ["a", "b"] }],
  [["--oom-score-adj", "-998"], { "oom-score-adj": ["-998"] }],
  [["--masquerade-all"], { "masquerade-all": ["true"] }],
  [["--masquerade-all", "--masquerade-all=false"], { "masquerade-all": ["true", "false"] }],
  [["--masquerade-all", "--config", "c"], { "masquerade-all": ["true"] }],
  [["--metrics-bind-address="], { "metrics-bind-address": [""] }],
  [["--v=3"], { v: ["3"] }],
  [["-v=3"], { v: ["3"] }],
  [["-v", "3"], { v: ["3"] }],
  [["-v3"], { v: ["3"] }],
  [["--healthz-port", "0"], { "healthz-port": ["0"] }],
])("gives the flags of %j", (words, expected) => {
  expect(givenFlags(parse(words))).toEqual(expected);
});

describe("every flag of the table", () => {
  test.each(flags.map(({ name }) => [name]))("--%s is taken, and none takes another's place", (name) => {
    expect(givenFlags(parse([`--${name}=x`]))).toEqual({ [name]: ["x"] });
  });

  test("stands in help, under a heading", () => {
    const help = command().helpInformation();
    for (const { name } of flags) expect(help).toMatch(new RegExp(`^  (-v, )?--${name} [<[]`, "m"));
    const [own = ""] = help.split("\n\nFields of the configuration");
    expect(flags.filter(({ name }) => own.includes(`--${name} `))).toEqual([]);
  });
});

test("reads the options of IPVS mode that are no flags of kube-proxy's", () => {
  expect(parse(["--ipvs-drain-timeout", "0", "--ipvs-fallback"])).toMatchObject({
    ipvsDrainTimeout: 0,
    ipvsFallback: true,
  });
  expect(parse(["--ipvs-drain-timeout=60"])).toEqual({ ipvsDrainTimeout: 60 });
});

test.each([
  [["--init-only=maybe"]],
  [["--ipvs-drain-timeout=15m"]],
  [["--ipvs-drain-timeout=-1"]],
  [["--cleanup", "now"]],
  [["--oom-score-adj"]],
  [["--no-such-flag"]],
  [["more"]],
])("refuses %j", (words) => {
  expect(() => parse(words)).toThrow(CommanderError);
});
