// Where the API server is and who we are there. In: a kubeconfig file, a service account. Out: KubeConfig of @kubernetes/client-node.
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { load } from "js-yaml";
import * as z from "zod";
// By name and in a file of its own, reached only by a dynamic import: unbundled it takes 400 ms and 75 MB, so tests and other commands
// never load it, and a bundler drops what KubeConfig does not need.
// Not the whole package, which would stay in the bundle with all that it imports.
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";

/** Which API server to talk to. At least one of the first two, or a Pod's service account. */
export type ServerChoice = {
  /** Path of a kubeconfig file; its current context counts. Of several files, what an earlier one says. */
  readonly kubeconfig?: string | readonly string[] | undefined;
  /** URL that takes the place of the kubeconfig's server; without a kubeconfig it is asked without credentials. */
  readonly master?: string | undefined;
  /** Directory above `var/run/secrets/kubernetes.io/serviceaccount`; only tests have another than the root. */
  readonly root?: string | undefined;
};

/**
 * The configuration as client-go finds it: the kubeconfig, `master` over it; without either the Pod's service account. Throws with
 * what to do where there is none of these, and with the file's name where it cannot be read. Source: client-go
 * tools/clientcmd, BuildConfigFromFlags.
 */
export async function loadKubeConfig(choice: ServerChoice): Promise<KubeConfig> {
  const { kubeconfig, master, root } = choice;
  const config = new KubeConfig();
  if (typeof kubeconfig === "string") await loadFile(config, kubeconfig);
  else if (kubeconfig !== undefined) await loadFiles(config, kubeconfig);
  else if (master !== undefined)
    config.loadFromClusterAndUser({ name: "master", server: master, skipTLSVerify: false }, { name: "none" });
  else loadServiceAccount(config, root ?? "");
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new Error(`kubeconfig ${[kubeconfig ?? ""].flat().join(":")}: its current context names no cluster`);
  // The type says readonly; the object is a plain one of ours.
  Object.assign(cluster, {
    server: master ?? cluster.server,
    // The library refuses plain HTTP unless told that TLS is not verified. There is none to verify.
    ...((master ?? cluster.server).startsWith("http:") ? { skipTLSVerify: true } : {}),
  });
  // The library leaves out the cluster's CA where the context has no user.
  if (config.getCurrentUser() === null) {
    const context = config.getContextObject(config.getCurrentContext());
    const name = context?.user ?? "none";
    config.addUser({ name });
    Object.assign(context ?? {}, { user: name });
  }
  return config;
}

/** As kubectl merges what KUBECONFIG lists. Source: client-go tools/clientcmd, ClientConfigLoadingRules. */
async function loadFiles(config: KubeConfig, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const part = new KubeConfig();
    await loadFile(part, path);
    for (const each of part.getClusters()) if (config.getCluster(each.name) === null) config.addCluster(each);
    for (const each of part.getUsers()) if (config.getUser(each.name) === null) config.addUser(each);
    for (const each of part.getContexts()) if (config.getContextObject(each.name) === null) config.addContext(each);
    if (!config.getCurrentContext()) config.setCurrentContext(part.getCurrentContext());
  }
}

/**
 * The library knows no `tokenFile` (it looks for `token-file`, which no kubeconfig has), and kubeadm gives kube-proxy just that: it
 * becomes the file provider that it uses for service accounts, which reads the file anew every minute. Relative paths are
 * relative to the kubeconfig. Source: @kubernetes/client-node 1.4.0, config_types.js; client-go, clientcmd/api/v1 AuthInfo.
 */
async function loadFile(config: KubeConfig, path: string): Promise<void> {
  try {
    const text = await readFile(path, "utf8");
    config.loadFromString(text);
    config.makePathsAbsolute(dirname(resolve(path)));
    for (const { name, user } of tokenFileUsers.parse(load(text)).users) {
      const known = config.getUser(name);
      if (known === null || user?.tokenFile === undefined) continue;
      const tokenFile = resolve(dirname(resolve(path)), user.tokenFile);
      Object.assign(known, { token: undefined, authProvider: { name: "tokenFile", config: { tokenFile } } });
    }
  } catch (error) {
    throw new Error(`kubeconfig ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function loadServiceAccount(config: KubeConfig, root: string): void {
  if ((process.env["KUBERNETES_SERVICE_HOST"] ?? "") === "" || (process.env["KUBERNETES_SERVICE_PORT"] ?? "") === "")
    throw new Error(
      "no API server: give a kubeconfig (clientConnection.kubeconfig) or a master URL, or run in a Pod with a service account",
    );
  config.loadFromCluster(root);
}

const tokenFileUsers = z.object({
  users: z
    .array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().optional() }).nullish() }))
    .nullish()
    .transform((users) => users ?? []),
});
