// The rules that a live cluster's objects ask for. In: options, a kubeconfig. Out: Desired; on demand a golden case of what was read.
import { subdomain } from "../../rules/decode/fields.ts";
import type { Family } from "../../rules/index.ts";
import {
  buildFromObjects,
  InputError,
  readSettings,
  readText,
  type Desired,
  type DesiredOptions,
  type Host,
} from "../desired/desired.ts";
import { openApi } from "../watch/api.ts";
import type { Log } from "../watch/intake.ts";
import packageJson from "../../package.json" with { type: "json" };
import { findKubeconfig } from "./find-kubeconfig.ts";
import { readCluster } from "./read-cluster.ts";
import { refuseUnlessEmpty, writeCase } from "./record.ts";
import { createRecording } from "./recording.ts";

/** Which cluster, and whether to keep what it has. */
export type FromCluster = {
  /** As `findKubeconfig` takes it. */
  readonly kubeconfig: string | undefined;
  /** The folder for a golden case, and the families that it is about; none: those that have Services. */
  readonly record: { readonly folder: string; readonly families: readonly Family[] } | undefined;
  readonly log: Log;
};

/**
 * Asks once for Services, EndpointSlices, Nodes and ServiceCIDRs, and for nothing else. No value is made up: what a cluster's object lacks is
 * not there. Throws InputError, ApiError, and what a kubeconfig throws; a case is written only where nothing did.
 */
export async function readDesiredFromCluster(
  options: DesiredOptions,
  from: FromCluster,
  host?: Host,
): Promise<Desired> {
  const { kubeconfig, record, log } = from;
  if (record !== undefined) await refuseUnlessEmpty(record.folder);
  const { configFile } = options;
  const config = configFile === undefined ? undefined : { name: configFile, text: await readText(configFile) };
  const nodeName = nodeNameFor(options.nodeName ?? readSettings(config).nodeName ?? host?.name);
  const recording = record === undefined ? undefined : createRecording();
  const files = findKubeconfig(kubeconfig);
  const api = await openApi({ userAgent: `rulewright/${packageJson.version}`, kubeconfig: files });
  try {
    const loaded = await readCluster(api, {
      nodeName,
      onMissing: (text) => log.info(text),
      ...(recording === undefined ? {} : { onObject: recording.add }),
    });
    if (nodeName !== undefined && loaded.objects.nodes.length === 0)
      log.warn(`the cluster has no usable Node ${nodeName}: its zone, Pod CIDRs and addresses are unknown`);
    const desired = buildFromObjects({ loaded, sources: [], config }, { ...options, placeholders: "none" }, host);
    if (record !== undefined && recording !== undefined) {
      const { nodeAddresses: addresses, backend } = options;
      const node = { name: desired.node.name, addresses, families: record.families, backend };
      await writeCase(record.folder, { input: recording.render(), config: config?.text, node });
      log.info(`recorded into ${JSON.stringify(record.folder)}`);
    }
    return desired;
  } finally {
    api.close();
  }
}

/** A name goes into a selector, where a comma would mean something else. */
function nodeNameFor(name: string | undefined): string | undefined {
  if (name !== undefined && !subdomain.safeParse(name).success)
    throw new InputError(`${JSON.stringify(name)} can be no Node's name: lower-case letters, digits, '-' and '.'`);
  return name;
}
