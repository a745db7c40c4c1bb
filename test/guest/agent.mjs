// Runs programs for the host, inside the guest. In: JSON lines from file descriptor 3, or names of files in the folder guest_inbox that hold
// one each. Out: JSON lines into it. Ends when the host hangs up.
import { spawn } from "node:child_process";
import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const port = 3; // opened by init.sh
const inbox = process.env["guest_inbox"] ?? "";

/** Running programs by the id of the message that started them. */
const running = new Map();

const output = createWriteStream("", { fd: port, autoClose: false });
const input = createReadStream("", { fd: port, autoClose: false });
input.on("error", () => process.exit(0)); // how a terminal hangs up
const lines = createInterface({ input });
lines.on("line", (line) => take(JSON.parse(inbox === "" ? line : readFileSync(`${inbox}/${line}`, "utf8"))));
lines.on("close", () => process.exit(0)); // also when the host's process was killed

say({ id: 0 }); // ready

/**
 * `file` starts a program; `write` and `close` are about its standard input; `kill` ends it. Programs die with the agent.
 * @param {{ id: number, file: string, args: string[], env: Record<string, string> } | { id: number, write: string }
 *   | { id: number, close: true } | { id: number, kill: true }} message
 */
function take(message) {
  const { id } = message;
  if ("file" in message) start(message);
  else if ("write" in message) running.get(id)?.stdin.write(message.write);
  else if ("close" in message) running.get(id)?.stdin.end();
  else running.get(id)?.kill("SIGKILL");
}

function start({ id, file, args, env }) {
  const child = spawn(file, args, { env: { ...process.env, ...env } });
  running.set(id, child);
  child.stdin.on("error", () => undefined); // EPIPE: it did not read all; its exit code says the rest
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8");
    child[name].on("data", (text) => say({ id, [name]: text }));
  }
  child.on("error", (error) => say({ id, error: error.message }));
  child.on("close", (code, signal) => {
    running.delete(id);
    say({ id, code, signal });
  });
}

function say(message) {
  output.write(`${JSON.stringify(message)}\n`);
}
