// Tests of src/sysctl/sysctls-for.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  configurationKind,
  configurationVersion,
  decodeConfiguration,
  type Configuration,
} from "../../../src/config/schema.ts";
import { hashSize, sysctlsFor, type Host } from "../../../src/sysctl/sysctls-for.ts";

function configured(fields: object = {}): Configuration {
  const { value } = decodeConfiguration({ apiVersion: configurationVersion, kind: configurationKind, ...fields });
  if (value === undefined) throw new Error("bug: the test's configuration is not sound");
  return value;
}

const settings = (conntrack: object, host: Partial<Host> = {}) =>
  sysctlsFor(configured({ conntrack }), { cores: 2, routeLocalnet: false, ...host });
const valueOf = (name: string, ...given: Parameters<typeof settings>) =>
  settings(...given).find((sysctl) => sysctl.name === name)?.value;

test("kube-proxy's defaults set limits and the two timeouts of TCP, and leave the rest", () => {
  expect(settings({}, { cores: 8 }).map(({ name, value, change }) => `${change} ${name} ${value}`)).toEqual([
    "set net/netfilter/nf_conntrack_max 262144",
    `raise ${hashSize} 65536`,
    "set net/netfilter/nf_conntrack_tcp_timeout_established 86400",
    "set net/netfilter/nf_conntrack_tcp_timeout_close_wait 3600",
  ]);
});

describe("nf_conntrack_max", () => {
  test.each([
    ["the minimum on small machines", {}, 1, 131_072],
    ["grows with the CPUs", {}, 16, 524_288],
    ["stops growing at 1,048,576", {}, 128, 1_048_576],
    ["is not more even where the minimum is", { min: 4_000_000 }, 2, 1_048_576],
    ["is left where maxPerCore is 0, whatever the minimum", { maxPerCore: 0, min: 500_000 }, 2, undefined],
    ["follows maxPerCore with a minimum of 0", { maxPerCore: 1000, min: 0 }, 3, 3000],
  ])("%s", (_, conntrack, cores, max) => {
    expect(valueOf("net/netfilter/nf_conntrack_max", conntrack, { cores })).toBe(max);
    expect(valueOf(hashSize, conntrack, { cores })).toBe(max === undefined ? undefined : max / 4);
  });

  test("and hashsize are whole numbers in range, whatever is configured", () => {
    const count = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(count, count, fc.integer({ min: 1, max: 1024 }), (maxPerCore, min, cores) => {
        const max = valueOf("net/netfilter/nf_conntrack_max", { maxPerCore, min }, { cores });
        const hash = valueOf(hashSize, { maxPerCore, min }, { cores });
        if (maxPerCore === 0) expect([max, hash]).toEqual([undefined, undefined]);
        else {
          expect(max).toBe(Math.min(1_048_576, Math.max(min, maxPerCore * cores)));
          expect(hash).toBe(Math.floor(Number(max) / 4));
        }
      }),
    );
  });
});

describe("timeouts and switches", () => {
  test.each([
    ["tcpEstablishedTimeout", "1h30m", "tcp_timeout_established", 5400],
    ["tcpEstablishedTimeout", "0s", "tcp_timeout_established", undefined],
    ["tcpCloseWaitTimeout", "1500ms", "tcp_timeout_close_wait", 1],
    ["tcpCloseWaitTimeout", "500ms", "tcp_timeout_close_wait", undefined],
    ["udpTimeout", "1m", "udp_timeout", 60],
    ["udpStreamTimeout", "3m", "udp_timeout_stream", 180],
    ["tcpBeLiberal", true, "tcp_be_liberal", 1],
    ["tcpBeLiberal", false, "tcp_be_liberal", undefined],
  ])("%s: %s", (field, value, name, expected) => {
    expect(valueOf(`net/netfilter/nf_conntrack_${name}`, { [field]: value })).toBe(expected);
  });

  test.each([
    [true, 1],
    [false, undefined],
  ])("route_localnet follows node ports on loopback: %p", (routeLocalnet, value) => {
    expect(valueOf("net/ipv4/conf/all/route_localnet", {}, { routeLocalnet })).toBe(value);
  });
});

test("no setting is wanted twice", () => {
  const names = settings({ udpTimeout: "1m", udpStreamTimeout: "3m", tcpBeLiberal: true }, { routeLocalnet: true }).map(
    ({ name }) => name,
  );
  expect(names).toHaveLength(8);
  expect(new Set(names).size).toBe(8);
});
