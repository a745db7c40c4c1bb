// Tests of src/sysctl/ipvs-sysctls.ts.
import { expect, test } from "@jest/globals";
import { ipvsSysctls } from "../../../src/sysctl/ipvs-sysctls.ts";

const told = (release: string, strictArp = false) =>
  ipvsSysctls({ strictArp }, release).map(({ name, value }) => `${name}=${value}`);

test("are kube-proxy's", () => {
  const always = ["net/ipv4/vs/conntrack=1", "net/ipv4/vs/expire_nodest_conn=1"];
  const last = ["net/ipv4/vs/expire_quiescent_template=1", "net/ipv4/ip_forward=1"];
  expect(told("6.1.0-18-amd64")).toEqual([...always, ...last]);
  expect(told("6.1.0-18-amd64", true)).toEqual([
    ...always,
    ...last,
    "net/ipv4/conf/all/arp_ignore=1",
    "net/ipv4/conf/all/arp_announce=2",
  ]);
});

test.each([
  ["3.10.0-1160.el7.x86_64", false],
  ["4.0.9", false],
  ["4.1", true],
  ["4.19.0-26-amd64", true],
  ["5.8.18", true],
  ["5.9.0", false],
  ["5.10.1", false],
  ["unknown", false],
])("on Linux %s, that a client may take a port again is set: %s", (release, isSet) => {
  expect(told(release).includes("net/ipv4/vs/conn_reuse_mode=0")).toBe(isSet);
});
