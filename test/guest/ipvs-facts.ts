// Declares tests of what ipvsadm does with a batch. In: a guest. Out: tests that fail when another version does something else.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { type Outcome, type Trial, tryBatches } from "./batches.ts";
import type { Guest } from "./guest.ts";

const web = "-A -t 10.0.0.1:80 -s rr";
const server1 = "-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1";
const after = "-A -t 10.0.0.2:80 -s rr";
const usage = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n";

// What is tried, the batch, and what comes of it. The exit code is the last line's.
const batches: readonly [string, readonly string[], Outcome][] = [
  [
    "all six commands work",
    [
      web,
      "-E -t 10.0.0.1:80 -s wrr -p 100",
      server1,
      "-a -t 10.0.0.1:80 -r 10.1.0.2:80 -m -w 1",
      "-e -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 5",
      "-d -t 10.0.0.1:80 -r 10.1.0.2:80",
      after,
      "-D -t 10.0.0.2:80",
    ],
    ok("-A -t 10.0.0.1:80 -s wrr -p 100", "-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 5"),
  ],
  [
    "a failed line is passed over",
    ["-A -t 10.0.0.1:80 -s nosuch", after],
    said(0, "Scheduler or persistence engine not found", after),
  ],
  ["only the last line's failure is in the exit code", [after, after], said(255, "Service already exists", after)],
  ["-A of a service that exists", [web, web, after], said(0, "Service already exists", web, after)],
  ["-E without the service", ["-E -t 10.0.0.1:80 -s rr", after], said(0, "No such service", after)],
  ["-D without the service", ["-D -t 10.0.0.1:80", after], said(0, "No such service", after)],
  ["-a without the service", [server1, after], said(0, "Service not defined", after)],
  ["-e without the service", [server1.replace("-a", "-e"), after], said(0, "Service not defined", after)],
  ["-d without the service", ["-d -t 10.0.0.1:80 -r 10.1.0.1:80", after], said(0, "Service not defined", after)],
  [
    "-a of a real server that exists",
    [web, server1, server1, after],
    said(0, "Destination already exists", web, server1, after),
  ],
  ["-e without the real server", [web, server1.replace("-a", "-e"), after], said(0, "No such destination", web, after)],
  [
    "-d without the real server",
    [web, "-d -t 10.0.0.1:80 -r 10.1.0.1:80", after],
    said(0, "No such destination", web, after),
  ],
  ["-E without -s makes it wlc", [web, "-E -t 10.0.0.1:80"], ok("-A -t 10.0.0.1:80 -s wlc")],
  [
    "-E without -p and -b takes them away",
    ["-A -t 10.0.0.1:80 -s mh -p 9 -b mh-port", "-E -t 10.0.0.1:80 -s mh"],
    ok("-A -t 10.0.0.1:80 -s mh"),
  ],
  [
    "-e without -m and -w makes it -g -w 1",
    [web, server1.replace("1:80 -m -w 1", "1:80 -m -w 7"), "-e -t 10.0.0.1:80 -r 10.1.0.1:80"],
    ok(web, server1.replace("-m", "-g")),
  ],
  // These stop the batch: what comes after is not done.
  [
    "a bad address stops the batch",
    [web, "-A -t 10.0.0.999:80 -s rr", after],
    said(2, "illegal virtual server address[:port] specified", web),
  ],
  [
    "a bad port stops the batch",
    [web, "-A -t 10.0.0.3:99999 -s rr", after],
    said(2, "illegal virtual server address[:port] specified", web),
  ],
  [
    "a real server's bad address stops the batch",
    [web, "-a -t 10.0.0.1:80 -r 10.1.0.777:80 -m", after],
    said(2, "illegal real server address[:port] specified", web),
  ],
  [
    "a real server of the other family stops the batch",
    [web, "-a -t 10.0.0.1:80 -r [fd00::1]:80 -m", after],
    said(2, "Different address family is allowed only for tunneling servers", web),
  ],
  [
    "a weight above 2147483647 stops the batch",
    [web, "-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 2147483648", after],
    said(2, "illegal weight specified", web),
  ],
  [
    "a timeout of 0 stops the batch",
    [web, "-A -t 10.0.0.3:80 -s rr -p 0", after],
    said(2, "invalid timeout value `0' specified", web),
  ],
  [
    "a timeout above 31 days stops the batch",
    [web, "-A -t 10.0.0.3:80 -s rr -p 2678401", after],
    said(2, "invalid timeout value `2678401' specified", web),
  ],
  [
    "port 0 without persistence stops the batch",
    [web, "-A -t 10.0.0.3 -s rr", after],
    said(2, "Zero port specified for non-persistent service", web),
  ],
  ["a comment stops the batch", [web, "# comment", after], { code: 255, said: usage, after: [web] }],
  ["empty lines are passed over", ["", web, "   ", after], ok(web, after)],
  ["-C in a batch takes away everybody's services", [web, "-C", after], ok(after)],
];

// What is written, and what ipvsadm -Sn prints; where it is missing, the same.
const services: readonly (readonly [string, string?])[] = [
  ...["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf"].map(
    (name, index) => [`-A -t 10.0.0.1:${index + 1} -s ${name}`] as const,
  ),
  ["-A -t 10.0.1.1:1", "-A -t 10.0.1.1:1 -s wlc"],
  ["-A -t 10.0.1.1:2 -s rr -p", "-A -t 10.0.1.1:2 -s rr -p 360"],
  ["-A -t 10.0.1.1:3 -s rr -p 10800"],
  ["-A -t 10.0.1.1:4 -s rr -p 2678400"],
  ["-A -t 10.0.1.1:5 -s rr -p 100 -M 255.255.255.0"],
  ["-A -t 10.0.1.1:6 -s rr -p 100 -M 255.255.255.255", "-A -t 10.0.1.1:6 -s rr -p 100"],
  ["-A -t 10.0.1.1:7 -s rr -M 255.255.0.0", "-A -t 10.0.1.1:7 -s rr"],
  ["-A -t 10.0.1.2:1 -s sh -b sh-port"],
  ["-A -t 10.0.1.2:2 -s sh -b sh-port,sh-fallback", "-A -t 10.0.1.2:2 -s sh -b sh-fallback,sh-port"],
  ["-A -t 10.0.1.2:3 -s sh -b flag-1", "-A -t 10.0.1.2:3 -s sh -b sh-fallback"],
  ["-A -t 10.0.1.2:4 -s sh -b flag-3", "-A -t 10.0.1.2:4 -s sh -b "],
  ["-A -t 10.0.1.3:1 -s mh -b mh-port"],
  ["-A -t 10.0.1.3:2 -s mh -b mh-port,mh-fallback", "-A -t 10.0.1.3:2 -s mh -b mh-fallback,mh-port"],
  ["-A -t 10.0.1.3:3 -s mh -b flag-2", "-A -t 10.0.1.3:3 -s mh -b mh-port"],
  ["-A -t 10.0.1.3:4 -s rr -b flag-1,flag-3"],
  // Sorted by number and not as text; real servers likewise.
  ["-A -t 10.0.9.9:80 -s rr"],
  ["-a -t 10.0.9.9:80 -r 10.1.0.2:8080 -m -w 0"],
  ["-a -t 10.0.9.9:80 -r 10.1.0.3:80", "-a -t 10.0.9.9:80 -r 10.1.0.3:80 -g -w 1"],
  ["-a -t 10.0.9.9:80 -r 10.1.0.4:80 -i -w 7", "-a -t 10.0.9.9:80 -r 10.1.0.4:80 -i -w 7 --tun-type ipip"],
  ["-a -t 10.0.9.9:80 -r 10.1.0.5 -m", "-a -t 10.0.9.9:80 -r 10.1.0.5:80 -m -w 1"],
  ["-a -t 10.0.9.9:80 -r 10.1.0.6:80 -m -w 2147483647"],
  ["-a -t 10.0.9.9:80 -r 10.1.0.7:80 -m -w 1 -x 10 -y 5", "-a -t 10.0.9.9:80 -r 10.1.0.7:80 -m -w 1"],
  ["-a -t 10.0.9.9:80 -r 10.1.0.10:80 -m -w 1"],
  ["-A -t 10.0.9.9:443 -s rr"],
  ["-A -t 10.0.9.10:80 -s rr"],
  ["-A -u 10.0.0.1:53 -s rr"],
  ["-A --sctp-service 10.0.0.1:80 -s rr"],
  ["-a --sctp-service 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1"],
  // IPv6 comes after IPv4, services by firewall mark last.
  ["-A -t [fd00:0:0::1]:80 -s rr -p 100 -M 64", "-A -t [fd00::1]:80 -s rr -p 100 -M 64"],
  ["-a -t [fd00::1]:80 -r [FD01::2]:8080 -m -w 3", "-a -t [fd00::1]:80 -r [fd01::2]:8080 -m -w 3"],
  ["-A -t [fd00::2]:80 -s rr -p 100 -M 128", "-A -t [fd00::2]:80 -s rr -p 100"],
  ["-A -u [fd00::1]:53 -s rr"],
  ["-A --sctp-service [fd00::1]:80 -s rr"],
  ["-A -f 5 -s rr"],
];

// -C in the batch saves a process for each of them.
const restore: Trial = { clear: "", take: "ipvsadm --restore", show: "ipvsadm -Sn" };

/** Declares them; they use the guest's first namespace. */
export function declareIpvsFacts(guest: () => Guest): void {
  const printed = services.map(([written, form]) => form ?? written);
  let outcomes: readonly Outcome[] = [];
  beforeAll(async () => {
    const unsorted = services
      .map(([written]) => written)
      .toReversed()
      .sort(byCommand);
    // A service whose only flag is unknown prints "-b " and nothing after it, which is no input.
    const readable = printed.filter((line) => !line.endsWith("-b "));
    const inputs = [...batches.map(([, lines]) => lines), unsorted, readable];
    outcomes = await tryBatches(
      guest(),
      restore,
      inputs.map((lines) => ["-C", ...lines]),
    );
  }, 60_000);

  describe("ipvsadm --restore", () => {
    test.each(batches.map(([title, , outcome], index) => ({ title, outcome, index })))(
      "$title",
      ({ outcome, index }) => {
        expect(outcomes[index]).toEqual(outcome);
      },
    );
  });

  test("ipvsadm -Sn prints one form of everything, sorted", () => {
    expect(outcomes.at(-2)).toEqual(ok(...printed));
  });

  test("the form that ipvsadm -Sn prints is its own input", () => {
    expect(outcomes.at(-1)).toEqual(ok(...printed.filter((line) => !line.endsWith("-b "))));
  });

  test("a namespace has its own services", async () => {
    const command = `ipvsadm ${web} && unshare -n ipvsadm -Sn; ipvsadm --clear`;
    expect(await guest().run("sh", ["-c", command])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("--set leaves what is 0 as it is", async () => {
    const command = "ipvsadm --set 900 120 300; ipvsadm --set 0 0 60; ipvsadm -Ln --timeout";
    expect((await guest().run("sh", ["-c", command])).stdout).toBe("Timeout (tcp tcpfin udp): 900 120 60\n");
  });

  test("a fresh namespace has the sysctls under net/ipv4/vs, with these values", async () => {
    const names = [...sysctls.keys()].map((name) => `net.ipv4.vs.${name}`);
    const { stdout } = await guest().run("unshare", ["-n", "sysctl", ...names]);
    expect(stdout).toBe([...sysctls].map(([name, value]) => `net.ipv4.vs.${name} = ${value}\n`).join(""));
  });
}

const sysctls = new Map([
  ["conntrack", 0],
  ["conn_reuse_mode", 1],
  ["expire_nodest_conn", 0],
  ["expire_quiescent_template", 0],
  ["sloppy_tcp", 0],
  ["snat_reroute", 1],
]);

function ok(...after: readonly string[]): Outcome {
  return { code: 0, said: "", after };
}

function said(code: number, text: string, ...after: readonly string[]): Outcome {
  return { code, said: `${text}\n`, after };
}

/** Virtual servers before the real servers in them. */
function byCommand(one: string, other: string): number {
  return Number(one.startsWith("-a")) - Number(other.startsWith("-a"));
}
