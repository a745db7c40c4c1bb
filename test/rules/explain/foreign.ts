// Rules that other programs write, as iptables-save prints them. In: a plan of ours. Out: dumps that hold both.

/** `rules` (`-A ...`) and chains (`:NAME`) put into the table `table` of a plan, before all its own rules. */
export function above(plan: string, table: string, lines: readonly string[]): string {
  return into(plan, table, (own) => [
    ...declared(lines),
    ...own.filter(isChain),
    ...lines.filter(isRule),
    ...own.filter(isRule),
  ]);
}

/** The same, after all its own rules. */
export function below(plan: string, table: string, lines: readonly string[]): string {
  return into(plan, table, (own) => [...declared(lines), ...own, ...lines.filter(isRule)]);
}

/** The CNI plugin portmap, for a hostPort that is `port`. */
export function portmap(port: number): string[] {
  return [
    ":CNI-HOSTPORT-DNAT - [0:0]",
    ":CNI-DN-0123456789abcdef01234 - [0:0]",
    `-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT`,
    `-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT`,
    `-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"cbr0\\" id: \\"abc\\"" -m multiport --dports ${port} -j CNI-DN-0123456789abcdef01234`,
    `-A CNI-DN-0123456789abcdef01234 -p tcp -m tcp --dport ${port} -j DNAT --to-destination 10.1.9.9:8080`,
  ];
}

/** Docker, with `port` published. */
export function dockerNat(port: number): string[] {
  return [
    ":DOCKER - [0:0]",
    "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
    "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    "-A DOCKER -i docker0 -j RETURN",
    `-A DOCKER ! -i docker0 -p tcp -m tcp --dport ${port} -j DNAT --to-destination 172.17.0.2:80`,
  ];
}

/** Docker's chains in the filter table; by default they let pass what is not Docker's. */
export function dockerFilter(policy: "ACCEPT" | "DROP", user: readonly string[] = []): string[] {
  return [
    `:FORWARD ${policy} [0:0]`,
    ":DOCKER - [0:0]",
    ":DOCKER-ISOLATION-STAGE-1 - [0:0]",
    ":DOCKER-USER - [0:0]",
    "-A FORWARD -j DOCKER-USER",
    "-A FORWARD -j DOCKER-ISOLATION-STAGE-1",
    "-A FORWARD -o docker0 -j DOCKER",
    "-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j RETURN",
    "-A DOCKER-ISOLATION-STAGE-1 -j RETURN",
    ...user,
    "-A DOCKER-USER -j RETURN",
  ];
}

function into(plan: string, table: string, change: (own: readonly string[]) => readonly string[]): string {
  const lines = plan.split("\n");
  const start = lines.indexOf(`*${table}`);
  const end = lines.indexOf("COMMIT", start);
  // A plan puts its jumps first with -I; in a dump each stands where it is.
  const own = lines.slice(start + 1, end);
  const jumps = own.filter((line) => line.startsWith("-I ")).reverse();
  const settled = [
    ...own.filter((line) => !line.startsWith("-I ")),
    ...jumps.map((line) => line.replace(/^-I (\S+) 1/, "-A $1")),
  ];
  return [...lines.slice(0, start + 1), ...change(settled), ...lines.slice(end)].join("\n");
}

function declared(lines: readonly string[]): string[] {
  return lines.filter(isChain);
}

function isChain(line: string): boolean {
  return line.startsWith(":");
}

function isRule(line: string): boolean {
  return !isChain(line);
}
