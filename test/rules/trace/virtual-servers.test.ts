// Tests of rules/trace/virtual-servers.ts.
import { expect, test } from "@jest/globals";
import { findServer, placeKey, placeOfKey, readServers } from "../../../rules/trace/virtual-servers.ts";
import { anIp } from "../../make/objects.ts";

const numbered = (...lines: readonly string[]) => lines.map((text, at) => ({ number: at + 1, text }));

test("lines of both families, with everything that ipvsadm -Sn prints", () => {
  const { tables, problems } = readServers(
    numbered(
      "-A -t 10.96.0.1:80 -s wrr -p 100 -M 255.255.255.0",
      "-a -t 10.96.0.1:80 -r 10.1.0.1:8080 -m -w 3",
      "-a -t 10.96.0.1:80 -r 10.1.0.2:8080 -g -w 0",
      "-A -u [fd00::1]:53 -s sh -b sh-fallback,sh-port",
      "-a -u [fd00::1]:53 -r [fd00:1::1]:53 -i -w 1 --tun-type ipip",
      "-A --sctp-service 10.96.0.1:9 -s rr",
      "-A -f 5 -s rr",
      "-A -f 5 -6 -s rr",
    ),
  );
  expect(problems).toEqual([]);
  expect([...tables[4].byPlace.keys(), ...tables[4].byMark.keys()]).toEqual([
    "10.96.0.1 tcp 80",
    "10.96.0.1 sctp 9",
    5,
  ]);
  const server = tables[4].byPlace.get(placeKey({ ip: anIp("10.96.0.1"), protocol: "tcp", port: 80 }));
  expect(server).toMatchObject({ line: 1, port: 80, scheduler: "wrr", persistentSeconds: 100, flags: [] });
  expect(server?.servers).toMatchObject([
    { line: 2, ip: "10.1.0.1", port: 8080, method: "masquerading", weight: 3 },
    { line: 3, text: "-a -t 10.96.0.1:80 -r 10.1.0.2:8080 -g -w 0", method: "routing", weight: 0 },
  ]);
  expect([...tables[6].byPlace.keys(), ...tables[6].byMark.keys()]).toEqual(["fd00::1 udp 53", 5]);
  expect(tables[6].byPlace.get("fd00::1 udp 53")).toMatchObject({ flags: ["sh-fallback", "sh-port"] });
});

test("a place is the same after it was a key", () => {
  const place = { ip: anIp("fd00::1"), protocol: "udp", port: 53 };
  expect(placeOfKey(placeKey(place))).toEqual(place);
});

test.each([
  ["-A -t 10.96.0.1 -s rr", "not-a-virtual-server"],
  ["-A -t 10.96.0.1:70000 -s rr", "not-a-virtual-server"],
  ["-A -f 0 -s rr", "not-a-virtual-server"],
  ["-A -t $(reboot):80 -s rr", "not-a-virtual-server"],
  ["-a -t 10.96.0.1:80 -r 10.1.0.1:80 -m -w 1", "no-such-virtual-server"],
  ["-D -t 10.96.0.1:80", "not-a-virtual-server"],
])("%s is a problem of its line", (line, code) => {
  expect(readServers(numbered(line)).problems).toMatchObject([{ code, line: 1 }]);
});

test.each([
  ["-A -t 10.96.0.1:80 -s rr", "duplicate-virtual-server"],
  ["-a -t 10.96.0.1:80 -r 10.1.0.1:80 -x", "not-a-real-server"],
  ["-a -t 10.96.0.1:80 -r 10.1.0.1:80 -m -w x", "not-a-real-server"],
])("after its virtual server, %s is a problem", (line, code) => {
  expect(readServers(numbered("-A -t 10.96.0.1:80 -s rr", line)).problems).toMatchObject([{ code, line: 2 }]);
});

test.each([
  ["its place", 80, 0, "-A -t 10.96.0.1:80 -s rr"],
  ["its mark, before its place", 80, 5, "-A -f 5 -s rr"],
  ["FTP's data port", 20, 0, "-A -t 10.96.0.1:21 -s rr -p 60"],
  ["any high port beside FTP", 5000, 0, "-A -t 10.96.0.1:21 -s rr -p 60"],
  ["any other port", 443, 0, "-A -t 10.96.0.1:0 -s rr -p 60"],
])("a packet is taken by %s", (_, port, mark, text) => {
  const { tables } = readServers(
    numbered(
      "-A -t 10.96.0.1:80 -s rr",
      "-A -f 5 -s rr",
      "-A -t 10.96.0.1:21 -s rr -p 60",
      "-A -t 10.96.0.1:0 -s rr -p 60",
    ),
  );
  expect(findServer(tables[4], { ip: anIp("10.96.0.1"), protocol: "tcp", port }, mark)?.text).toBe(text);
});

test("without persistence FTP takes only its own port", () => {
  const { tables } = readServers(numbered("-A -t 10.96.0.1:21 -s rr"));
  const at = (port: number) => findServer(tables[4], { ip: anIp("10.96.0.1"), protocol: "tcp", port }, 0)?.port;
  expect([at(21), at(20), at(5000)]).toEqual([21, undefined, undefined]);
});
