// Tests of src/commands/init-only.ts, over a host made of text.
import { expect, test } from "@jest/globals";
import type { Logger } from "winston";
import type { Ip } from "../../../rules/index.ts";
import { configurationKind, configurationVersion, decodeConfiguration } from "../../../src/config/schema.ts";
import { initOnly } from "../../../src/commands/init-only.ts";

const localnet = "net/ipv4/conf/all/route_localnet";
const liberal = "net/netfilter/nf_conntrack_tcp_be_liberal";
const conntrack = { maxPerCore: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s", tcpBeLiberal: true };

type Host = Record<string, string | undefined>;

async function initialised(fields: object, host: Host, { refuses = "", dryRun = false } = {}) {
  const { value } = decodeConfiguration({
    apiVersion: configurationVersion,
    kind: configurationKind,
    conntrack,
    ...fields,
  });
  if (value === undefined) throw new Error("not sound");
  const logged: string[] = [];
  const say = (level: string) => (text: string) => logged.push(`${level}: ${text}`);
  const log = { info: say("info"), error: say("error") } as unknown as Logger;
  const steps: string[] = [];
  const files = {
    read: (name: string) => Promise.resolve(host[name]),
    write: (name: string, text: string) => {
      steps.push(`${name}=${text}`);
      return name === refuses
        ? Promise.reject(Object.assign(new Error("no"), { code: "EROFS" }))
        : Promise.resolve(void (host[name] = text));
    },
  };
  const localIps = ["10.0.0.1", "127.0.0.1", "::1"] as Ip[];
  const loadModules = (names: readonly string[]) => Promise.resolve(void steps.push(`load ${names.join(" ")}`));
  return { code: await initOnly(value, { files, localIps, loadModules, dryRun }, log), steps, logged };
}

test("loads modules, then sets what differs, route_localnet with it", async () => {
  const host = { [localnet]: "0", [liberal]: "0" };
  const { code, steps, logged } = await initialised({}, host);
  expect([code, steps]).toEqual([0, ["load nf_conntrack ip_tables ip6_tables", `${localnet}=1`, `${liberal}=1`]]);
  expect(logged.filter((line) => line.startsWith("error"))).toEqual([]);
  expect((await initialised({}, host)).steps).toHaveLength(1);
});

test("of a dry run only tells what it would set", async () => {
  const { code, steps, logged } = await initialised({}, { [localnet]: "0", [liberal]: "0" }, { dryRun: true });
  expect([code, steps, logged.length]).toEqual([0, [], 2]);
  expect(logged[0]).toMatch(/would set .*route_localnet/);
});

test.each<[object, boolean]>([
  [{ iptables: { localhostNodePorts: false } }, false],
  [{ nodePortAddresses: ["primary"] }, false],
  [{ nodePortAddresses: ["10.0.0.0/8"] }, false],
  [{ nodePortAddresses: ["127.0.0.0/8"] }, true],
  [{ nodePortAddresses: ["fd00::/8"] }, true],
])("with %j it routes loopback: %j", async (fields, routes) => {
  const { steps } = await initialised(fields, { [localnet]: "0", [liberal]: "1" });
  expect(steps.includes(`${localnet}=1`)).toBe(routes);
});

test("names each setting that could not be made, makes the others, and says 1", async () => {
  const { code, steps, logged } = await initialised(
    {},
    { [localnet]: "0", [liberal]: undefined },
    { refuses: localnet },
  );
  expect([code, steps.slice(1)]).toEqual([1, [`${localnet}=1`]]);
  const errors = logged.filter((line) => line.startsWith("error"));
  expect([errors.length, errors[0], errors[1]]).toEqual([
    2,
    expect.stringContaining(localnet),
    expect.stringContaining(liberal),
  ]);
  const other = await initialised({}, { [localnet]: "0", [liberal]: "0" }, { refuses: localnet });
  expect([other.code, other.steps]).toEqual([1, expect.arrayContaining([`${liberal}=1`])]);
});

test("in mode ipvs loads what that needs and sets its sysctls; loopback is not routed", async () => {
  const wanted = ["vs/conntrack", "vs/expire_nodest_conn", "vs/expire_quiescent_template", "ip_forward"];
  const host = {
    [localnet]: "0",
    [liberal]: "1",
    ...Object.fromEntries(wanted.map((name) => [`net/ipv4/${name}`, "0"])),
  };
  const { code, steps } = await initialised({ mode: "ipvs", ipvs: { scheduler: "mh" } }, host);
  expect(code).toBe(0);
  expect(steps).toEqual([
    "load nf_conntrack ip_tables ip6_tables ip_vs ip_vs_mh dummy ip_set xt_set",
    ...wanted.map((name) => `net/ipv4/${name}=1`),
  ]);
});
