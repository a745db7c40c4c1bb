// Tests of src/ipvs/preflight.ts over a host that answers as a test says.
import { describe, expect, test } from "@jest/globals";
import { defaultScheduler, type Scheduler } from "../../../rules/index.ts";
import { preflight, type PreflightHost } from "../../../src/ipvs/preflight.ts";
import type { Ended } from "../../../src/kernel/run.ts";

const good: Ended = { code: 0, stdout: "", stderr: "" };
const failed = (stderr: string, code = 1): Ended => ({ code, stdout: "", stderr });

type Answers = {
  readonly tools?: readonly string[];
  readonly sysctl?: string | undefined;
  /** What a tool's command line and input make of it; undefined: all is well. */
  readonly answer?: (command: string, input: string) => Ended | undefined;
  readonly rules?: string;
};

function aHost({ tools = ["ipset", "ip", "ipvsadm"], answer, rules, ...rest }: Answers = {}) {
  const commands: string[] = [];
  const host: PreflightHost = {
    findTool: (tool) => Promise.resolve(tools.includes(tool) ? `/sbin/${tool}` : undefined),
    run: (file, args, { input = "" } = {}) => {
      const command = [file.replace("/sbin/", ""), ...args].join(" ");
      commands.push(...(input === "" ? [command] : input.trim().split("\n")));
      return Promise.resolve(answer?.(command, input) ?? good);
    },
    rules: {
      restore: (_, script) => {
        commands.push(...script.trim().split("\n"));
        return Promise.resolve(rules === undefined ? { ok: true } : { ok: false, message: rules, line: 3 });
      },
      readSysctl: () => Promise.resolve("sysctl" in rest ? rest.sysctl : "0"),
    },
  };
  return { host, commands };
}

const look = async (answers: Answers = {}, schedulers: readonly Scheduler[] = [defaultScheduler], writes = true) => {
  const { host, commands } = aHost(answers);
  const found = await preflight(host, { schedulers, writes });
  return { codes: found.map(({ code }) => code), texts: found.map(({ text }) => text), found, commands };
};

describe("of a host that has all", () => {
  test("nothing is told, and what was made to be tried is taken away", async () => {
    const { found, commands } = await look();
    expect(found).toEqual([]);
    const made = commands.flatMap((line) => /^(?:create|link add) (\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(made).size).toBe(7);
    for (const name of made)
      expect(commands.some((line) => line === `destroy ${name}` || line === `link delete ${name}`)).toBe(true);
    expect(commands).toContain("-A -t 198.51.100.0:20000 -s rr");
    expect(commands).toContain("-D -t 198.51.100.0:20000");
    expect(commands).toContain("-X RW-PREFLIGHT");
  });

  test("a dry run only reads", async () => {
    expect((await look({}, [defaultScheduler], false)).commands).toEqual(["ipvsadm -Sn"]);
  });

  test.each([
    ["one with the scheduler is there", "-A -t 10.0.0.1:80 -s rr -p 10\n"],
    ["somebody else tries too", "-A -t 198.51.100.0:20000 -s wlc\n"],
  ])("no virtual server is made where %s", async (_, stdout) => {
    const { commands } = await look({
      answer: (command) => (command === "ipvsadm -Sn" ? { ...good, stdout } : undefined),
    });
    expect(commands.filter((line) => /^-[AD] -/.test(line))).toEqual([]);
  });
});

describe("what is missing is named, with what to do:", () => {
  test("tools, all of them, and nothing further is tried", async () => {
    const { texts, codes, commands } = await look({ tools: ["ip"] });
    expect(codes).toEqual(["no-tool", "no-tool"]);
    expect(texts[0]).toMatch(/^ipset was not found in .*: install the package ipset$/);
    expect(texts[1]).toMatch(/ipvsadm$/);
    expect(commands).toEqual([]);
  });

  test.each([
    [
      "Can't initialize ipvs: Protocol not available\nAre you sure that IP Virtual Server is built in the kernel or as module?\n",
      "modprobe ip_vs",
    ],
    ["Can't initialize ipvs: Permission denied (you must be root)\n", "NET_ADMIN"],
  ])("ip_vs, where ipvsadm says %j", async (stderr, advice) => {
    const { codes, texts } = await look({
      answer: (command) => (command === "ipvsadm -Sn" ? failed(stderr, 2) : undefined),
    });
    expect(codes).toEqual(["no-ip-vs"]);
    expect(texts[0]).toContain(advice);
    expect(texts[0]).not.toContain("\n");
  });

  test("its connection tracking", async () => {
    expect((await look({ sysctl: undefined })).codes).toEqual(["no-conntrack"]);
  });

  test("the scheduler's module, also where ipvsadm's exit status is 0", async () => {
    const mh: Scheduler = { name: "mh", flags: ["mh-port"] };
    const answer: Answers["answer"] = (_, input) =>
      input.includes("-s mh -b mh-port") ? failed("Scheduler or persistence engine not found\n", 0) : undefined;
    const { codes, texts, commands } = await look({ answer }, [defaultScheduler, mh]);
    expect(codes).toEqual(["no-scheduler"]);
    expect(texts[0]).toMatch(/mh: Scheduler or persistence engine not found: load the module ip_vs_mh/);
    expect(commands.filter((line) => line.startsWith("-D "))).toHaveLength(1);
  });

  test("types of sets, the rules' match and the dummy device", async () => {
    const answer: Answers["answer"] = (command, input) =>
      input.includes("hash:ip,port,net") || (command.startsWith("ip ") && input.includes("dummy"))
        ? failed("Error: Unknown device type or set type not supported\n")
        : undefined;
    const { codes, texts } = await look({ answer });
    expect(codes).toEqual(["no-set-type", "no-dummy"]);
    expect(texts[0]).toContain("load the module ip_set_hash_ipportnet");
    expect((await look({ rules: "Extension set revision 0 not supported, missing kernel module?" })).codes).toEqual([
      "no-set-match",
    ]);
  });

  test("a device that an attempt before has left is none that cannot be had", async () => {
    const answer: Answers["answer"] = (command) =>
      command.startsWith("ip ") ? failed("RTNETLINK answers: File exists\nCommand failed -:1\n") : undefined;
    expect((await look({ answer })).codes).toEqual([]);
  });
});

test("virtual servers of others are told of, and those of Services are not", async () => {
  const texts: Readonly<Record<string, string>> = {
    "ipvsadm -Sn": "-A -t 10.96.0.1:80 -s rr\n-A -u 192.0.2.7:53 -s wlc\n-a -u 192.0.2.7:53 -r 10.1.0.1:53 -m -w 1\n",
    "ip -j addr": JSON.stringify([{ ifname: "kube-ipvs0", addr_info: [{ local: "10.96.0.1" }] }]),
  };
  const { found } = await look({ answer: (command) => ({ ...good, stdout: texts[command] ?? "" }) });
  expect(found).toMatchObject([{ code: "servers-of-others", severity: "warning" }]);
  expect(found[0]?.text).toMatch(/^1 of 2 virtual servers /);
});
