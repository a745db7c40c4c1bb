// Tests of src/commands/status.ts, through the built file: against answers that a test makes up, and against an agent on a node.
import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { defaultServer, readSeconds, readServer } from "../../../src/commands/status.ts";
import { decodeStatus } from "../../../src/debug/status-shape.ts";
import { renderStatus } from "../../../src/output/status-text.ts";
import { findTool, needTool, runTool } from "../../lab/tool.ts";
import type { ApiObject } from "../../support/store.ts";
import { aStatus } from "../debug/a-status.ts";
import { aFolder } from "../golden/a-case.ts";
import { anAgentNode, endAll, name } from "./an-agent.ts";
import { built, bundle, cli } from "./cli.ts";
import { describeNodes } from "./node.ts";

jest.setTimeout(60_000);
beforeAll(built, 120_000);

const terminal = await findTool("script");
const open: (() => void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) close();
  await endAll();
});

type Said = { readonly code?: number; readonly body?: string; readonly silent?: boolean };

/** Something that answers everything with `said`, the last one again and again; where it is, and what it was asked. */
async function answering(...said: readonly Said[]) {
  const asked: string[] = [];
  const left = [...said];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const { code = 200, body = JSON.stringify(aStatus()), silent = false } = left[0] ?? {};
    if (left.length > 1) left.shift();
    if (!silent) response.writeHead(code).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe("--server takes", () => {
  test.each([
    ["http://127.0.0.1:10249", "http://127.0.0.1:10249"],
    ["127.0.0.1:10249", "http://127.0.0.1:10249"],
    ["localhost:1", "http://localhost:1"],
    ["[::1]:10249", "http://[::1]:10249"],
    ["https://node-a.example:8443/", "https://node-a.example:8443"],
  ])("%s", (text, url) => {
    expect(readServer(text)).toBe(url);
  });
});

test.each(["", "http://", "ftp://127.0.0.1", "http://a/metrics", "http://a/?b", "http://a/#b", "a b"])(
  "--server refuses %j",
  (text) => {
    expect(() => readServer(text)).toThrow(/must be a URL/);
  },
);

test.each([
  ["2", 2],
  ["0.5", 0.5],
])("--watch %s is so many seconds", (text, seconds) => {
  expect(readSeconds(text)).toBe(seconds);
});

test.each(["0", "-1", "0.05", "soon", "1e9", "100000", "Infinity"])("--watch %s is refused", (text) => {
  expect(() => readSeconds(text)).toThrow(/must be a number of seconds/);
});

test("--help gives an example", async () => {
  const { code, stdout } = await cli(["status", "--help"]);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/\nExample:\n {2}rulewright status\b.*\n$/)]);
});

describe("one look", () => {
  const ill = aStatus({ healthy: false });
  test.each([
    ["a healthy agent", aStatus(), 0],
    ["an agent that is not", ill, 1],
  ])("at %s prints its status, and the exit status says which", async (_, status, code) => {
    const { url, asked } = await answering({ body: JSON.stringify(status) });
    expect(await cli(["status", "--server", url])).toEqual({ code, stdout: renderStatus(status, false), stderr: "" });
    expect(asked).toEqual(["/debug/status"]);
    const json = await cli(["status", "--server", url, "-o", "json"]);
    expect([json.code, JSON.parse(json.stdout)]).toEqual([code, status]);
  });

  test.each<[string, Said, RegExp]>([
    ["refuses us", { code: 403, body: "not allowed\n" }, /status: 403 .*token/],
    ["wants a token", { code: 401, body: "a bearer token is needed" }, /status: 401 .*token/],
    ["has no such path", { code: 404, body: "404 page not found\n" }, /status: 404 .*no agent of rulewright/],
    ["is something else", { body: "<html>" }, /status: 200 .*no agent of rulewright/],
    ["sends us elsewhere", { code: 302, body: "" }, /status: 302 .*no agent of rulewright/],
    ["is in trouble", { code: 500, body: "\u001b[2J" }, /status: 500 .*the agent's log/],
    ["is silent", { silent: true }, /no answer in 5 s.*--server/],
  ])("at what %s ends with 2, and says what to do in a line", async (_, said, line) => {
    const { url } = await answering(said);
    const { code, stdout, stderr } = await cli(["status", "--server", url]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(line);
    expect(stderr).toMatch(/^error: GET http:[\x20-\x7e]+\n$/);
  });

  test("where nothing listens ends with 2, and names what was tried", async () => {
    const { url } = await answering();
    open.pop()?.();
    const { code, stderr } = await cli(["status", "--server", url]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`GET ${url}/debug/status: connect ECONNREFUSED`)]);
  });
});

/** Starts it, and kills it after the test where it still runs. */
function watching(child: ChildProcess) {
  let [out, err] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = new Promise<number | string | null>((resolve) => {
    child.once("close", (code, signal) => {
      resolve(code ?? signal);
    });
  });
  open.push(() => child.kill("SIGKILL"));
  return {
    ended,
    out: () => out,
    err: () => err,
    until: async (isSo: () => boolean) => {
      for (const end = Date.now() + 10_000; Date.now() < end && !isSo();) await sleep(10);
      if (!isSo()) throw new Error(`not so: ${JSON.stringify({ out, err })}`);
    },
  };
}

describe("--watch", () => {
  const [first, second] = [aStatus({ node: "first" }), aStatus({ node: "second", healthy: false })];
  const bodies = [{ body: JSON.stringify(first) }, { body: JSON.stringify(second) }];
  const watch = (url: string, ...more: string[]) => [bundle, "status", "--server", url, "--watch", "0.1", ...more];

  test("prints a block a look, empty lines between, until it is interrupted, which is no failure", async () => {
    const { url } = await answering(...bodies);
    const child = spawn(process.execPath, watch(url));
    const { until, out, err, ended } = watching(child);
    await until(() => out().split("second:").length > 2);
    child.kill("SIGINT");
    expect([await ended, err()]).toEqual([0, ""]);
    const [one, two] = [renderStatus(first, false), renderStatus(second, false)];
    expect(out().startsWith([one, two, two].join("\n"))).toBe(true);
  });

  test("ends at once where it waits for an answer", async () => {
    const { url, asked } = await answering({ silent: true });
    const child = spawn(process.execPath, watch(url));
    const { until, ended, out, err } = watching(child);
    await until(() => asked.length === 1);
    child.kill("SIGINT");
    expect([await ended, out(), err()]).toEqual([0, "", ""]);
  });

  test("goes on while the agent is away", async () => {
    const away = { code: 503, body: "" };
    const { url } = await answering(bodies[0] ?? {}, away, away, bodies[1] ?? {});
    const child = spawn(process.execPath, watch(url));
    const { until, out, err, ended } = watching(child);
    await until(() => out().includes("second:"));
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    expect(err().match(/^error: GET .*503/gm)).toHaveLength(2);
  });

  test("ends when nobody reads any more", async () => {
    const { url } = await answering();
    const child = spawn(process.execPath, watch(url));
    const { until, out, ended } = watching(child);
    await until(() => out() !== "");
    child.stdout.destroy();
    expect(await ended).toBe(0);
  });

  test("looks every two seconds unless told otherwise", async () => {
    const { url, asked } = await answering();
    const child = spawn(process.execPath, watch(url).slice(0, -1));
    const { until, out } = watching(child);
    await until(() => out() !== "");
    await sleep(1200);
    expect(asked).toHaveLength(1);
    await until(() => asked.length === 2);
  });

  (terminal === undefined ? test.skip : test)(
    `draws over the last on a terminal, in colour${terminal === undefined ? " (skipped: script is not installed)" : ""}`,
    async () => {
      const { url } = await answering(...bodies);
      // In CI Node takes every terminal for one without colours.
      const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => key !== "CI" && key !== "NO_COLOR"));
      const command = [process.execPath, ...watch(url)].join(" ");
      const child = spawn(terminal ?? "", ["-qec", command, "/dev/null"], { env: { ...env, TERM: "xterm" } });
      const { until, out } = watching(child);
      await until(() => out().includes("unhealthy"));
      const looks = out().split("\u001b[H");
      expect(looks[0]).toBe("");
      expect(looks[1]).toMatch(/first.*\u001b\[32mhealthy\u001b.*\u001b\[K\r\n[^]*\u001b\[J$/);
      expect(looks[2]).toMatch(/second.*\u001b\[31munhealthy\u001b/);
    },
  );
});

const service: ApiObject = {
  ...{ apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "default" } },
  spec: {
    ...{ clusterIP: "10.96.0.10", clusterIPs: ["10.96.0.10"] },
    ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080 }],
  },
};
const slice: ApiObject = {
  ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
  metadata: { name: "web-1", namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  endpoints: [{ addresses: ["10.128.0.5"] }, { addresses: ["10.128.0.6"] }],
};

await describeNodes(
  "an agent",
  (node) => {
    const status = async () => {
      const { code, stdout, stderr } = await node().cli("status", "-o", "json");
      return { code, stderr, found: code === 2 ? undefined : decodeStatus(JSON.parse(stdout)) };
    };
    const healthy = async () => {
      for (let tries = 0; tries < 100 && (await status()).found?.families.length !== 2; tries++) await sleep(50);
    };

    test("is told as it is, found where kube-proxy's port is", async () => {
      expect((await status()).stderr).toContain(`GET ${defaultServer}/debug/status`);
      const here = await anAgentNode(node(), service, slice);
      here.start();
      await healthy();
      const rules = async (family: 4 | 6) => (await here.rules(family)).match(/^-A .*/gm)?.length;
      const { code, found } = await status();
      expect(code).toBe(0);
      expect(found).toMatchObject({
        ...{ node: name, variant: "nft", dryRun: false, healthy: true, eligible: true },
        families: [
          { family: 4, services: 1, endpoints: 2, rules: await rules(4) },
          { family: 6, services: 0, endpoints: 0, rules: await rules(6) },
        ],
        lastPass: { good: true },
        quarantined: { count: 0 },
        drift: { chains: 0 },
        api: { server: here.api.url, watches: { services: { objects: 1 }, endpointslices: { objects: 1 } } },
      });
    });

    test("answers /debug to other hosts by what the API server says of their token", async () => {
      const here = await anAgentNode(node(), service, slice);
      const reviewed = {
        scraper: { name: "scraper", may: ["get /debug/status"] },
        other: { name: "other", may: ["get /metrics"] },
      };
      await here.api.setAccess({ reviewed });
      await node().run("ip", ["addr", "add", "192.168.0.2/32", "dev", "lo"]);
      const config = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: 10.128.0.0/9
metricsBindAddress: 0.0.0.0:10249
`;
      const folder = await aFolder({ "config.yaml": config });
      const agent = here.start("--config", join(folder, "config.yaml"));
      await healthy();
      const ip = await needTool("ip");
      const get = async (host: string, token?: string): Promise<number> => {
        const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
        const script = `fetch("http://${host}:10249/debug/status", ${JSON.stringify({ headers })}).then((r) => console.log(r.status))`;
        const enter = ["netns", "exec", node().namespace, process.execPath, "-e", script];
        return Number((await runTool(ip, enter)).stdout);
      };
      // A client of the node's own address is not one on loopback.
      const statuses = async () => ({
        loopback: await get("127.0.0.1"),
        none: await get("192.168.0.2"),
        allowed: await get("192.168.0.2", "scraper"),
        denied: await get("192.168.0.2", "other"),
        unknown: await get("192.168.0.2", "guessed"),
      });
      expect(await statuses()).toEqual({ loopback: 200, none: 401, allowed: 200, denied: 403, unknown: 401 });
      await here.api.down();
      expect(await get("192.168.0.2", "not-asked-before")).toBe(503);
      expect(agent.log()).toMatch(/^warn: whether a request is allowed: POST .*tokenreviews/m);
      expect(agent.log()).not.toContain("not-asked-before");
      expect(await status()).toMatchObject({ code: 0, found: { api: { watches: { services: { failing: true } } } } });
      const far = await node().cli("status", "--server", "192.168.0.2:10249");
      expect([far.code, far.stderr]).toEqual([2, expect.stringMatching(/401 .*token/)]);
    });
  },
  ["nft"],
);
