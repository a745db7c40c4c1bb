// Lets node ports answer on 127.0.0.0/8. In: Kernel, View. Out: the sysctl set where it is needed.
import { needsRouteLocalnet, type View } from "../../rules/index.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../watch/intake.ts";

/** To be called once the rules of that View are in force: without them other hosts could reach loopback addresses. Never rejects. */
export type Loopback = (view: View) => Promise<void>;

const sysctl = "net/ipv4/conf/all/route_localnet";

/**
 * Sets it once for each View, and never back: others may need it too. Where it cannot be set (/proc/sys is read-only in most containers)
 * that is told, and all else goes on. Source: kube-proxy; ip-sysctl.rst route_localnet.
 */
export function createLoopback(kernel: Kernel, log: Pick<Log, "info" | "warn">): Loopback {
  const seen = new WeakSet<View>();
  return async (view) => {
    if (seen.has(view)) return;
    seen.add(view);
    if (!needsRouteLocalnet(view)) return;
    try {
      if ((await kernel.readSysctl(sysctl)) === "1") return;
      await kernel.writeSysctl(sysctl, "1");
      log.info(`set ${sysctl} to 1, for node ports on 127.0.0.0/8`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.warn(`node ports do not answer on 127.0.0.0/8: ${sysctl} cannot be set to 1: ${why}`);
    }
  };
}
