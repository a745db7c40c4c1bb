// `rulewright run` with kube-proxy's flags: the built agent on a real kernel, beside a fake API server.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { loadConfiguration } from "../../../src/config/load.ts";
import { aFolder } from "../golden/a-case.ts";
import { anAgentNode, endAll } from "./an-agent.ts";
import { built, cli } from "./cli.ts";
import { describeNodes } from "./node.ts";

jest.setTimeout(60_000);
beforeAll(built, 120_000);
afterEach(endAll);

const head = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: 10.128.0.0/9
conntrack: { maxPerCore: 0, tcpEstablishedTimeout: 2h }
`;
const localnet = "net.ipv4.conf.all.route_localnet";
const closeWait = "net.netfilter.nf_conntrack_tcp_timeout_close_wait";

async function aConfig(more = ""): Promise<string> {
  return join(await aFolder({ "config.conf": `${head}${more}` }), "config.conf");
}

await describeNodes(
  "run on a node",
  (node) => {
    const sysctl = async (name: string) => (await node().run("sysctl", ["-n", name])).stdout.trim();

    test("takes flags over the file's fields, says which, and tells the outcome in kube-proxy's words", async () => {
      const here = await anAgentNode(node());
      const config = await aConfig("iptables: { masqueradeBit: 3 }\n");
      const flags = [
        "--iptables-masquerade-bit=5",
        "--oom-score-adj=321",
        "--healthz-port=0",
        "--conntrack-udp-timeout=90s",
      ];
      const agent = here.start("--config", config, ...flags);
      await agent.says(/^info: IPv6: .*created/m);
      expect(await node().save(4)).toContain("--set-xmark 0x20/0x20");
      expect(agent.log()).toContain(`info: flags are over what ${config} says: --iptables-masquerade-bit\n`);
      expect(await readFile(`/proc/${agent.pid}/oom_score_adj`, "utf8")).toBe("321\n");
      const { body } = await here.get("http://127.0.0.1:10249/configz");
      expect(JSON.parse(body)).toEqual({
        "kubeproxy.config.k8s.io": expect.objectContaining({
          clusterCIDR: "10.128.0.0/9",
          iptables: expect.objectContaining({ masqueradeBit: 5, syncPeriod: "30s" }) as unknown,
          conntrack: expect.objectContaining({ tcpEstablishedTimeout: "2h0m0s", udpTimeout: "1m30s" }) as unknown,
        }) as unknown,
      });
      await expect(here.get("http://127.0.0.1:10256/healthz")).rejects.toThrow(/ECONNREFUSED|fetch failed/);
    });

    test("ends with 0 when the configuration file has changed for good, and says so; the rules stay", async () => {
      const here = await anAgentNode(node());
      const config = await aConfig();
      const agent = here.start("--config", config);
      await agent.says(/^info: IPv6: .*created/m);
      await writeFile(config, `${head}oomScoreAdj: 5000\n`);
      await agent.says(/^warn: .*config\.conf was changed, but cannot be used.*config\.conf:5:1: .*oomScoreAdj/m, 15);
      await writeFile(config, `${head}oomScoreAdj: 500\n`);
      await agent.says(/^info: .*config\.conf was changed.*stopping; the rules stay/m, 15);
      expect(await agent.ended()).toBe(0);
      expect(await node().save(4)).toContain("KUBE-SERVICES");
    });

    test("--init-only sets what differs, without any API server, and has nothing to do the second time", async () => {
      const config = await aConfig();
      const [first, second] = [
        await node().cli("run", "--init-only", "--config", config),
        await node().cli("run", "--init-only", "--config", config),
      ];
      expect([first.code, second.code]).toEqual([0, 0]);
      expect(first.stderr.match(/^info: set .*/gm)?.length).toBe(3);
      expect(second.stderr).not.toMatch(/^info: set |^warn|^error/m);
      expect([await sysctl(localnet), await sysctl(closeWait)]).toEqual(["1", "3600"]);
      expect(await node().save(4)).not.toContain("KUBE-");
    });

    test("--init-only says 1 and names what could not be set", async () => {
      const { code, stderr } = await node().cli(
        "run",
        "--init-only",
        "--config",
        await aConfig(),
        "--conntrack-max-per-core=77777",
      );
      expect(code).toBe(1);
      expect(stderr).toMatch(/^error: net\/netfilter\/nf_conntrack_max /m);
      expect(await sysctl(localnet)).toBe("1");
    });

    test("--cleanup removes the rules and exits", async () => {
      const here = await anAgentNode(node());
      const agent = here.start();
      await agent.says(/^info: IPv6: .*created/m);
      await agent.end("SIGTERM");
      expect(await node().save(4)).toContain("KUBE-");
      const { code } = await node().cli("run", "--cleanup", "--variant", node().variant, "--config", await aConfig());
      expect(code).toBe(0);
      expect((await node().save(4)) + (await node().save(6))).not.toContain("KUBE-");
    });
  },
  ["nft"],
);

describe("run --write-config-to", () => {
  test("writes the configuration in force, which is then read as the same", async () => {
    const config = await aConfig("oomScoreAdj: 4\n");
    const written = `${config}.out`;
    const flags = ["--hostname-override=Node-A", "--nodeport-addresses=10.0.0.0/8,fd00::/8", "-v=2"];
    expect((await cli(["run", "--config", config, ...flags, "--write-config-to", written])).code).toBe(0);
    const loaded = loadConfiguration(await readFile(written, "utf8"));
    expect([loaded.problems, loaded.config]).toEqual([
      [],
      {
        ...loadConfiguration(await readFile(config, "utf8")).config,
        hostnameOverride: "node-a",
        nodePortAddresses: ["10.0.0.0/8", "fd00::/8"],
        logging: { ...loaded.config?.logging, verbosity: 2 },
      },
    ]);
    const again = await cli(["run", "--config", written, "--write-config-to", "-"]);
    expect(again.stdout).toBe(await readFile(written, "utf8"));
  });

  test.each<[readonly string[], RegExp]>([
    [["--iptables-masquerade-bit=40"], /^error: --iptables-masquerade-bit: is 40, must be 0 to 31\n/],
    [["--nodeport-addresses=10.0.0.1"], /^error: --nodeport-addresses \[0\]: is "10\.0\.0\.1", must be /],
    [["--proxy-mode=userspace"], /^error: --proxy-mode: is "userspace", must be iptables, /],
    [["--config", "/missing"], /^error: cannot read "\/missing"/],
  ])("says what is wrong with %j, and ends with 2", async (args, said) => {
    const { code, stdout, stderr } = await cli(["run", ...args, "--write-config-to", "-"]);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringMatching(said)]);
  });
});
