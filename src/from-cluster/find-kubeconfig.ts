// Where kubectl would find its kubeconfig. In: an option, the environment, a home directory. Out: paths, or nothing for a Pod's service account.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { InputError } from "../desired/desired.ts";

/** What is looked at besides the option. */
export type Surroundings = { readonly env: Readonly<Record<string, string | undefined>>; readonly home: string };

/**
 * The file that the option names, else those that `KUBECONFIG` lists and that exist, else `~/.kube/config` where there is one; undefined in a
 * Pod without any of them. Throws InputError with what to do. Source: client-go tools/clientcmd, ClientConfigLoadingRules.
 */
export function findKubeconfig(
  option: string | undefined,
  around: Surroundings = thisProcess(),
): readonly string[] | undefined {
  if (option !== undefined) return [option];
  const listed = (around.env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  if (listed.length > 0) {
    const there = listed.filter((path) => existsSync(path));
    if (there.length === 0)
      throw new InputError(`KUBECONFIG is ${JSON.stringify(listed.join(delimiter))}: no such file`);
    return there;
  }
  const usual = join(around.home, ".kube", "config");
  if (existsSync(usual)) return [usual];
  if ((around.env["KUBERNETES_SERVICE_HOST"] ?? "") !== "") return undefined;
  throw new InputError(
    `no API server: give --kubeconfig, set KUBECONFIG, have ${JSON.stringify(usual)}, or run in a Pod with a service account`,
  );
}

function thisProcess(): Surroundings {
  return { env: process.env, home: homedir() };
}
