// Makes kernel settings. In: Sysctl[], SysctlFiles. Out: Tuned: what was changed, and what could not be.
import { never } from "../../rules/never.ts";
import { codeOf, type SysctlFiles } from "./sysctl-files.ts";
import type { Sysctl } from "./sysctls-for.ts";

/** One setting that has another value than it should, and the one it has. */
export type SysctlChange = Sysctl & { readonly from: string };

/** A setting that could not be made. `absent`: the module is not loaded; it may be after the first rules. */
export type SysctlProblem = {
  readonly code: "absent" | "read-only" | "refused";
  readonly name: string;
  /** One line: what was tried, what came of it, what to do. */
  readonly text: string;
};

export type Tuned = {
  readonly changes: readonly SysctlChange[];
  readonly problems: readonly SysctlProblem[];
  /** To be posted on the Node where a file system is read-only, as kube-proxy does: nobody reads logs before connections are lost. */
  readonly event: { readonly type: "Warning"; readonly reason: "readOnlySysFS"; readonly note: string } | undefined;
};

/** Makes the settings that differ. Never rejects: the agent works without them, if less well. */
export function applySysctls(wanted: readonly Sysctl[], files: SysctlFiles): Promise<Tuned> {
  return tune(wanted, files, files.write);
}

/** What `applySysctls` would change; writes nothing, and so finds only the problems that show when reading. */
export function rehearseSysctls(wanted: readonly Sysctl[], files: SysctlFiles): Promise<Tuned> {
  return tune(wanted, files, () => Promise.resolve());
}

/** `net/netfilter/nf_conntrack_max from 65536 to 131072: conntrack.maxPerCore and min, for 2 CPUs`; for a line after "set " or "would set ". */
export function renderSysctl({ name, from, value, why }: SysctlChange): string {
  return `${name} from ${from} to ${value}: ${why}`;
}

async function tune(wanted: readonly Sysctl[], files: SysctlFiles, write: SysctlFiles["write"]): Promise<Tuned> {
  const changes: SysctlChange[] = [];
  const problems: SysctlProblem[] = [];
  for (const sysctl of wanted) {
    try {
      const from = await files.read(sysctl.name);
      if (from === undefined) problems.push(problem(sysctl, "absent", ""));
      else if (!fits(sysctl, from)) {
        await write(sysctl.name, String(sysctl.value));
        changes.push({ ...sysctl, from });
      }
    } catch (error) {
      const code = codeOf(error);
      problems.push(problem(sysctl, code === "EROFS" ? "read-only" : "refused", code || String(error)));
    }
  }
  return { changes, problems, event: eventOf(problems) };
}

function fits({ value, change }: Sysctl, from: string): boolean {
  switch (change) {
    case "set":
      return from === String(value);
    case "raise":
      return Number(from) >= value;
    default:
      return never(change);
  }
}

function problem({ name, value, why }: Sysctl, code: SysctlProblem["code"], said: string): SysctlProblem {
  const what = `${name} was to be ${value} (${why})`;
  switch (code) {
    case "absent":
      return { code, name, text: `${what}, but there is no such setting: is the module loaded?` };
    case "read-only":
      return {
        code,
        name,
        text: `${what}, but its file system is read-only: mount it writable, or set it on the host`,
      };
    case "refused":
      return {
        code,
        name,
        text: `${what}, but the kernel refused it (${said}): run privileged, or set it on the host`,
      };
    default:
      return never(code);
  }
}

function eventOf(problems: readonly SysctlProblem[]): Tuned["event"] {
  const names = problems.filter(({ code }) => code === "read-only").map(({ name }) => name);
  if (names.length === 0) return undefined;
  const note = `cannot set ${names.join(", ")}: read-only file system; connection tracking may run out of entries`;
  return { type: "Warning", reason: "readOnlySysFS", note };
}
