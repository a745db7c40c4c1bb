// What a process has used, as the kernel counts it. In: a process id. Out: CPU seconds, megabytes.
import { readFileSync } from "node:fs";

/** CPU of the process and of its children that have ended, in seconds; in steps of 10 ms. Source: proc_pid_stat(5). */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The program's name may hold spaces; user, system, and those of waited-for children are fields 14 to 17.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticks / 100;
}

/** Resident memory now, and the most that there was. Source: proc_pid_status(5), VmRSS, VmHWM. */
export function memoryMb(pid: number): { readonly resident: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const of = (field: string) => Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, "m").exec(text)?.[1]) / 1000;
  return { resident: of("VmRSS"), peak: of("VmHWM") };
}
