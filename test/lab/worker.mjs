// The process that lives in one namespace: its servers and its clients. In: one JSON request per line. Out: one JSON reply per line.
import { createInterface } from "node:readline";
import { send, sendUntilStopped } from "./client.mjs";
import { listenAll } from "./server.mjs";

const background = new Map();

const operations = {
  listen: ({ listeners }) => listenAll(listeners),
  send: ({ request }) => send(request),
  start: ({ id, request }) => void background.set(id, sendUntilStopped(request)),
  stop: async ({ started }) => {
    const running = background.get(started);
    background.delete(started);
    return running?.stop();
  },
};

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const message = JSON.parse(line);
  Promise.resolve()
    .then(() => operations[message.operation](message))
    .then(
      (result) => reply({ id: message.id, result }),
      (error) => reply({ id: message.id, error: error.message }),
    );
});
// Ends with whoever started it, also when that was killed: a namespace with a process in it cannot go away.
lines.on("close", () => process.exit(0));

reply({ id: 0 }); // ready

function reply(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
