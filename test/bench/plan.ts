// Row "plan": JSON manifests to the full script, by the built command line. In: Scale. Out: Figures of CPU time and peak memory.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manifest, nodeIp, clusterCidr, thisNode } from "./cluster.ts";
import { median, type Figure } from "./figure.ts";
import { runBuilt, type Ran } from "./process.ts";
import { sizeOf, sizeText, type Row, type Scale } from "./row.ts";

export const plan: Row = { name: "plan", title: "manifests to script", needsKernel: false, measure };

async function measure(scale: Scale): Promise<Figure[]> {
  const services = scale === "quick" ? 1000 : 10_000;
  const directory = await mkdtemp(join(tmpdir(), "rwbench-plan-"));
  try {
    const text = manifest(sizeOf(services));
    await writeFile(join(directory, "cluster.json"), text);
    await writeFile(join(directory, "config.yaml"), config);
    const input = `JSON manifests (${(text.length / 1e6).toFixed(0)} MB)`;
    const figures: Figure[] = [];
    for (const mode of modes) {
      const ran: Ran[] = [];
      for (let turn = 0; turn < 5; turn++) ran.push(await planOnce(directory, services, mode));
      figures.push(...figuresOf(`${input} to script${mode.name}, ${sizeText(services)}`, ran));
    }
    return figures;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function figuresOf(name: string, ran: readonly Ran[]): Figure[] {
  const wall = `wall ${(median(ran.map(({ wallMs }) => wallMs)) / 1000).toFixed(2)} s`;
  return [
    {
      name: `${name}: CPU`,
      unit: "s",
      ours: median(ran.map(({ cpuMs }) => cpuMs)) / 1000,
      note: wall,
      target: { kind: "at-most", value: 2 },
    },
    {
      name: `${name}: peak memory`,
      unit: "MB",
      ours: median(ran.map(({ peakMb }) => peakMb)),
      target: { kind: "at-most", value: 250 },
    },
  ];
}

/** How a mode is asked for, and what each endpoint has one of in what it prints. */
const modes = [
  { name: "", options: [], endpoint: /-j DNAT /g },
  { name: " in IPVS mode", options: ["--backend", "ipvs"], endpoint: /^-a /gm },
] as const;

const config = `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: ${clusterCidr}\n`;

async function planOnce(directory: string, services: number, mode: (typeof modes)[number]): Promise<Ran> {
  const output = join(directory, "script");
  const input = ["-f", join(directory, "cluster.json"), "--config", join(directory, "config.yaml"), ...mode.options];
  const ran = await runBuilt(["plan", ...input, "--node-name", thisNode, "--node-address", nodeIp], output);
  const endpoints = (await readFile(output, "utf8")).match(mode.endpoint)?.length ?? 0;
  if (ran.code !== 0 || endpoints !== services * 5)
    throw new Error(
      `bench: plan exited with ${String(ran.code)} and wrote ${endpoints} endpoints${mode.name}, not ${services * 5}`,
    );
  return ran;
}
