// Tests of src/watch/kubeconfig.ts.
import { afterEach, describe, expect, test } from "@jest/globals";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadKubeConfig } from "../../../src/watch/kubeconfig.ts";

const folder = await mkdtemp(join(tmpdir(), "rulewright-kubeconfig-"));
const environment = { ...process.env };
afterEach(async () => {
  process.env = { ...environment };
  await rm(folder, { recursive: true, force: true });
});

async function written(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

/** As kubeadm writes kube-proxy's. */
const kubeconfig = (user = "tokenFile: token", cluster = "certificate-authority: ca.crt") => `apiVersion: v1
kind: Config
clusters:
- {name: default, cluster: {server: "https://10.0.0.1:6443", ${cluster}}}
users:
- {name: default, user: {${user}}}
contexts:
- {name: default, context: {cluster: default, user: default}}
current-context: default
`;

async function headersOf(choice: Parameters<typeof loadKubeConfig>[0]) {
  const options: { headers?: Record<string, string>; ca?: Buffer } = {};
  await (await loadKubeConfig(choice)).applyToHTTPSOptions(options);
  return { ...options.headers, ca: options.ca?.toString() };
}

describe("a kubeconfig file", () => {
  test("gives server, CA and the token of its tokenFile, paths being relative to it", async () => {
    const path = await written("here/config", kubeconfig());
    await written("here/token", "abc");
    await written("here/ca.crt", "CA");
    expect((await loadKubeConfig({ kubeconfig: path })).getCurrentCluster()?.server).toBe("https://10.0.0.1:6443");
    expect(await headersOf({ kubeconfig: path })).toEqual({ Authorization: "Bearer abc", ca: "CA" });
  });

  test("gives a token of its own", async () => {
    await written("ca.crt", "CA");
    const path = await written("config", kubeconfig("token: xyz"));
    expect(await headersOf({ kubeconfig: path })).toMatchObject({ Authorization: "Bearer xyz" });
  });

  test("of several says what the earliest says that says it, with paths relative to each", async () => {
    const other = kubeconfig("token: xyz").replaceAll("default", "other");
    const first = await written("first/config", kubeconfig().replace(/^current.*\n/m, ""));
    const second = await written("second/config", other.replace("10.0.0.1", "10.0.0.2"));
    const third = await written("third/config", other.replace("10.0.0.1", "10.0.0.3"));
    await written("first/token", "abc");
    await written("first/ca.crt", "one");
    await written("second/ca.crt", "two");
    const choice = { kubeconfig: [first, second, third] };
    const config = await loadKubeConfig(choice);
    expect([config.getCurrentContext(), config.getCurrentCluster()?.server]).toEqual([
      "other",
      "https://10.0.0.2:6443",
    ]);
    expect(await headersOf(choice)).toEqual({ Authorization: "Bearer xyz", ca: "two" });
    config.setCurrentContext("default");
    expect(config.getCurrentCluster()).toMatchObject({ caFile: join(folder, "first/ca.crt") });
  });

  test("has its server replaced by the master", async () => {
    const path = await written("config", kubeconfig());
    const config = await loadKubeConfig({ kubeconfig: path, master: "https://10.0.0.2" });
    expect(config.getCurrentCluster()?.server).toBe("https://10.0.0.2");
    expect(config.getCurrentCluster()?.skipTLSVerify).toBe(false);
  });

  test("keeps its CA where it names no user", async () => {
    await written("ca.crt", "CA");
    const path = await written(
      "config",
      kubeconfig()
        .replace(/users:\n.*\n/, "")
        .replace(", user: default", ""),
    );
    expect(await headersOf({ kubeconfig: path })).toEqual({ ca: "CA" });
  });

  test.each([
    ["is not there", undefined],
    ["is no YAML", "{"],
    ["is empty", ""],
    ["has no current context", kubeconfig().replace("current-context: default", "")],
    ["has a context without cluster", kubeconfig().replace("cluster: default,", "")],
  ])("that %s is refused by its name", async (_, text) => {
    const path = text === undefined ? join(folder, "config") : await written("config", text);
    await expect(loadKubeConfig({ kubeconfig: path })).rejects.toThrow(path);
  });
});

test("a master alone is asked without credentials, with plain HTTP too", async () => {
  expect(await headersOf({ master: "http://127.0.0.1:8001" })).toEqual({ ca: undefined });
});

describe("in a Pod", () => {
  const serviceAccount = "var/run/secrets/kubernetes.io/serviceaccount";
  test("the service account is used, with the address that the kubelet gives", async () => {
    await written(`${serviceAccount}/token`, "pod");
    await written(`${serviceAccount}/ca.crt`, "CA");
    Object.assign(process.env, { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" });
    const config = await loadKubeConfig({ root: folder });
    expect(config.getCurrentCluster()?.server).toBe("https://[fd00::1]:443");
    expect(await headersOf({ root: folder })).toEqual({ Authorization: "Bearer pod", ca: "CA" });
  });

  test("outside one, without anything else, it says what to give", async () => {
    delete process.env["KUBERNETES_SERVICE_HOST"];
    await expect(loadKubeConfig({})).rejects.toThrow("clientConnection.kubeconfig");
  });
});
