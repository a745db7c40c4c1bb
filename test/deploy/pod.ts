// The DaemonSet's container without a cluster: its command, mounts and capabilities, on a node that is a network namespace. In: a DaemonSet,
// a ConfigMap, a fake API server. Out: programs that run as in the pod.
import { spawn } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { V1Container, V1DaemonSet } from "@kubernetes/client-node";
import { needTool } from "../lab/tool.ts";
import type { FakeApi } from "../support/api.ts";
import { aFolder } from "../src/golden/a-case.ts";
import { bundle } from "../src/commands/cli.ts";
import { objectOf, type Manifest } from "./manifests.ts";

export const token = "the-pods-own";

export type PodSettings = {
  /** As `render` gives them. */
  readonly objects: readonly Manifest[];
  readonly namespace: string;
  readonly nodeName: string;
  readonly api: FakeApi;
  /** Over the ConfigMap's. */
  readonly config?: string;
  /** Over those that the DaemonSet adds. */
  readonly capabilities?: readonly string[];
};

export type Pod = {
  /** A shell script that runs its arguments as `kubectl exec` does; for other programs to start. */
  readonly exec: string;
  /** Starts what the DaemonSet says. */
  readonly start: () => Running;
  /** Runs the init container to its end, privileged; gives its exit status and log. */
  readonly prepare: () => Promise<{ readonly code: number | null; readonly logs: string }>;
  /** Kills what still runs where a test went wrong: it would keep jest from ending. */
  readonly remove: () => void;
};

/** The image's: test/deploy/dockerfile.test.ts. */
const entrypoint = ["rulewright"];

export type Running = {
  readonly pid: number | undefined;
  /** The exit status, null where a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly kill: () => void;
  /** What it has printed so far, as `kubectl logs` has it. */
  readonly logs: () => string;
  /** Resolves when it has printed all of `texts`; rejects with what it printed instead. */
  readonly printed: (...texts: readonly (string | RegExp)[]) => Promise<void>;
  /** SIGTERM, as kubelet does. Gives the exit status. */
  readonly stop: () => Promise<number | null>;
};

/** Makes the pod's files. Its root is this machine's, read-only, and what its volumes are is mounted as they say. */
export async function createPod(settings: PodSettings): Promise<Pod> {
  const { objects, namespace, nodeName, api } = settings;
  const spec = (objectOf(objects, "DaemonSet") as V1DaemonSet).spec?.template.spec;
  const [container] = spec?.containers ?? [];
  if (container === undefined) throw new Error("bug: no container");
  const data = objectOf(objects, "ConfigMap")["data"] as Readonly<Record<string, string>>;
  const kubeconfig = (data["kubeconfig.conf"] ?? "").replace(/server: .*/, `server: ${api.url}`);
  const folder = await aFolder({
    "config/config.conf": settings.config ?? data["config.conf"] ?? "",
    "config/kubeconfig.conf": kubeconfig,
    "account/token": token,
    "account/ca.crt": api.caPem ?? "",
    "bin/rulewright": `#!/bin/sh\nexec ${process.execPath} ${bundle} "$@"\n`,
    "xtables.lock": "",
  });
  const capabilities = settings.capabilities ?? container.securityContext?.capabilities?.add ?? [];
  const kept = capabilities.map((name) => `,+${name.toLowerCase()}`).join("");
  const [exec, execPrivileged] = [join(folder, "exec"), join(folder, "exec-privileged")];
  const mounts = `#!/bin/sh
exec ${await needTool("ip")} netns exec ${namespace} sh -e -c '
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mkdir -p /run/secrets/kubernetes.io/serviceaccount /var/lib/kube-proxy
mount --bind ${folder}/config /var/lib/kube-proxy
mount --bind ${folder}/account /run/secrets/kubernetes.io/serviceaccount
touch /run/xtables.lock
mount --bind ${folder}/xtables.lock /run/xtables.lock
`;
  const readOnly = (...paths: readonly string[]) =>
    `for mounted in ${paths.join(" ")}; do mount -o remount,bind,ro $mounted; done\n`;
  const roots = ["/run", "/var/lib", "/var/lib/kube-proxy", "/"];
  await writeFile(
    exec,
    `${mounts}mount --bind /proc/sys /proc/sys
${readOnly("/proc/sys", ...roots)}exec setpriv --bounding-set=-all${kept} --no-new-privs "$@"' sh "$@"
`,
  );
  await writeFile(execPrivileged, `${mounts}${readOnly(...roots)}exec "$@"' sh "$@"\n`);
  await Promise.all([exec, execPrivileged, join(folder, "bin", "rulewright")].map((file) => chmod(file, 0o755)));
  const env = {
    PATH: `${folder}/bin:${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`,
    NODE_NAME: nodeName,
  };
  const commandOf = ({ command = entrypoint, args = [] }: V1Container) =>
    [...command, ...args].map((word) => word.replaceAll("$(NODE_NAME)", nodeName));
  const running: Running[] = [];
  return {
    exec,
    start: () => {
      const started = start(exec, commandOf(container), env);
      running.push(started);
      return started;
    },
    prepare: async () => {
      const [first] = spec?.initContainers ?? [];
      if (first === undefined) throw new Error("bug: no init container");
      const started = start(execPrivileged, commandOf(first), env);
      running.push(started);
      return { code: await started.ended, logs: started.logs() };
    },
    remove: () => {
      for (const each of running) each.kill();
    },
  };
}

function start(file: string, command: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(file, command, { env, stdio: ["ignore", "pipe", "pipe"] });
  let logs = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      logs += chunk.toString();
    });
  const ended = new Promise<number | null>((resolve) => {
    child.once("close", resolve);
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  return {
    pid: child.pid,
    ended,
    kill: () => void child.kill("SIGKILL"),
    logs: () => logs,
    printed: async (...texts) => {
      const deadline = Date.now() + 8_000;
      const lacks = () => texts.filter((text) => !(typeof text === "string" ? logs.includes(text) : text.test(logs)));
      while (lacks().length > 0) {
        if (isOver || Date.now() > deadline) throw new Error(`not printed: ${lacks().join(", ")}; but:\n${logs}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    stop: () => {
      child.kill("SIGTERM");
      const tooLong = setTimeout(() => child.kill("SIGKILL"), 10_000);
      return ended.finally(() => {
        clearTimeout(tooLong);
      });
    },
  };
}
