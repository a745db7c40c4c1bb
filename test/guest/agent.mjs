// Runs programs for the host, inside the guest. In: JSON lines from a virtio port. Out: JSON lines into it. Ends when the host hangs up.
import { spawn } from "node:child_process";
import { createReadStream, createWriteStream, openSync, readFileSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";

const portName = "rulewright.agent"; // as guest.ts names it

/** Running programs by the id of the message that started them. */
const running = new Map();

const port = openSync(`/dev/${portDevice()}`, "r+"); // once for both directions: the kernel lets no second one open it
const output = createWriteStream("", { fd: port, autoClose: false });
const lines = createInterface({ input: createReadStream("", { fd: port, autoClose: false }) });
lines.on("line", (line) => take(JSON.parse(line)));
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

function portDevice() {
  const folder = "/sys/class/virtio-ports";
  return readdirSync(folder).find((entry) => readFileSync(`${folder}/${entry}/name`, "utf8").trim() === portName);
}
