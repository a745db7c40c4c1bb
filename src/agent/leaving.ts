// Takes away what IPVS mode left, once iptables mode is in force. In: IpvsKernel. Out: DrainLooks that end when nothing is left.
import type { Family } from "../../rules/index.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";
import { leaveIpvs } from "../ipvs/leave.ts";
import { renderCount } from "../output/changes.ts";
import type { Log } from "../watch/intake.ts";
import { createDrainLooks, type DrainLooks } from "./drain-looks.ts";
import type { Turns } from "./turns.ts";

export type LeavingSettings = {
  readonly families: readonly Family[];
  /** How long virtual servers are left to their connections. */
  readonly drainSeconds: number;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly turns: Turns;
  readonly times?: { readonly soonMs?: number; readonly laterMs?: number };
};

/** The first `plan` begins, so it must come after a good pass. After that it goes on by itself; connections that are open live until they end. */
export function createLeaving(kernel: IpvsKernel, settings: LeavingSettings): DrainLooks {
  const { families, drainSeconds, log } = settings;
  let beganAt: number | undefined;
  let left = Infinity;
  const draining = () => {
    const overMs = beganAt === undefined ? 0 : Math.max(0, beganAt + drainSeconds * 1000 - performance.now());
    // Past its end what is left was refused, and is tried again at the usual pace.
    return [{ count: left === 0 ? 0 : 1, nextOverMs: beganAt !== undefined && overMs === 0 ? undefined : overMs }];
  };
  const look = async (): Promise<void> => {
    beganAt ??= performance.now();
    const isOver = performance.now() - beganAt >= drainSeconds * 1000;
    let rest = 0;
    for (const family of families) {
      const { draining: count, trouble, changed } = await leave(kernel, family, isOver);
      rest += count + (trouble === undefined ? 0 : 1);
      if (trouble !== undefined)
        log.warn(`IPv${family}: what IPVS mode left cannot be taken away: ${trouble}; it is tried again`);
      else if (changed !== undefined)
        log.info(`IPv${family}: of what IPVS mode left: ${changed}; ${count} real servers drain`);
    }
    left = rest;
    if (left === 0) log.info("nothing is left of IPVS mode");
  };
  return createDrainLooks({ draining, look: () => settings.turns(look), ...settings.times });
}

type Left = { readonly draining: number; readonly trouble: string | undefined; readonly changed: string | undefined };

async function leave(kernel: IpvsKernel, family: Family, isOver: boolean): Promise<Left> {
  try {
    // Addresses that are excluded have virtual servers of others, which are left alone in any case.
    const done = await leaveIpvs(kernel, family, { drained: isOver ? "now" : "idle", excludeCidrs: [] });
    const changes = done.steps.slice(0, done.done).flatMap((step) => [...step.changes]);
    return {
      draining: done.draining,
      trouble: done.refused?.message,
      changed: changes.length === 0 ? undefined : renderCount(changes),
    };
  } catch (error) {
    return { draining: 0, trouble: error instanceof Error ? error.message : String(error), changed: undefined };
  }
}
