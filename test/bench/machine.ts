// The machine that figures are measured on. In: this machine. Out: one line, without its name.
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { execaSync } from "execa";

/** `2 cores (AMD EPYC), 24 GB, Linux 6.18.44, iptables v1.8.9, Node v20.20.2`. */
export function describeMachine(): string {
  const version = execaSync("iptables", ["--version"], { reject: false }).stdout;
  return [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"})`,
    `${Math.round(totalmem() / 1e9)} GB`,
    `Linux ${release().replace(/-.*/, "")}${system()}`,
    typeof version === "string" && version !== "" ? version.replace(/ \(.*/, "") : "no iptables",
    `Node ${process.version}`,
  ].join(", ");
}

function system(): string {
  try {
    const name = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
    return name === undefined ? "" : ` (${name})`;
  } catch {
    return "";
  }
}
