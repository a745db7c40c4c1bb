// The rules that are wanted, wherever a command is told to take the objects from. In: options. Out: Desired.
import type { Logger } from "winston";
import { never } from "../../rules/never.ts";
import { readDesired, type Desired, type Host } from "../desired/desired.ts";
import { sourceOf, type ClusterOptions, type OptionalInputOptions } from "./options.ts";

/**
 * Reads manifests or asks a cluster, as the options say. What talks to an API server is loaded only where one is asked. Throws InputError,
 * ManifestReadError, ApiError.
 */
export async function readWanted(
  options: OptionalInputOptions & ClusterOptions,
  log: Logger,
  host?: Host,
): Promise<Desired> {
  const source = sourceOf(options);
  switch (source.kind) {
    case "manifests":
      return readDesired(source.options, host);
    case "cluster": {
      const { readDesiredFromCluster } = await import("../from-cluster/from-cluster.ts");
      return readDesiredFromCluster(source.options, { ...source, log }, host);
    }
    default:
      return never(source);
  }
}
