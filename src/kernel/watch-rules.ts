// What is done to the rules, as it happens. In: nothing. Out: RulesetNews of this network namespace, for as long as it is wanted.
import { spawn, type ChildProcess } from "node:child_process";
import { parseEvent } from "../../rules/index.ts";
import { findTool } from "./find-tool.ts";
import type { RulesetNews } from "./kernel.ts";

/**
 * Runs `xtables-monitor --event`, and begins it anew whenever it ends: the kernel drops what it cannot take in time, and then it gives up
 * ("No buffer space available"), as after any change of tens of thousands of rules. Without that tool, or stdbuf (through a pipe it would
 * tell nothing before some kilobytes are full), there is no news. Source: xtables-monitor(8), iptables 1.8.9.
 */
export function watchRules(told: (news: RulesetNews) => void): () => void {
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const begin = async (): Promise<void> => {
    const [stdbuf, monitor] = [await findTool("stdbuf"), await findTool("xtables-monitor")];
    const setpriv = await findTool("setpriv");
    if (stdbuf === undefined || monitor === undefined || isStopped()) return;
    const command = [stdbuf, "-oL", monitor, "--event"];
    // An agent that is killed takes it along; without setpriv it ends with the next commit, when nobody reads what it says.
    const [file = "", ...args] = setpriv === undefined ? command : [setpriv, "--pdeathsig", "KILL", ...command];
    const running = spawn(file, args, {
      stdio: ["ignore", "pipe", "ignore"],
      env: { LC_ALL: "C" },
    });
    child = running;
    // It says nothing when it listens; that takes it milliseconds.
    const listening = setTimeout(() => {
      told("began");
    }, 500);
    running.stdout.setEncoding("utf8").on("data", lines(told));
    const end = (): void => {
      if (child !== running) return;
      child = undefined;
      clearTimeout(listening);
      if (isStopped()) return;
      told("gap");
      timer = setTimeout(() => void begin(), 1000);
    };
    running.once("error", end);
    running.once("exit", end);
  };
  const isStopped = (): boolean => isOver;
  void begin();
  return () => {
    isOver = true;
    clearTimeout(timer);
    child?.kill("SIGKILL");
  };
}

/** Tells of each commit once, when it is over. */
function lines(told: (news: RulesetNews) => void): (text: string) => void {
  let rest = "";
  let isOurs = false;
  return (text) => {
    const all = (rest + text).split("\n");
    rest = all.pop() ?? "";
    for (const line of all) {
      const event = parseEvent(line);
      if (event === "ours") isOurs = true;
      if (event !== "generation") continue;
      if (isOurs) told("commit");
      isOurs = false;
    }
  };
}
