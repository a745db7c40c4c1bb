// A TCP connection that stays open, and a server for it. In: a guest, a namespace. Out: what comes back for each line.
import type { Guest } from "./guest.ts";

/** A client in `namespace` that is connected until `end`. */
export type Connection = {
  /** Resolves with the line that comes back within 2 s, else with `no answer`. Rejects where it could not connect. */
  readonly say: (line: string) => Promise<string>;
  /** Hangs up; with a reset where something is unread, as after `say("end")` to an echo server. */
  readonly end: () => void;
};

/** Connects by a shell, since one line is all that is said at a time. */
export function openConnection(
  guest: Guest,
  namespace: string,
  { to, port }: { readonly to: string; readonly port: number },
): Connection {
  const script = `exec 3<>/dev/tcp/${to}/${port}; while read -r line; do echo "$line" >&3; read -r -t 2 back <&3 || back="no answer"; echo "$back"; done`;
  let waiting: ((line: string) => void) | undefined;
  const client = guest.start("ip", ["netns", "exec", namespace, "bash", "-c", script], (text) =>
    waiting?.(text.trim()),
  );
  return {
    say: (line) =>
      new Promise<string>((resolve, reject) => {
        waiting = resolve;
        void client.finished.then(({ stderr }) => {
          reject(new Error(stderr));
        }, reject);
        client.write(`${line}\n`);
      }),
    end: client.close,
  };
}

/**
 * Listens on a port of all addresses of `namespace`, and answers each line with `name: line`, until the guest ends. To `end` it answers twice:
 * a connection that is reset is over for ip_vs after 10 s, one that is closed after 2 min.
 */
export function startEchoServer(
  guest: Guest,
  namespace: string,
  { name, port }: { readonly name: string; readonly port: number },
): void {
  const answer = `while read -r line; do echo "${name}: $line"; [ "$line" != end ] || echo more; done`;
  const server = ["busybox", "nc", "-ll", "-p", `${port}`, "-e", "sh", "-c", answer];
  guest.start("ip", ["netns", "exec", namespace, ...server], () => undefined);
}
