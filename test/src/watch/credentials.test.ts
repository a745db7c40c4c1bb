// Tests of src/watch/credentials.ts.
import { afterAll, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCredentials } from "../../../src/watch/credentials.ts";
import { kubeconfigText } from "../../support/kubeconfig.ts";

const folder = await mkdtemp(join(tmpdir(), "rulewright-credentials-"));
const [kubeconfig, tokenFile] = [join(folder, "config"), join(folder, "token")];
afterAll(() => rm(folder, { recursive: true, force: true }));

const cluster = { url: "https://10.0.0.1:6443", caPem: "CA" };
const authorization = async (credentials: Awaited<ReturnType<typeof openCredentials>>) =>
  (await credentials.requestOptions()).headers["Authorization"];

test("a token file that ends in a newline gives a header without", async () => {
  await writeFile(tokenFile, "abc\n");
  await writeFile(kubeconfig, kubeconfigText(cluster, { tokenFile }));
  expect(await authorization(await openCredentials({ kubeconfig }))).toBe("Bearer abc");
});

test("a token file that was replaced is read when asked to", async () => {
  await writeFile(tokenFile, "one");
  await writeFile(kubeconfig, kubeconfigText(cluster, { tokenFile }));
  const credentials = await openCredentials({ kubeconfig });
  expect(await authorization(credentials)).toBe("Bearer one");
  await writeFile(tokenFile, "two");
  await credentials.refresh();
  expect(await authorization(credentials)).toBe("Bearer two");
});

test("a kubeconfig that was replaced is read after a minute; while it is unreadable the last one counts", async () => {
  let now = 0;
  await writeFile(kubeconfig, kubeconfigText(cluster, { token: "one" }));
  const credentials = await openCredentials({ kubeconfig }, () => now);
  await writeFile(kubeconfig, kubeconfigText({ ...cluster, url: "https://10.0.0.2" }, { token: "two" }));
  expect([await authorization(credentials), credentials.server()]).toEqual(["Bearer one", cluster.url]);
  now += 61_000;
  expect([await authorization(credentials), credentials.server()]).toEqual(["Bearer two", "https://10.0.0.2"]);
  await writeFile(kubeconfig, "half of");
  now += 61_000;
  expect(await authorization(credentials)).toBe("Bearer two");
});

test("options hold no agent, so that connections are shared, except where there is a proxy", async () => {
  await writeFile(kubeconfig, kubeconfigText(cluster, { token: "one" }));
  const direct = await openCredentials({ kubeconfig });
  expect(await direct.requestOptions()).not.toHaveProperty("agent");
  const text = kubeconfigText(cluster, { token: "one" });
  await writeFile(kubeconfig, text.replace("    cluster:\n", "    cluster:\n      proxy-url: http://10.0.0.9:3128\n"));
  const proxied = await openCredentials({ kubeconfig });
  expect(await proxied.requestOptions()).toHaveProperty("agent");
});
