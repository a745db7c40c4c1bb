// Tests of rules/ipvs/connections.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { connectionKey, parseConnections } from "../../../rules/ipvs/connections.ts";
import { anIp } from "../../make/objects.ts";

const text = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.0.0.1:80 rr persistent 100
  -> 10.1.0.1:8080                Masq    1      2          3         
  -> 10.1.0.2:8080                Masq    0      0          0         
SCTP 10.0.0.1:80 rr
  -> 10.1.0.1:8080                Masq    1      7          0         
TCP  [fd00::1]:80 mh
  -> [fd00:1::1]:8080             Masq    1      1          0         
FWM  5 rr
  -> 10.1.0.9:8080                Masq    1      9          9         
`;

test("counts active and inactive connections of each real server", () => {
  const counts = parseConnections(text);
  const at = (ip: string, protocol: "TCP" | "SCTP", real: string) =>
    counts.get(connectionKey({ ip: anIp(ip), protocol, port: 80 }, { ip: anIp(real), port: 8080 }));
  expect([at("10.0.0.1", "TCP", "10.1.0.1"), at("10.0.0.1", "TCP", "10.1.0.2")]).toEqual([5, 0]);
  expect([at("10.0.0.1", "SCTP", "10.1.0.1"), at("fd00::1", "TCP", "fd00:1::1")]).toEqual([7, 1]);
  expect(counts.size).toBe(4);
});

test("says nothing of text that it does not understand", () => {
  fc.assert(
    fc.property(fc.string(), (noise) => {
      expect(parseConnections(noise).size).toBe(0);
    }),
  );
});
