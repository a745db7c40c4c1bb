// Answers every connection and datagram with who was reached and who asked. In: listeners. Out: one line of JSON per client.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/**
 * Listens on every address and port given; resolves when all of them are bound, rejects with the first that cannot be.
 * Each listener is bound to its one address, never to a wildcard: a UDP answer must leave from the address that was asked,
 * or conntrack does not translate it back.
 * @param {readonly { name: string, address: string, port: number, protocol: "TCP" | "UDP" }[]} listeners
 */
export async function listenAll(listeners) {
  await Promise.all(
    listeners.map((listener) => (listener.protocol === "UDP" ? listenUdp(listener) : listenTcp(listener))),
  );
}

function listenTcp({ name, address, port }) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on("error", () => socket.destroy()); // the client gave up; it keeps the score
      socket.end(answer(name, socket.remoteAddress, socket.remotePort));
    });
    server.once("error", reject);
    server.listen({ host: address, port, ipv6Only: true, backlog: 1024 }, resolve);
  });
}

function listenUdp({ name, address, port }) {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: address.includes(":") ? "udp6" : "udp4", ipv6Only: address.includes(":") });
    socket.on("message", (_, client) =>
      socket.send(answer(name, client.address, client.port), client.port, client.address, () => {}),
    );
    socket.on("error", reject); // after the bind this does nothing: an ICMP error about an earlier answer
    socket.bind(port, address, resolve);
  });
}

function answer(server, client, port) {
  return `${JSON.stringify({ server, client, port })}\n`;
}
