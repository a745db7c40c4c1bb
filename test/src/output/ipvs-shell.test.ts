// Tests of src/output/ipvs-shell.ts: the script is run by a shell, with programs that keep what they are fed in the place of the tools.
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { execa } from "execa";
import { applyState } from "../../../src/ipvs/apply-state.ts";
import { observe } from "../../../src/ipvs/observe.ts";
import { renderIpvsShell } from "../../../src/output/ipvs-shell.ts";
import { diffStates } from "../../../rules/ipvs/steps.ts";
import { aFakeIpvsKernel, type FakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";
import { patient } from "../../make/ipvs.ts";
import { aWeb } from "../commands/a-manifest.ts";
import { aDesired } from "../desired/a-desired.ts";
import { aFolder } from "../golden/a-case.ts";

const aPlan = (...manifests: string[]) =>
  aDesired(manifests.join(""), { nodeAddresses: ["192.168.0.2"] as never, families: [4], backend: "ipvs" });

/** Keeps its name, arguments and standard input; `ipvsadm -Sn` and `ip link show` answer for the fake. */
const stub = `#!/bin/sh
here=\${0%/*}
case "\${0##*/} $*" in
"ipvsadm -Sn") cat "$here/servers"; exit ;;
"ip link show "*) grep -q kube-ipvs0 "$here/addresses"; exit ;;
"iptables "*" -C "*) exit 1 ;;
esac
echo "@ \${0##*/} $*" >> "$here/said"
case "$*" in *restore*|*batch*|*--noflush*) cat >> "$here/said" ;; esac
`;

/** Runs the script on the fake; gives the commands in order. */
async function runOn(kernel: FakeIpvsKernel, script: string): Promise<string[]> {
  const tools = ["ipset", "ip", "ipvsadm", "iptables", "iptables-restore", "sysctl"];
  const folder = await aFolder({
    ...Object.fromEntries(tools.map((tool) => [tool, stub])),
    servers: kernel.tools.servers(),
    addresses: kernel.tools.addresses(),
    said: "",
  });
  for (const tool of tools) await chmod(join(folder, tool), 0o755);
  await execa("sh", ["-s"], { input: script, env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` } });
  const said = (await readFile(join(folder, "said"), "utf8")).split(/^@ /m).slice(1);
  for (const each of said) await obey(kernel, each);
  return said.map((each) => each.split("\n")[0] ?? "");
}

async function obey(kernel: FakeIpvsKernel, said: string): Promise<void> {
  const [command = "", ...lines] = said.split("\n");
  const input = lines.join("\n");
  if (command === "ipset restore") expect(await kernel.restoreSets(input)).toEqual({ ok: true });
  else if (command === "ipvsadm --restore") await kernel.restoreServers(input);
  else if (command.startsWith("ip -batch")) expect(await kernel.changeAddresses(input)).toEqual({ ok: true });
  else if (command.startsWith("ip link"))
    expect(await kernel.changeAddresses(`${command.slice(3)}\n`)).toEqual({ ok: true });
  else if (command.startsWith("iptables-restore")) expect(await kernel.rules.restore(4, input)).toEqual({ ok: true });
}

const states = async (kernel: FakeIpvsKernel) => (await observe(kernel, 4)).state;

test("makes a fresh node as wanted, sets before rules before addresses before virtual servers", async () => {
  const desired = aPlan(aWeb({ nodePort: 30080 }));
  const kernel = await aFakeIpvsKernel();
  const commands = await runOn(kernel, renderIpvsShell(desired, "nft"));
  expect(
    commands
      .map((each) => each.split(" ").slice(0, 2).join(" "))
      .filter((each) => !/^(?:iptables -|sysctl)/.test(each)),
  ).toEqual([
    "ipset restore",
    "iptables-restore -w",
    "ip link",
    "ip -batch",
    "ipvsadm --restore",
    "ipvsadm --restore",
    "ipset restore",
  ]);
  expect(commands[0]).toBe("sysctl -q -w net.ipv4.vs.conntrack=1");
  // Jumps are put in their places by iptables, which the stub takes for done.
  const { state } = desired.ipvsBuilds[0] ?? {};
  const { steps } = diffStates(await states(kernel), state ?? (await states(kernel)), patient);
  expect(
    steps.flatMap(({ changes }) => changes.map(({ kind }) => kind)).filter((kind) => kind !== "insert-jump"),
  ).toEqual([]);
});

test("on a node where it ran before, entries that are gone go and endpoints that are gone drain; Services that are gone stay", async () => {
  const kernel = await aFakeIpvsKernel();
  const before = aPlan(aWeb({ endpoints: ["10.244.0.5", "10.244.0.6"] }), aWeb({ name: "old", ip: "10.96.0.11" }));
  for (const { state } of before.ipvsBuilds) await applyState(kernel, state, { drained: "idle", excludeCidrs: [] });
  const script = renderIpvsShell(aPlan(aWeb({ endpoints: ["10.244.0.6", "10.244.0.7"] })), "nft");
  await runOn(kernel, script);
  expect(kernel.tools.servers().match(/^-a .*$/gm)).toEqual([
    "-a -t 10.96.0.10:80 -r 10.244.0.5:8080 -m -w 0",
    "-a -t 10.96.0.10:80 -r 10.244.0.6:8080 -m -w 1",
    "-a -t 10.96.0.10:80 -r 10.244.0.7:8080 -m -w 1",
    "-a -t 10.96.0.11:80 -r 10.244.0.5:8080 -m -w 1",
  ]);
  expect(kernel.tools.sets()).not.toMatch(/^add KUBE-CLUSTER-IP 10\.96\.0\.11/m);
  expect(kernel.tools.sets()).not.toContain("RW-");
  const after = [kernel.tools.servers(), kernel.tools.sets()].map((text) => text.split("\n").sort());
  await runOn(kernel, script);
  expect([kernel.tools.servers(), kernel.tools.sets()].map((text) => text.split("\n").sort())).toEqual(after);
});

test("stops where ipvsadm complains of what should be there by now", async () => {
  const folder = await aFolder({
    ipvsadm: '#!/bin/sh\ncat >/dev/null\ncase $1 in --restore) echo "No such service" >&2 ;; esac\n',
  });
  await chmod(join(folder, "ipvsadm"), 0o755);
  const script = renderIpvsShell(aPlan(aWeb()), "nft");
  const tail =
    script.slice(script.indexOf("servers()"), script.indexOf("\nipvsadm -Sn")) +
    script.slice(script.indexOf("\nservers | "));
  const ended = await execa("sh", ["-eus"], {
    input: tail.split("\nipset restore")[0] ?? "",
    env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` },
    reject: false,
  });
  expect([ended.exitCode, ended.stderr]).toEqual([1, "ipvsadm: No such service"]);
});
