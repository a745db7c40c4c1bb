// A connection table in memory behind the conntrack tool's command line. In: entries. Out: RunConntrack, and what it was asked.
import type { Flow } from "../../../rules/conntrack/flow.ts";
import type { Ended } from "../../../src/kernel/run.ts";
import type { RunConntrack } from "../../../src/conntrack/tool.ts";

export type FakeConntrack = {
  readonly run: RunConntrack;
  /** What is in the table. */
  readonly flows: () => readonly Flow[];
  /** Command lines. */
  readonly asked: readonly string[];
};

export type FakeOptions = {
  /** How a command line ends instead; undefined: as it should. */
  readonly fail?: (line: string) => Partial<Ended> | undefined;
};

/** Knows `-L` and `-D` with the options that we give. Prints and exits as conntrack 1.4.7 does. */
export function fakeConntrack(entries: readonly Flow[], { fail }: FakeOptions = {}): FakeConntrack {
  let flows = [...entries];
  const asked: string[] = [];
  const remove = (words: readonly string[]): string => {
    const wants = (flow: Flow) =>
      [
        [`ipv${flow.family}`, "-f"],
        [flow.protocol.toLowerCase(), "-p"],
        [String(flow.zone), "-w"],
        [flow.destination, "--orig-dst"],
        [String(flow.destinationPort), "--orig-port-dst"],
        [flow.replySource, "--reply-src"],
        [String(flow.replySourcePort), "--reply-port-src"],
      ].every(([value, option = ""]) => words[words.indexOf(option) + 1] === value);
    const gone = flows.filter(wants);
    flows = flows.filter((flow) => !wants(flow));
    return gone.map((flow) => `${entryLine(flow)}\n`).join("");
  };
  const answer = (args: readonly string[]): Ended => {
    const wanted = flows.filter(
      (flow) => args.includes(`ipv${flow.family}`) && args.includes(flow.protocol.toLowerCase()),
    );
    if (args[0] === "-L") return ended(0, wanted.map((flow) => `${entryLine(flow)}\n`).join(""));
    if (args[0] !== "-D") return ended(2, "", `${banner}unknown argument\n`);
    const stdout = remove(args);
    const count = stdout.split("\n").length - 1;
    return ended(count > 0 ? 0 : 1, stdout, `${banner}${count} flow entries have been deleted.\n`);
  };
  return {
    run: (args) => {
      const line = args.join(" ");
      asked.push(line);
      return Promise.resolve({ ...answer(args), ...fail?.(line) });
    },
    flows: () => flows,
    asked,
  };
}

const banner = "conntrack v1.4.7 (conntrack-tools): ";

function ended(code: number, stdout: string, stderr = ""): Ended {
  return { code, stdout, stderr };
}

function entryLine(flow: Flow): string {
  const { family, protocol, source, sourcePort, destination, destinationPort, replySource, replySourcePort, zone } =
    flow;
  const number = { TCP: 6, UDP: 17, SCTP: 132 }[protocol];
  const there = `src=${source} dst=${destination} sport=${sourcePort} dport=${destinationPort}`;
  const back = `src=${replySource} dst=${source} sport=${replySourcePort} dport=${sourcePort}`;
  const zoned = zone === 0 ? "" : ` zone=${zone}`;
  return `ipv${family}     ${family === 4 ? 2 : 10} ${protocol.toLowerCase()}      ${number} 29 ${there} ${back} mark=0${zoned} use=1`;
}
