// Tests of rules/ipset/render-sets.ts.
import { expect, test } from "@jest/globals";
import type { SetChange } from "../../../rules/ipset/diff-sets.ts";
import { renderSetChanges, setChangeOfLine } from "../../../rules/ipset/render-sets.ts";
import { emptySet } from "../../../rules/ipset/set-table.ts";

const set = emptySet("KUBE-6-LOAD-BALANCER-SOURCE-CID", "hash:ip,port,net");
const ports = emptySet("KUBE-NODE-PORT-TCP", "bitmap:port");
const entry = { set: "KUBE-CLUSTER-IP", entry: "10.96.0.1,tcp:80", service: "default/web" };
const grow: SetChange = { kind: "grow-set", set, entries: ["fd00::1,tcp:80,fd00::/8", "fd00::2,tcp:80,fd00::/8"] };

test.each<[SetChange, string[]]>([
  [{ kind: "create-set", set }, [`create ${set.name} hash:ip,port,net family inet6 maxelem 65536 -exist`]],
  [{ kind: "create-set", set: ports }, ["create KUBE-NODE-PORT-TCP bitmap:port range 0-65535 -exist"]],
  [{ kind: "add-entry", ...entry }, ["add KUBE-CLUSTER-IP 10.96.0.1,tcp:80 -exist"]],
  [{ kind: "delete-entry", ...entry }, ["del KUBE-CLUSTER-IP 10.96.0.1,tcp:80 -exist"]],
  [{ kind: "destroy-set", set }, [`destroy ${set.name}`]],
  [
    grow,
    [
      "create RW-6-LOAD-BALANCER-SOURCE-CID hash:ip,port,net family inet6 maxelem 65536 -exist",
      "flush RW-6-LOAD-BALANCER-SOURCE-CID",
      "add RW-6-LOAD-BALANCER-SOURCE-CID fd00::1,tcp:80,fd00::/8 -exist",
      "add RW-6-LOAD-BALANCER-SOURCE-CID fd00::2,tcp:80,fd00::/8 -exist",
      `swap RW-6-LOAD-BALANCER-SOURCE-CID ${set.name}`,
      "destroy RW-6-LOAD-BALANCER-SOURCE-CID",
    ],
  ],
])("%j", (change, lines) => {
  expect(renderSetChanges([change], 6)).toBe(`${lines.join("\n")}\n`);
});

test("each line is its change's", () => {
  const changes: SetChange[] = [{ kind: "create-set", set }, grow, { kind: "add-entry", ...entry }];
  const lines = renderSetChanges(changes, 6).split("\n").length - 1;
  const owners = Array.from({ length: lines + 2 }, (_, line) => setChangeOfLine(changes, line)?.kind);
  expect(owners).toEqual([
    undefined,
    "create-set",
    ...Array.from({ length: 6 }, () => "grow-set"),
    "add-entry",
    undefined,
  ]);
});
