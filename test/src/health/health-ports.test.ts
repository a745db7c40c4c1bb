// Tests of src/health/health-ports.ts, over real sockets.
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createServer, type AddressInfo, type Server } from "node:net";
import { createHealthPorts, type HealthPorts } from "../../../src/health/health-ports.ts";
import type { HealthPort } from "../../../src/health/port-answer.ts";
import type { Ip } from "../../../rules/index.ts";
import { ask, codeOf, dial, readAll } from "../http/a-client.ts";

const hosts = ["127.0.0.1", "::1"];
let healthy = true;
let ports: HealthPorts;
let others: Server[] = [];

beforeEach(() => {
  healthy = true;
  ports = createHealthPorts({ isProxierHealthy: () => healthy });
});
afterEach(async () => {
  await ports.stop();
  await Promise.all(others.map((server) => new Promise((resolve) => server.close(resolve))));
  others = [];
});

/** Another program that has a port; without a port given, one that the kernel chooses. */
async function occupy(port = 0, host = "::"): Promise<number> {
  const server = createServer();
  others.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host }, resolve);
  });
  return (server.address() as AddressInfo).port;
}

async function release(): Promise<void> {
  await Promise.all(others.map((server) => new Promise((resolve) => server.close(resolve))));
  others = [];
}

/** Ports that nothing listens on just now. */
async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) found.push(await occupy());
  await release();
  return found;
}

function wanted(...entries: [number, string, number][]): ReadonlyMap<number, HealthPort> {
  return new Map(entries.map(([port, service, localEndpoints]) => [port, { service, localEndpoints }]));
}

/** `name localEndpoints status`, or the error's code. */
async function said(port: number, host = "127.0.0.1"): Promise<string> {
  try {
    const { status, text } = await ask(port, "/", { host });
    const { service, localEndpoints } = JSON.parse(text) as { service: { name: string }; localEndpoints: number };
    return `${service.name} ${localEndpoints} ${status}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  }
}

describe("a port", () => {
  test("answers over both families as kube-proxy does", async () => {
    const [port = 0] = await freePorts(1);
    expect(await ports.syncHealthPorts(wanted([port, "default/web", 2]), "all")).toEqual([]);
    for (const host of hosts) {
      const got = await ask(port, "/healthz", { host });
      expect(got.status).toBe(200);
      expect(got.text).toBe(
        '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
      );
      expect(got.headers).toMatchObject({
        "content-type": "application/json",
        "x-content-type-options": "nosniff",
        "x-load-balancing-endpoint-weight": "2",
      });
    }
  });

  test.each([
    ["GET", "/"],
    ["GET", "/any/path?x"],
    ["HEAD", "/healthz"],
    ["OPTIONS", "/"],
    ["POST", "/"],
  ])("answers %s %s", async (method, path) => {
    const [port = 0] = await freePorts(1);
    await ports.syncHealthPorts(wanted([port, "default/web", 0]), "all");
    const got = await ask(port, path, { method });
    expect([got.status, got.headers["x-load-balancing-endpoint-weight"]]).toEqual([503, "0"]);
    expect(got.body.length > 0).toBe(method !== "HEAD");
  });

  test("asks for the agent's health each time", async () => {
    const [port = 0] = await freePorts(1);
    await ports.syncHealthPorts(wanted([port, "default/web", 1]), "all");
    expect(await said(port)).toBe("web 1 200");
    healthy = false;
    expect(await said(port)).toBe("web 1 503");
  });

  test("serves many clients at once", async () => {
    const [port = 0] = await freePorts(1);
    await ports.syncHealthPorts(wanted([port, "default/web", 1]), "all");
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => said(port, hosts[index % 2])));
    expect(new Set(answers)).toEqual(new Set(["web 1 200"]));
  });
});

describe("a sync", () => {
  test("opens and closes only what changed", async () => {
    const [a = 0, b = 0, c = 0] = await freePorts(3);
    await ports.syncHealthPorts(wanted([a, "default/a", 1], [b, "default/b", 1]), "all");
    const held = await dial(a);
    const reading = readAll(held);
    await ports.syncHealthPorts(wanted([a, "default/a", 2], [c, "default/c", 3]), "all");
    expect(await Promise.all([a, b, c].map((port) => said(port)))).toEqual(["a 2 200", "ECONNREFUSED", "c 3 200"]);
    held.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect((await reading).text).toMatch(/X-Load-Balancing-Endpoint-Weight: 2\r\n/);
  });

  test("cuts the connections of a port that is no longer wanted", async () => {
    const [port = 0] = await freePorts(1);
    await ports.syncHealthPorts(wanted([port, "default/web", 1]), "all");
    const reading = readAll(await dial(port));
    await ports.syncHealthPorts(wanted(), "all");
    expect((await reading).text).toBe("");
  });

  test("gives a port to another Service without closing it", async () => {
    const [a = 0, b = 0] = await freePorts(2);
    await ports.syncHealthPorts(wanted([a, "default/a", 1], [b, "default/b", 2]), "all");
    const held = await dial(a);
    const reading = readAll(held);
    await ports.syncHealthPorts(wanted([a, "default/b", 2], [b, "default/a", 1]), "all");
    expect([await said(a), await said(b)]).toEqual(["b 2 200", "a 1 200"]);
    held.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect((await reading).text).toContain('"name": "b"');
  });

  test("listens on the addresses given, and on others when they change", async () => {
    const [port = 0] = await freePorts(1);
    const want = wanted([port, "default/web", 1]);
    const from = ["127.0.0.1", "127.0.0.2", "::1"];
    const open = async () => Promise.all(from.map(async (host) => (await said(port, host)) === "web 1 200"));
    await ports.syncHealthPorts(want, ["127.0.0.1", "::1"] as Ip[]);
    expect(await open()).toEqual([true, false, true]);
    await ports.syncHealthPorts(want, ["127.0.0.2"] as Ip[]);
    expect(await open()).toEqual([false, true, false]);
    expect(await ports.syncHealthPorts(want, "all")).toEqual([]);
    expect(await open()).toEqual([true, true, true]);
    expect(await ports.syncHealthPorts(want, ["127.0.0.1"] as Ip[])).toEqual([]);
    expect(await open()).toEqual([true, false, false]);
    expect(await ports.syncHealthPorts(want, ["127.0.0.1", "0.0.0.0"] as Ip[])).toEqual([]);
    expect(await open()).toEqual([true, true, true]);
    await ports.syncHealthPorts(want, []);
    expect(await open()).toEqual([false, false, false]);
  });

  test("reports a port that is taken, serves the others, and tries again", async () => {
    const [taken = 0, free = 0] = await freePorts(2);
    await occupy(taken);
    const want = wanted([taken, "default/a", 1], [free, "default/b", 1]);
    const failures = await ports.syncHealthPorts(want, "all");
    expect(failures.map(({ service, port, code }) => [service, port, code])).toEqual([
      ["default/a", taken, "EADDRINUSE"],
    ]);
    expect(failures[0]?.text).toContain(String(taken));
    expect(await said(free)).toBe("b 1 200");
    expect(await ports.syncHealthPorts(want, "all")).toHaveLength(1);
    await release();
    expect(await ports.syncHealthPorts(want, "all")).toEqual([]);
    expect(await said(taken)).toBe("a 1 200");
  });

  test("reports a port once, however many addresses it is taken on, and serves it on the rest", async () => {
    const [port = 0] = await freePorts(1);
    await occupy(port, "127.0.0.1");
    await occupy(port, "127.0.0.2");
    const addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] as Ip[];
    expect(await ports.syncHealthPorts(wanted([port, "default/web", 1]), addresses)).toHaveLength(1);
    expect(await said(port, "127.0.0.3")).toBe("web 1 200");
  });

  test("waits for the one before it; the last one counts", async () => {
    const [a = 0, b = 0] = await freePorts(2);
    const syncs = [wanted([a, "default/a", 1]), wanted([b, "default/b", 1]), wanted(), wanted([a, "default/a", 5])];
    const failures = await Promise.all(syncs.map((want) => ports.syncHealthPorts(want, "all")));
    expect(failures.flat()).toEqual([]);
    expect([await said(a), await said(b)]).toEqual(["a 5 200", "ECONNREFUSED"]);
  });
});

test("stopping closes all ports", async () => {
  const [a = 0, b = 0] = await freePorts(2);
  await ports.syncHealthPorts(wanted([a, "default/a", 1], [b, "default/b", 1]), "all");
  await ports.stop();
  expect(await Promise.all([a, b].map((port) => codeOf(ask(port, "/"))))).toEqual(["ECONNREFUSED", "ECONNREFUSED"]);
});
