// iptables-restore that fails, or is killed half way, where a test says so. In: a mode. Out: SpoiltTools, to start an agent under.
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { needTool } from "../lab/tool.ts";
import { aFolder } from "../src/golden/a-case.ts";

/**
 * `fails` and `fails-once`: the tool reads its input, changes nothing and exits with 4, as where memory is short. `killed-early`: it gets a
 * part of its first table and is killed, once. `killed-between`: it gets the first table whole and a part of the second, and is killed, once. `late-once`: the tool
 * does its work only when it is released (or after a minute), whether its caller lives or not.
 */
export type Mode = "works" | "fails" | "fails-once" | "killed-early" | "killed-between" | "late-once";

export type SpoiltTools = {
  /** What an agent is to be started under. `ip netns exec` gives it mounts of its own, so nobody else sees these tools. */
  readonly before: readonly string[];
  readonly set: (mode: Mode) => Promise<void>;
  /** Whoever waits in `late-once` goes on. */
  readonly release: () => Promise<void>;
  /** How the tools were run so far, in order; `landed` is the end of one that came late. */
  readonly runs: () => Promise<(Mode | "landed")[]>;
};

/** Put over /usr/local/sbin, where the agent looks first; it must exist. */
export async function spoiltTools(): Promise<SpoiltTools> {
  const folder = await aFolder({ mode: "works\n", runs: "" });
  const real = (await needTool("iptables-nft-restore")).replace(/\/[^/]*$/, "");
  const names = ["iptables", "ip6tables"].flatMap((name) => [`${name}-nft-restore`, `${name}-legacy-restore`]);
  for (const name of names) {
    await writeFile(join(folder, name), script(folder, real));
    await chmod(join(folder, name), 0o755);
  }
  const mount = `${await needTool("mount")} --bind ${folder} /usr/local/sbin && exec "$@"`;
  return {
    before: [await needTool("sh"), "-c", mount, "sh"],
    set: (mode) => writeFile(join(folder, "mode"), `${mode}\n`),
    release: () => writeFile(join(folder, "release"), ""),
    runs: async () => (await readFile(join(folder, "runs"), "utf8")).split("\n").slice(0, -1) as (Mode | "landed")[],
  };
}

function script(folder: string, real: string): string {
  return `#!/bin/sh
tool=${real}/\${0##*/}
read -r mode <${folder}/mode
echo "$mode" >>${folder}/runs
half() {
  echo works >${folder}/mode
  mkfifo ${folder}/pipe.$$
  "$tool" "$@" <${folder}/pipe.$$ &
  exec 3>${folder}/pipe.$$
}
die() {
  head -c 300 >&3
  sleep 0.2
  kill -KILL $! $$
}
case $mode in
fails-once) echo works >${folder}/mode ;;
killed-early) half "$@" && die ;;
late-once)
  echo works >${folder}/mode
  cat >${folder}/late
  tries=600
  until [ -e ${folder}/release ] || [ $((tries -= 1)) = 0 ]; do sleep 0.1; done
  "$tool" "$@" <${folder}/late
  echo landed >>${folder}/runs
  exit
  ;;
killed-between) half "$@" && sed -u '/^COMMIT$/q' >&3 && die ;;
esac
case $mode in
fails*) cat >/dev/null && echo "\${0##*/}: Memory allocation problem" >&2 && exit 4 ;;
esac
exec "$tool" "$@"
`;
}
