// What a request to the API server carries, fresh for each. In: ServerChoice. Out: TLS options and headers.
import type { OutgoingHttpHeaders } from "node:http";
import type { RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import type { ServerChoice } from "./kubeconfig.ts";

/** Who we are and where the server is. Loaded when it is first used, and again when it may have changed. */
export type Credentials = {
  /** The server's URL, without a slash at its end. */
  readonly server: () => string;
  /** Options for one request: TLS and an `Authorization` header; `agent` only where the kubeconfig names a proxy. */
  readonly requestOptions: () => Promise<Prepared>;
  /** Called where the server did not know us: the files are read again before the next request. */
  readonly refresh: () => Promise<void>;
};

/** Options for one request. */
export type Prepared = Omit<RequestOptions, "headers"> & { readonly headers: OutgoingHttpHeaders };

/**
 * Loads the configuration. A file that rotates is seen within a minute: token files by the library, everything that stands in a
 * kubeconfig or beside it (CA, certificates) by reading it again. What a plugin or an identity provider gave is kept until it expires,
 * since asking again starts a program or uses up a token. `now` counts milliseconds.
 */
export async function openCredentials(choice: ServerChoice, now = () => performance.now()): Promise<Credentials> {
  const { loadKubeConfig } = await import("./kubeconfig.ts");
  let config = await loadKubeConfig(choice);
  let readAt = now();
  const read = async () => {
    config = await loadKubeConfig(choice);
    readAt = now();
  };
  return {
    server: () => config.getCurrentCluster()?.server ?? "",
    requestOptions: async () => {
      // A kubeconfig that is being replaced may be half there: the one that is known stays in use.
      if (now() - readAt > rereadMs && !isAsked(config)) await read().catch(() => undefined);
      return requestOptions(config);
    },
    refresh: read,
  };
}

const rereadMs = 60_000;

/** True where the credentials come from a plugin or provider, and are kept by the library until they expire. */
function isAsked(config: KubeConfig): boolean {
  const user = config.getCurrentUser();
  return Boolean(user?.exec) || Boolean(user?.authProvider);
}

async function requestOptions(config: KubeConfig): Promise<Prepared> {
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  // The library makes an agent for each request, without keep-alive; ours is used except where it goes through a proxy.
  if (!config.getCurrentCluster()?.proxyUrl) delete options.agent;
  const headers: OutgoingHttpHeaders = {};
  // A token file may end in a newline, which no header may hold.
  for (const [name, value] of Object.entries(options.headers ?? {}))
    if (typeof value === "string") headers[name] = value.trim();
  return { ...options, headers };
}
