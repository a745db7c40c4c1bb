// Row "compare": kube-proxy's dump against the manifests, by the built command line. In: Scale. Out: Figures of time and peak memory.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clusterCidr, manifest, nodeIp, thisNode } from "./cluster.ts";
import type { Figure } from "./figure.ts";
import { stateOf } from "./ours.ts";
import { renderKubeProxyLayout } from "../make/kube-proxy-layout.ts";
import { runBuilt } from "./process.ts";
import { sizeOf, sizeText, type Row, type Scale } from "./row.ts";

export const compare: Row = {
  name: "compare",
  title: "kube-proxy's rules against manifests",
  needsKernel: false,
  measure,
};

async function measure(scale: Scale): Promise<Figure[]> {
  const services = scale === "quick" ? 1000 : 10_000;
  const directory = await mkdtemp(join(tmpdir(), "rwbench-compare-"));
  const file = (name: string) => join(directory, name);
  try {
    const rules = renderKubeProxyLayout(stateOf(sizeOf(services)).build.model);
    await writeFile(file("kube-proxy.rules"), rules);
    await writeFile(file("cluster.json"), manifest(sizeOf(services)));
    await writeFile(file("config.yaml"), config);
    const sides = [file("kube-proxy.rules"), file("cluster.json"), "--config", file("config.yaml")];
    const node = ["--node-name", thisNode, "--node-address", nodeIp, "--family", "4"];
    const ran = await runBuilt(["compare", ...sides, ...node], file("output"));
    const said = await readFile(file("output"), "utf8");
    if (ran.code !== 0 || !said.startsWith("IPv4: the same fate for all "))
      throw new Error(`bench: compare exited with ${String(ran.code)} and said ${said.slice(0, 300)}`);
    const name = `compare of kube-proxy's dump (${(rules.length / 1e6).toFixed(0)} MB) with manifests, ${sizeText(services)}`;
    return [
      {
        name: `${name}: wall`,
        unit: "s",
        ours: ran.wallMs / 1000,
        note: `${/all ([\d,]+) classes/.exec(said)?.[1] ?? ""} classes of packets`,
        target: { kind: "at-most", value: 60 },
      },
      { name: `${name}: peak memory`, unit: "MB", ours: ran.peakMb, target: { kind: "at-most", value: 1500 } },
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const config = `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: ${clusterCidr}\n`;
