// How readily the kernel kills this process for memory. In: oomScoreAdj, SysctlFiles. Out: the score set, or why not.
import { codeOf, type SysctlFiles } from "./sysctl-files.ts";

const score = "/proc/self/oom_score_adj";

/**
 * Sets it where it differs; programs that are started later inherit it. Gives a line on why it could not be set, else undefined: a score
 * below the one that the process was started with takes CAP_SYS_RESOURCE. Never rejects.
 */
export async function applyOomScore(oomScoreAdj: number, files: SysctlFiles): Promise<string | undefined> {
  const wanted = String(oomScoreAdj);
  try {
    if ((await files.read(score)) !== wanted) await files.write(score, wanted);
    return undefined;
  } catch (error) {
    return `oomScoreAdj: ${wanted} could not be set (${codeOf(error) || String(error)}): add the capability SYS_RESOURCE`;
  }
}
