// The lab's network in the guest. In: a guest. Out: hosts that send and answer, a shell and the kernel of the node.
import { realpath } from "node:fs/promises";
import { defaults, layOut, node, type Layout } from "../lab/layout.ts";
import { openParties, type Parties } from "../lab/parties.ts";
import { needTool, runTool } from "../lab/tool.ts";
import type { Worker } from "../lab/worker.ts";
import type { Guest } from "./guest.ts";
import { openShell, type Shell } from "./shell.ts";
import { startGuestWorker } from "./worker.ts";

/** As `Lab`, but that nothing has to be taken away: it ends with the guest. */
export type GuestLab = Parties & {
  /** On the node. */
  readonly shell: Shell;
};

/** The node's addresses: the lab's usual ones first, then one more of each family. */
export const nodeIps = [...defaults.node, "192.168.5.2", "2001:db8:5::2"] as const;

/** Ports on which pods and remotes answer from the start. */
const ports = [80, 8080];

const layout = layOut({ prefix: "lab", node: nodeIps, pods: defaults.pods, remotes: defaults.remotes });

/** Makes it, in 10 s or so. Once in a guest. */
export async function makeGuestLab(guest: Guest): Promise<GuestLab> {
  await script(guest, [`touch -c ${(await oftenOpened()).join(" ")}`, ...namespaceLines(layout)]);
  const workers = new Map<string, Worker>();
  const start = async (name: string) => void workers.set(name, await startGuestWorker(guest, name));
  await Promise.all([...layout.namespaces.map(({ name }) => start(name)), script(guest, linkLines(layout))]);
  const parties = openParties(layout, workers);
  await Promise.all(
    Object.keys(layout.hosts)
      .filter((host) => host !== node)
      .map((host) => parties.listen(host, ports)),
  );
  return { ...parties, shell: openShell(guest, layout.hosts[node]?.namespace ?? "") };
}

/**
 * Files that the tools open each time they run; ipset reads two of them anew for every entry of a set. Touched, they are copied into the
 * overlay's memory, and opening them no longer asks the host over 9p: `ipset save` of 1,000 entries takes a quarter of the time then, and
 * a run of a tool two thirds.
 */
async function oftenOpened(): Promise<string[]> {
  const names = ["ip", "ipset", "ipvsadm", "iptables-nft-save", "sh", "cat", "ethtool", "sysctl", "bash"];
  const tools = await Promise.all(names.map((name) => needTool(name)));
  const { stdout } = await runTool(await needTool("ldd"), tools);
  const libraries = [...stdout.matchAll(/\s(\/\S+)(?: |$)/gm)].map(([, path = ""]) => path);
  const files = ["services", "protocols", "nsswitch.conf", "ld.so.cache"].map((name) => `/etc/${name}`);
  const found = await Promise.all([...tools, ...libraries, ...files].map((path) => realpath(path).catch(() => path)));
  return [...new Set(found)].filter((path) => /^[\w./+-]+$/.test(path));
}

/** All of one kind of step in one shell, since each program costs a tenth of a second. */
function namespaceLines({ namespaces }: Layout): string[] {
  return namespaces.flatMap(({ name, sysctls }) => [
    `ip netns add ${name}`,
    `ip netns exec ${name} sysctl -q -w ${sysctls.join(" ")}`,
  ]);
}

/** As `linkNamespaces` of the lab; why packets are taken in by threads is said there. */
function linkLines({ namespaces }: Layout): string[] {
  return [
    ...namespaces.flatMap(({ name, batch }) => [`ip -n ${name} -batch - <<'.'`, batch.trimEnd(), "."]),
    ...namespaces.flatMap(({ name, threaded, toThreaded }) => {
      const lines = [
        ...toThreaded.map((link) => `ethtool -K ${link} tso off`),
        ...threaded.map((link) => `ethtool -K ${link} gro on && echo 1 >/sys/class/net/${link}/threaded`),
      ];
      return [`ip netns exec ${name} sh -e <<'.'`, ...lines, "."];
    }),
  ];
}

async function script(guest: Guest, lines: readonly string[]): Promise<void> {
  const { code, stderr } = await guest.run("sh", ["-es"], { input: lines.map((line) => `${line}\n`).join("") });
  if (code !== 0 || stderr !== "") throw new Error(`in the guest, making the network: ${stderr}`);
}
