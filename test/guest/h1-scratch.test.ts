import { expect, test } from "@jest/globals";
import { describeGuest } from "./describe-guest.ts";
import { addresses, balance, makeNetwork, serverPort } from "./network.ts";
await describeGuest("h1 scratch", (guest) => {
  test("hooks", async () => {
    await makeNetwork(guest());
    const out: string[] = [];
    for (const family of [0, 1] as const) {
      const bare = (s: string) => s.replaceAll(/[[\]]/g, "");
      const [vip, one] = [addresses.vip[family], addresses.one[family]];
      await balance(guest(), [`-A -t ${vip}:80 -s rr`, `-a -t ${vip}:80 -r ${one}:${serverPort} -m`]);
      const tool = family === 0 ? "iptables" : "ip6tables";
      const script = `
sysctl -q -w net.ipv4.vs.conntrack=1
ip addr show | grep -B3 ${bare(vip)}
for t in raw mangle nat filter; do for c in PREROUTING INPUT FORWARD OUTPUT POSTROUTING; do for ip in ${bare(vip)} ${bare(one)}; do ${tool} -t $t -A $c -p tcp --syn -d $ip 2>/dev/null; done; done; done
${tool} -t mangle -A OUTPUT -p tcp --syn -s ${bare(vip)} -d ${bare(vip)}
${tool} -t filter -A OUTPUT -p tcp --syn -m conntrack --ctstate DNAT
${tool} -t filter -A OUTPUT -p tcp --syn -m ipvs --ipvs
${tool} -t filter -A OUTPUT -p tcp --syn -m conntrack --ctstate NEW
${tool} -t nat -A POSTROUTING -p tcp -s ${bare(vip)} -j MASQUERADE
timeout 3 bash -c 'exec 3<>/dev/tcp/${bare(vip)}/80; echo x >&3; head -c 200 <&3'; echo "own code $?"
${tool}-save -c | grep -v '^\\[0:0\\]' | grep '^\\['
`;
      const own = await guest().run("ip", ["netns", "exec", "node", "sh", "-c", script]);
      out.push("OWN", own.stdout, own.stderr);
      await guest().run("ip", [
        "netns",
        "exec",
        "node",
        "sh",
        "-c",
        `for t in raw mangle nat filter; do ${tool} -t $t -Z; done`,
      ]);
      const from = await guest().run("ip", [
        "netns",
        "exec",
        "client",
        "sh",
        "-c",
        `timeout 3 bash -c 'exec 3<>/dev/tcp/${bare(vip)}/80; echo x >&3; head -c 200 <&3'; echo "client code $?"`,
      ]);
      const after = await guest().run("ip", [
        "netns",
        "exec",
        "node",
        "sh",
        "-c",
        `${tool}-save -c | grep -v '^\\[0:0\\]' | grep '^\\['`,
      ]);
      out.push("CLIENT", from.stdout, from.stderr, after.stdout);
    }
    console.log(out.join("\n"));
    expect(1).toBe(1);
  }, 180_000);
});
