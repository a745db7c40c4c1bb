// Sets how long ip_vs keeps connections without traffic. In: IpvsKernel, seconds. Out: a line in the log.
import type { Logger } from "winston";
import type { IpvsKernel, Timeouts } from "./ipvs-kernel.ts";

/** Where all are 0 nothing is done. Never rejects: all works without, if for other times than those wished for. */
export async function writeTimeouts(
  kernel: Pick<IpvsKernel, "setTimeouts">,
  timeouts: Timeouts,
  log: Pick<Logger, "info" | "warn">,
): Promise<void> {
  if (Math.max(...Object.values(timeouts)) === 0) return;
  const text = `timeouts of ip_vs, in seconds, 0 as it was: tcp ${timeouts.tcp}, tcpfin ${timeouts.tcpFin}, udp ${timeouts.udp}`;
  const done = await kernel.setTimeouts(timeouts);
  if (done.ok) log.info(`set ${text}`);
  else log.warn(`${text} could not be set: ${done.message}`);
}
