// Scratch.
import { readFileSync } from "node:fs";
import { test } from "@jest/globals";
import { describeGuest } from "./describe-guest.ts";
await describeGuest("scratch", (guest) => {
  test("run", async () => {
    const g = guest();
    const put = (path: string, from: string) =>
      g.run("sh", ["-c", `cat > ${path}`], { input: readFileSync(from, "utf8") });
    await g.run("ip", ["netns", "add", "one"]);
    await g.run("sh", [
      "-c",
      "ip netns exec one ip link set lo up; ip netns exec one ip link add eth9 type dummy; ip netns exec one ip addr add 192.168.0.2/24 dev eth9; ip netns exec one ip link set eth9 up",
    ]);
    await put("/run/api.mjs", "/tmp/h3api.mjs");
    await put("/run/kubeconfig", "/tmp/h3api.kubeconfig");

    const script = `cd /run; ip netns exec one node api.mjs > api.log 2>&1 &
sleep 8
cd /run; ip netns exec one node /tmp/h3dist/rulewright.js run --proxy-mode ipvs --hostname-override here --cluster-cidr 10.1.0.0/16 --ipvs-strict-arp --ipvs-tcp-timeout 20m --kubeconfig /run/kubeconfig > rw.log 2>&1 &
pid=$!
for i in $(seq 60); do ip netns exec one ipvsadm -Sn | grep -q 10.1.0.1 && break; sleep 1; done; sleep 20; ip netns exec one ipvsadm -Sn; sleep 40
ip netns exec one ipvsadm -Sn; ip netns exec one ipvsadm -l --timeout
ip netns exec one sh -c 'cd /proc/sys/net/ipv4; grep . vs/conntrack vs/expire_nodest_conn vs/expire_quiescent_template ip_forward conf/all/arp_ignore conf/all/arp_announce conf/all/route_localnet'
ip netns exec one node -e 'for (const p of ["proxyMode","debug/status","debug/diff","metrics"]) { const t = await (await fetch("http://127.0.0.1:10249/" + p)).text(); console.log(p, p === "metrics" ? t.split("\\n").filter((l) => /^(rulewright_(virtual|drain|rules)|kubeproxy_sync_proxy_rules_iptables_total)/.test(l)).join("\\n") : t); }' --input-type=module
kill -TERM $pid; sleep 3
cat rw.log api.log
ip netns exec one node /tmp/h3dist/rulewright.js run --cleanup 2>&1
ip netns exec one ipvsadm -Sn; ip netns exec one ipset save; ip -n one -br link; ip netns exec one iptables-save | grep KUBE
`;
    const done = await g.run("sh", ["-c", script]);
    console.log(done.stdout, done.stderr);
  }, 400_000);
});
