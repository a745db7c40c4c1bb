// Rules that are not ours, in a real kernel. In: rows of rules and packets. Out: what the packets come to is what the tracer says of the lab's own dump.
import { beforeAll, test } from "@jest/globals";
import { describeLabs } from "../lab/describe-labs.ts";
import { checkTraced, type TracedRow } from "./traced.ts";

const [podA, podB] = ["10.244.0.5", "10.244.0.6"];
const anywhere = "198.18.9.9";
const nodeIp = "192.168.0.2";
const outside = "203.0.113.7";

const rows: readonly TracedRow[] = [
  {
    title: "REDIRECT takes packets for any address to the node",
    rules: { nat: ["-A PREROUTING -i eth0 -p tcp -m tcp --dport 5000 -j REDIRECT --to-ports 8080"] },
    packets: [
      { from: "outside", to: anywhere, port: 5000, outcome: `node to ${outside}` },
      { from: "outside", to: nodeIp, port: 5001, outcome: "refused" },
    ],
  },
  {
    title: "REDIRECT of the node's own, which comes in again by lo",
    rules: {
      nat: ["-A OUTPUT -p tcp -m tcp --dport 5000 -j REDIRECT --to-ports 8080"],
      filter: ["-A INPUT -i lo -d 127.0.0.1/32 -p tcp -m tcp --dport 8080 -j REJECT --reject-with tcp-reset"],
    },
    packets: [{ from: "node", to: anywhere, port: 5000, outcome: "refused" }],
  },
  {
    title: "a DNAT above ours takes the cluster IP away, for some clients",
    withService: true,
    rules: {
      nat: [
        "-I PREROUTING 1 -s 203.0.113.0/24 -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.6:8080",
      ],
    },
    packets: [
      { from: "outside", to: "10.96.0.1", outcome: `pod-b to ${outside}` },
      { from: "outside-b", to: "10.96.0.1", outcome: `pod-a to ${nodeIp}` },
      { from: "pod-b", to: "10.96.0.1", outcome: `pod-a to ${podB}` },
      { from: "node", to: "10.96.0.1", outcome: `pod-a to ${nodeIp}` },
    ],
  },
  {
    title: "DROP and REJECT in FORWARD meet the packet behind its translation",
    withService: true,
    rules: {
      filter: [
        "-I FORWARD -d 10.244.0.5/32 -s 198.51.100.0/24 -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset",
        "-I FORWARD -d 10.244.0.5/32 -s 203.0.113.0/24 -p tcp -j DROP",
      ],
    },
    packets: [
      { from: "outside", to: "10.96.0.1", outcome: "no answer" },
      { from: "outside-b", to: "10.96.0.1", outcome: "refused" },
      { from: "outside-b", to: podB, outcome: "pod-b to 198.51.100.9" },
    ],
  },
  {
    title: "a policy DROP in FORWARD, with RETURN to it from a chain",
    rules: {
      filter: [
        ":FORWARD DROP",
        ":X -",
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -p tcp -j X",
        "-A X -d 10.244.0.6/32 -j RETURN",
        "-A X -i eth0 -o pod+ -j ACCEPT",
      ],
    },
    packets: [
      { from: "outside", to: podA, outcome: `pod-a to ${outside}` },
      { from: "outside", to: podB, outcome: "no answer" },
      { from: "pod-b", to: podA, outcome: "no answer" },
      { from: "node", to: podB, outcome: `pod-b to ${nodeIp}` },
    ],
  },
  {
    title: "multiport and iprange, with and without !",
    rules: {
      nat: [
        "-A PREROUTING -d 198.18.9.9/32 -p tcp -m multiport --dports 5000:5010,6000 -m iprange --src-range 203.0.113.5-203.0.113.7 -j DNAT --to-destination 10.244.0.5:80",
        "-A PREROUTING -d 198.18.9.9/32 -p tcp -m multiport ! --dports 5000:5010,6000 -m iprange ! --src-range 203.0.113.5-203.0.113.7 -j DNAT --to-destination 10.244.0.6:80",
      ],
      filter: ["-A FORWARD -d 198.18.9.9/32 -p tcp -j REJECT --reject-with tcp-reset"],
    },
    packets: [
      { from: "outside", to: anywhere, port: 5010, outcome: `pod-a to ${outside}` },
      { from: "outside", to: anywhere, port: 6001, outcome: "refused" },
      { from: "outside-b", to: anywhere, port: 6001, outcome: "pod-b to 198.51.100.9" },
      { from: "outside-b", to: anywhere, port: 6000, outcome: "refused" },
    ],
  },
  {
    title: "marks saved in the connection and restored, with different masks",
    rules: {
      mangle: [
        "-A PREROUTING -s 203.0.113.0/24 -p tcp -j MARK --set-xmark 0x5/0xff",
        "-A PREROUTING -s 198.51.100.0/24 -p tcp -j MARK --set-xmark 0xa/0xff",
        "-A PREROUTING -j CONNMARK --save-mark --nfmask 0x4 --ctmask 0xf",
        "-A PREROUTING -j MARK --set-xmark 0x0/0xffffffff",
        "-A FORWARD -j MARK --set-xmark 0x30/0xffffffff",
        "-A FORWARD -j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xff",
      ],
      filter: [
        "-A FORWARD -d 10.244.0.0/24 -p tcp -m mark --mark 0x34 -m connmark --mark 0x4/0xf -j REJECT --reject-with tcp-reset",
        "-A FORWARD -d 10.244.0.0/24 -p tcp -m mark ! --mark 0x30 -j DROP",
      ],
    },
    packets: [
      { from: "outside", to: podA, outcome: "refused" },
      { from: "outside-b", to: podA, outcome: "pod-a to 198.51.100.9" },
    ],
  },
  {
    title: "goto does not come back to the chain that it left",
    rules: {
      filter: [
        ":A -",
        ":B -",
        "-A FORWARD -p tcp -m tcp --dport 80 -j A",
        "-A FORWARD -d 10.244.0.5/32 -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset",
        "-A A -s 203.0.113.0/24 -g B",
        "-A A -j ACCEPT",
        "-A B -d 10.244.0.6/32 -j DROP",
        "-A B -j RETURN",
        "-A B -j ACCEPT",
      ],
    },
    packets: [
      { from: "outside", to: podA, outcome: "refused" },
      { from: "outside", to: podB, outcome: "no answer" },
      { from: "outside-b", to: podA, outcome: "pod-a to 198.51.100.9" },
    ],
  },
  {
    title: "sets: addresses with ports, nets with exceptions, too few flags",
    sets: [
      "create places hash:ip,port family inet",
      "add places 198.18.9.9,tcp:5000",
      "create clients hash:net family inet",
      "add clients 203.0.113.0/24",
      "add clients 203.0.113.7 nomatch",
      "add clients 198.51.100.0/24",
    ],
    rules: {
      nat: [
        "-A PREROUTING -p tcp -m set --match-set places dst -j DNAT --to-destination 10.244.1.5:80",
        "-A PREROUTING -p tcp -m set --match-set places dst,dst -m set --match-set clients src -j DNAT --to-destination 10.244.0.5:80",
        "-A PREROUTING -p tcp -m set --match-set places dst,dst -m set ! --match-set clients src -j DNAT --to-destination 10.244.0.6:80",
      ],
      filter: ["-A FORWARD -d 198.18.9.9/32 -p tcp -j REJECT --reject-with tcp-reset"],
    },
    packets: [
      { from: "outside", to: anywhere, port: 5000, outcome: `pod-b to ${outside}` },
      { from: "outside-b", to: anywhere, port: 5000, outcome: "pod-a to 198.51.100.9" },
      { from: "outside-b", to: anywhere, port: 5001, outcome: "refused" },
    ],
  },
  {
    title: "statistic nth gives each of three the same number of connections",
    rules: {
      nat: [
        "-A PREROUTING -d 198.18.9.9/32 -p tcp -m statistic --mode nth --every 3 --packet 0 -j DNAT --to-destination 10.244.0.5:80",
        "-A PREROUTING -d 198.18.9.9/32 -p tcp -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.244.0.6:80",
        "-A PREROUTING -d 198.18.9.9/32 -p tcp -j DNAT --to-destination 10.244.1.5:80",
        "-A POSTROUTING -d 10.244.1.5/32 -j SNAT --to-source 192.168.0.2",
      ],
    },
    packets: [
      {
        from: "outside",
        to: anywhere,
        count: 30,
        outcome: `10 pod-a to ${outside}, 10 pod-b to ${outside}, 10 remote-a to ${nodeIp}`,
      },
    ],
  },
  {
    title: "the owner of a process of the node, and of packets that have none",
    rules: {
      filter: [
        "-A OUTPUT -d 10.244.0.5/32 -p tcp -m owner --uid-owner 0 -j REJECT --reject-with tcp-reset",
        "-A OUTPUT -d 10.244.0.6/32 -p tcp -m owner ! --uid-owner 0 -j REJECT --reject-with tcp-reset",
      ],
      nat: [
        "-A POSTROUTING -p tcp -m owner ! --uid-owner 12345 -m tcp --dport 8080 -j SNAT --to-source 192.168.0.99",
        "-A POSTROUTING -s 203.0.113.0/24 -p tcp -m owner ! --uid-owner 12345 --gid-owner 0 -j SNAT --to-source 192.168.0.98",
        "-A POSTROUTING -s 203.0.113.0/24 -p tcp -m owner ! --uid-owner 12345 -j SNAT --to-source 192.168.0.2",
      ],
    },
    packets: [
      {
        from: "node",
        to: podA,
        answers: {
          "-m owner --uid-owner 0": true,
          "-m owner ! --uid-owner 12345": true,
          "-m owner ! --uid-owner 12345 --gid-owner 0": true,
        },
        outcome: "refused",
      },
      {
        from: "node",
        to: podB,
        answers: {
          "-m owner ! --uid-owner 0": false,
          "-m owner ! --uid-owner 12345": true,
          "-m owner ! --uid-owner 12345 --gid-owner 0": true,
        },
        outcome: `pod-b to ${nodeIp}`,
      },
      { from: "outside", to: podA, outcome: `pod-a to ${nodeIp}` },
    ],
  },
  {
    title: "NOTRACK: no translation, and the state UNTRACKED",
    rules: {
      raw: [
        "-A PREROUTING -s 198.51.100.0/24 -p tcp -j CT --notrack",
        "-A PREROUTING -d 198.51.100.0/24 -p tcp -j CT --notrack",
        // Nothing is tracked in raw: this matches every packet that is left, this one none.
        "-A PREROUTING -d 10.244.0.6/32 -p tcp -m conntrack --ctstate INVALID -j DROP",
        "-A PREROUTING -d 10.244.0.5/32 -p tcp -m conntrack --ctstate NEW -j DROP",
      ],
      nat: ["-A PREROUTING -d 10.244.0.5/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.6:80"],
      filter: [
        "-A FORWARD -d 10.244.0.5/32 -p tcp -m tcp --dport 8080 -m conntrack --ctstate UNTRACKED -j REJECT --reject-with icmp-port-unreachable",
      ],
    },
    packets: [
      { from: "outside", to: podA, outcome: `pod-b to ${outside}` },
      { from: "outside-b", to: podA, outcome: "pod-a to 198.51.100.9" },
      { from: "outside-b", to: podA, port: 8080, outcome: "refused" },
      { from: "outside", to: podB, outcome: "no answer" },
    ],
  },
  {
    title: "interfaces: OUTPUT sees the way to the first destination, POSTROUTING both ways",
    rules: {
      nat: [
        ":X -",
        "-A OUTPUT -d 198.18.9.9/32 -p tcp -j DNAT --to-destination 10.244.0.5",
        "-A POSTROUTING -p tcp -j X",
        "-A X -i eth0 -o pod1 -j SNAT --to-source 192.168.0.2",
      ],
      filter: [
        "-A OUTPUT -o pod0 -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset",
        "-A OUTPUT -o eth0 -p tcp -m tcp --dport 8080 -j REJECT --reject-with tcp-reset",
      ],
    },
    packets: [
      { from: "node", to: anywhere, outcome: `pod-a to ${nodeIp}` },
      { from: "node", to: anywhere, port: 8080, outcome: "refused" },
      { from: "node", to: podA, outcome: "refused" },
      { from: "outside", to: podB, outcome: `pod-b to ${nodeIp}` },
      { from: "outside", to: podA, outcome: `pod-a to ${outside}` },
    ],
  },
  {
    title: "a DNAT to where the packet was sent anyway is no DNAT to conntrack",
    rules: {
      nat: [
        "-A PREROUTING -d 10.244.0.5/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.5:80",
        "-A PREROUTING -d 10.244.0.6/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.6:8080",
      ],
      filter: ["-A FORWARD -d 10.244.0.0/24 -p tcp -m conntrack --ctstate DNAT -j REJECT --reject-with tcp-reset"],
    },
    packets: [
      { from: "outside", to: podA, outcome: `pod-a to ${outside}` },
      { from: "outside", to: podB, outcome: "refused" },
    ],
  },
  {
    title: "127.0.0.1 neither comes from the network nor leaves the node without route_localnet",
    rules: {
      nat: [
        "-A PREROUTING -d 198.18.9.9/32 -p tcp -j DNAT --to-destination 127.0.0.1:8080",
        "-A OUTPUT -d 127.0.0.1/32 -p tcp -m tcp --dport 5000 -j DNAT --to-destination 10.244.0.5:80",
        "-A POSTROUTING -o pod0 -j MASQUERADE",
      ],
    },
    packets: [
      { from: "outside", to: anywhere, outcome: "no answer" },
      { from: "node", to: "127.0.0.1", port: 5000, outcome: "no answer" },
      { from: "node", to: "127.0.0.1", port: 5001, outcome: "refused" },
    ],
  },
  {
    title: "127.0.0.1 comes from the network and leaves the node with route_localnet",
    routeLocalnet: true,
    rules: {
      nat: [
        "-A PREROUTING -d 198.18.9.9/32 -p tcp -j DNAT --to-destination 127.0.0.1:8080",
        "-A OUTPUT -d 127.0.0.1/32 -p tcp -m tcp --dport 5000 -j DNAT --to-destination 10.244.0.5:80",
        "-A POSTROUTING -o pod0 -j MASQUERADE",
      ],
    },
    packets: [
      // Nobody listens on 127.0.0.1.
      { from: "outside", to: anywhere, outcome: "refused" },
      { from: "node", to: "127.0.0.1", port: 5000, outcome: `pod-a to ${nodeIp}` },
    ],
  },
  {
    title: "a recent list that the packet itself was put in, and taken out of",
    rules: {
      filter: [
        "-A FORWARD -s 203.0.113.0/24 -p tcp -m recent --set --name seen --mask 255.255.255.255 --rsource",
        "-A FORWARD -d 10.244.0.6/32 -m recent --remove --name seen --mask 255.255.255.255 --rsource",
        "-A FORWARD -p tcp -m recent --rcheck --name seen --mask 255.255.255.255 --rsource -j REJECT --reject-with tcp-reset",
      ],
    },
    packets: [
      { from: "outside", to: podA, count: 1, outcome: "refused" },
      { from: "outside", to: podB, count: 1, outcome: `pod-b to ${outside}` },
      { from: "outside-b", to: podA, count: 1, outcome: "pod-a to 198.51.100.9" },
    ],
  },
  {
    title: "a source rewritten on the way out is what comes in again by lo, its mark with it",
    rules: {
      mangle: ["-A OUTPUT -p tcp -j MARK --set-xmark 0x4/0x4"],
      nat: ["-A POSTROUTING -o lo -p tcp -m tcp --dport 8080 -j SNAT --to-source 127.9.9.9"],
      filter: [
        "-A INPUT -s 127.9.9.9/32 -p tcp -m mark --mark 0x4/0x4 -m tcp --dport 8080 -j REJECT --reject-with tcp-reset",
      ],
    },
    packets: [{ from: "node", to: nodeIp, port: 8080, outcome: "refused" }],
  },
  {
    title: "UDP: DNAT, REJECT, limits by port",
    rules: {
      nat: ["-A PREROUTING -d 198.18.9.9/32 -p udp -m udp --dport 5000:5999 -j DNAT --to-destination :80"],
      filter: ["-A FORWARD -d 198.18.9.9/32 -p udp -m udp --dport 80 -j REJECT --reject-with icmp-port-unreachable"],
    },
    packets: [
      { from: "outside", to: anywhere, port: 5555, protocol: "UDP", outcome: "refused" },
      { from: "outside", to: podA, protocol: "UDP", outcome: `pod-a to ${outside}` },
    ],
  },
  {
    title: "IPv6: DNAT with and without a port, MASQUERADE, the node's own addresses",
    family: 6,
    rules: {
      nat: [
        "-A PREROUTING -d 2001:db8:e1::9/128 -p tcp -m tcp --dport 5000 -j DNAT --to-destination [fd00:10:244::5]:8080",
        "-A PREROUTING -d 2001:db8:e1::9/128 -p tcp -j DNAT --to-destination fd00:10:244::6",
        "-A POSTROUTING -d fd00:10:244::6/128 -j MASQUERADE",
      ],
      filter: ["-A INPUT -p tcp -m addrtype --dst-type UNICAST -m tcp --dport 8080 -j REJECT --reject-with tcp-reset"],
    },
    packets: [
      { from: "outside", to: "2001:db8:e1::9", port: 5000, outcome: "pod-a to 2001:db8:1::7" },
      { from: "outside", to: "2001:db8:e1::9", port: 80, outcome: "pod-b to fd00:192::2" },
      { from: "outside", to: "fd00:192::2", port: 8080, outcome: "refused" },
    ],
  },
];

await describeLabs("rules that are not ours, and what the tracer says of them", (lab) => {
  beforeAll(() => lab().listen("node", [8080]));
  for (const row of rows) test(row.title, () => checkTraced(lab(), row));
});
