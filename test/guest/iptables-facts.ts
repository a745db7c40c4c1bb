// Declares tests of what iptables' matches set and ipvs need. In: a guest. Out: tests that fail when another version does something else.
import { describe, expect, test } from "@jest/globals";
import type { Guest } from "./guest.ts";

/** Declares them; they use a namespace each. */
export function declareIptablesFacts(guest: () => Guest): void {
  const inNamespace = (command: string, input = "") => guest().run("unshare", ["-n", "sh", "-c", command], { input });

  describe.each(["nft", "legacy"])("iptables-%s", (variant) => {
    test("takes the match ipvs of both families, and prints its protocol as a number", async () => {
      const command = [
        `iptables-${variant} -A OUTPUT -m ipvs --vaddr 10.0.0.1 --vproto tcp --vport 80 -j DROP`,
        `iptables-${variant} -A OUTPUT -m ipvs --vdir ORIGINAL --vmethod MASQ -j ACCEPT`,
        `ip6tables-${variant} -A OUTPUT -m ipvs --vaddr fd00::1 --vproto udp --vport 53 -j DROP`,
        `iptables-${variant} -S OUTPUT && ip6tables-${variant} -S OUTPUT`,
      ].join(" && ");
      const { code, stdout } = await inNamespace(command);
      expect({ code, lines: stdout.trim().split("\n") }).toEqual({
        code: 0,
        lines: [
          "-P OUTPUT ACCEPT",
          "-A OUTPUT -m ipvs --vproto 6 --vaddr 10.0.0.1 --vport 80 -j DROP",
          "-A OUTPUT -m ipvs --vdir ORIGINAL --vmethod MASQ -j ACCEPT",
          "-P OUTPUT ACCEPT",
          "-A OUTPUT -m ipvs --vproto 17 --vaddr fd00::1 --vport 53 -j DROP",
        ],
      });
    });

    test("refuses a rule whose set is not there, before anything is written", async () => {
      const input = "*filter\n-A OUTPUT -j ACCEPT\n-A OUTPUT -m set --match-set nosuch dst -j ACCEPT\nCOMMIT\n";
      const { code, stderr } = await inNamespace(`iptables-${variant}-restore --noflush`, input);
      expect(code).toBe(2);
      expect(stderr).toContain("Set nosuch doesn't exist.\n\nError occurred at line: 3\n");
    });

    test("refuses a set of the other family", async () => {
      const command = `ipset create a hash:ip && ip6tables-${variant} -A OUTPUT -m set --match-set a dst -j ACCEPT`;
      const { code, stderr } = await inNamespace(command);
      expect(code).toBe(2);
      expect(stderr).toContain("The protocol family of set a is IPv4, which is not applicable.");
    });
  });
}
