// How a virtual server chooses. In: text of a setting or an annotation. Out: Scheduler, or undefined for what ip_vs does not have.

/** A scheduler of ip_vs, and its flags as `ipvsadm -b` names them, in the order in which ipvsadm prints them. */
export type Scheduler = { readonly name: SchedulerName; readonly flags: readonly string[] };

export type SchedulerName = (typeof schedulerNames)[number];

/** Every scheduler that can be asked for. Each is a kernel module `ip_vs_NAME`. Source: ipvsadm(8), option -s. */
export const schedulerNames = [
  "rr",
  "wrr",
  "lc",
  "wlc",
  "lblc",
  "lblcr",
  "sh",
  "mh",
  "dh",
  "sed",
  "nq",
  "fo",
  "ovf",
] as const;

/** Round robin, kube-proxy's default. */
export const defaultScheduler: Scheduler = { name: "rr", flags: [] };

/**
 * Reads `NAME` or `NAME,flag,flag`, e.g. `mh,mh-fallback,mh-port`. `mh` alone has `mh-port`, as kube-proxy sets it. Undefined for names
 * and flags that are not known, or not the scheduler's.
 */
export function parseScheduler(text: string): Scheduler | undefined {
  const [word, ...flags] = text.split(",");
  const name = schedulerNames.find((known) => known === word);
  if (name === undefined) return undefined;
  const known = flagsOf(name);
  if (flags.some((flag) => !known.includes(flag))) return undefined;
  const set = flags.length === 0 && name === "mh" ? ["mh-port"] : flags;
  return { name, flags: known.filter((flag) => set.includes(flag)) };
}

/** The flags that a scheduler has. Source: ipvsadm(8), option -b. */
function flagsOf(name: SchedulerName): readonly string[] {
  if (name === "sh") return ["sh-fallback", "sh-port"];
  return name === "mh" ? ["mh-fallback", "mh-port"] : [];
}
