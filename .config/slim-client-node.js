// Keeps out of the bundle what @kubernetes/client-node 1.4.0 brings along and the agent never calls. Out: an esbuild plugin.

/**
 * Of client-node only KubeConfig is used: files, credentials, TLS, proxies. Its module also imports what makes clients for every kind of the
 * API (430 kB) and, for one class of node-fetch, the table of international domain names (270 kB, 25,000 arrays): half of the agent's code,
 * held in memory for good. Source: client-node dist/config.js, makeApiClient and applyToFetchOptions.
 */
export const slimClientNode = {
  name: "slim-client-node",
  setup(build) {
    const isKubeConfig = (importer) => importer.endsWith("/@kubernetes/client-node/dist/config.js");
    build.onResolve({ filter: /^(\.\/gen\/index\.js|node-fetch)$/ }, ({ path, importer }) =>
      isKubeConfig(importer) ? { path, namespace: "slim-client-node" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "slim-client-node" }, ({ path }) => ({ contents: contents[path] }));
  },
};

const contents = {
  "./gen/index.js": `
    export function createConfiguration() { throw new Error("bug: there are no clients in this bundle"); }
    export class ServerConfiguration { constructor() { createConfiguration(); } }`,
  // Node's own.
  "node-fetch": "export const Headers = globalThis.Headers;",
};
