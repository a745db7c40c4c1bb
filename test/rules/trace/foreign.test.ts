// What the tracer makes of rules that others write. In: files as iptables-save and ipset save print them. Out: where packets end.
import { describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Packet } from "../../../rules/trace/packet.ts";
import { aCidr, anIp } from "../../make/objects.ts";
import { aPacket, hopsOf, ownPacket, waysOf, type NodeFields } from "./a-trace.ts";

const load = (name: string) => readFileSync(join(import.meta.dirname, "foreign", `${name}.rules`), "utf8");
const interfacesTo = (blocks: Readonly<Record<string, string>>): NodeFields => ({
  interfaces: [
    { name: "eth0", blocks: [aCidr("192.168.0.0/24"), aCidr("0.0.0.0/0")] },
    ...Object.entries(blocks).map(([name, block]) => ({ name, blocks: [aCidr(block)] })),
  ],
});

type Row = readonly [string, Packet, readonly string[]];

function rows(name: string, node: NodeFields, list: readonly Row[]): void {
  const text = load(name);
  test.each(list)("%s", (_, packet, ways) => {
    expect(waysOf(text, packet, { node })).toEqual(ways);
  });
}

describe("kubelet: KUBE-FIREWALL, KUBE-MARK-DROP, canaries, the hint", () => {
  rows("kubelet", { routeLocalnet: true }, [
    ["an address that no rule names", aPacket(), ["to 10.1.0.9:80 on"]],
    // INPUT and OUTPUT drop marked packets; FORWARD did not, until kube-proxy's rules stopped making them.
    ["marked to be dropped, from the node", ownPacket({ destination: "10.96.0.66" }), ["dropped"]],
    ["marked to be dropped, from the network", aPacket({ destination: "10.96.0.66" }), ["to 10.96.0.66:80 on"]],
    ["marked to be masqueraded", aPacket({ destination: "10.96.0.77" }), ["to 10.96.0.77:80 on from 192.168.0.2"]],
    ["a neighbour that asks for 127.0.0.1", aPacket({ destination: "127.0.0.1" }), ["dropped"]],
    [
      "of a connection to 127.0.0.1 that is there",
      aPacket({ destination: "127.0.0.1", state: "ESTABLISHED" }),
      ["to 127.0.0.1:80 here"],
    ],
    [
      "the node's own to 127.0.0.1",
      ownPacket({ source: "127.0.0.1", destination: "127.0.0.1" }),
      ["to 127.0.0.1:80 here"],
    ],
  ]);
});

describe("the CNI plugin portmap: host ports 8080 and 8443 of 10.1.0.5", () => {
  rows("portmap", { routeLocalnet: true }, [
    ["from outside", aPacket({ destination: "192.168.0.2", destinationPort: 8080 }), ["DNAT to 10.1.0.5:80 on"]],
    ["the other port", aPacket({ destination: "192.168.0.2", destinationPort: 8443 }), ["DNAT to 10.1.0.5:443 on"]],
    ["another port", aPacket({ destination: "192.168.0.2", destinationPort: 8444 }), ["to 192.168.0.2:8444 here"]],
    [
      "another protocol",
      aPacket({ destination: "192.168.0.2", destinationPort: 8080, protocol: "udp" }),
      ["to 192.168.0.2:8080 here"],
    ],
    [
      "another node's address",
      aPacket({ destination: "192.168.0.3", destinationPort: 8080 }),
      ["to 192.168.0.3:8080 on"],
    ],
    [
      "from a pod of the same network: masqueraded",
      aPacket({ source: "10.1.0.7", inInterface: "cni0", destination: "192.168.0.2", destinationPort: 8080 }),
      ["DNAT to 10.1.0.5:80 on from 192.168.0.2"],
    ],
    [
      "from the node by 127.0.0.1: masqueraded",
      ownPacket({ source: "127.0.0.1", destination: "127.0.0.1", destinationPort: 8080 }),
      ["DNAT to 10.1.0.5:80 on from 192.168.0.2"],
    ],
    [
      "from the node by its address",
      ownPacket({ destination: "192.168.0.2", destinationPort: 8443 }),
      ["DNAT to 10.1.0.5:443 on"],
    ],
  ]);

  test("the chains on the way are told", () => {
    const packet = aPacket({
      source: "10.1.0.7",
      inInterface: "cni0",
      destination: "192.168.0.2",
      destinationPort: 8080,
    });
    expect(hopsOf(load("portmap"), packet)).toEqual([
      "nat PREROUTING: -j CNI-HOSTPORT-DNAT",
      "nat CNI-HOSTPORT-DNAT: -j CNI-DN-0c6bcf6e1ecbba24d1ae4",
      "nat CNI-DN-0c6bcf6e1ecbba24d1ae4: -j CNI-HOSTPORT-SETMARK",
      "nat CNI-HOSTPORT-SETMARK: -j MARK --set-xmark 0x2000/0x2000",
      "nat CNI-DN-0c6bcf6e1ecbba24d1ae4: -j DNAT --to-destination 10.1.0.5:80",
      "nat POSTROUTING: -j CNI-HOSTPORT-MASQ",
      "nat CNI-HOSTPORT-MASQ: -j MASQUERADE",
    ]);
  });
});

describe("Docker: port 8080 published for 172.17.0.2:80, a second network, a rule of the administrator's", () => {
  const node = interfacesTo({ docker0: "172.17.0.0/16", "br-5f3c": "172.18.0.0/16", cni0: "10.1.0.0/24" });
  const container = { source: "172.17.0.2", inInterface: "docker0" };
  rows("docker", node, [
    [
      "the published port from outside",
      aPacket({ destination: "192.168.0.2", destinationPort: 8080 }),
      ["DNAT to 172.17.0.2:80 on"],
    ],
    [
      "the same from whom DOCKER-USER refuses",
      aPacket({ source: "198.51.100.9", destination: "192.168.0.2", destinationPort: 8080 }),
      ["rejected tcp-reset"],
    ],
    ["the container's address from outside", aPacket({ destination: "172.17.0.2" }), ["dropped"]],
    ["another container from outside", aPacket({ destination: "172.17.0.3" }), ["dropped"]],
    [
      "the published port from the node",
      ownPacket({ destination: "192.168.0.2", destinationPort: 8080 }),
      ["DNAT to 172.17.0.2:80 on"],
    ],
    [
      "the same by 127.0.0.1, which a proxy process must answer",
      ownPacket({ source: "127.0.0.1", destination: "127.0.0.1", destinationPort: 8080 }),
      ["to 127.0.0.1:8080 here"],
    ],
    [
      "a container that goes out: masqueraded",
      aPacket({ ...container, destination: "203.0.113.7" }),
      ["to 203.0.113.7:80 on from 192.168.0.2"],
    ],
    [
      "a container to another of its network",
      aPacket({ ...container, destination: "172.17.0.3" }),
      ["to 172.17.0.3:80 on"],
    ],
    ["a container to one of the other network", aPacket({ ...container, destination: "172.18.0.3" }), ["dropped"]],
    [
      "a later packet to a container",
      aPacket({ destination: "172.18.0.2", state: "ESTABLISHED" }),
      ["to 172.18.0.2:80 on"],
    ],
    ["what has nothing to do with Docker, by the policy of FORWARD", aPacket({ destination: "10.1.0.9" }), ["dropped"]],
  ]);

  test("an interface that is not known: what depends on it, and nothing that cannot be", () => {
    const { source, destination, protocol, origin } = aPacket({ destination: "192.168.0.2" });
    const packet: Packet = { source, destination, protocol, origin, destinationPort: 8080 };
    expect(waysOf(load("docker"), packet, { node })).toEqual([
      "if -i docker0: to 192.168.0.2:8080 here",
      // The isolation of networks takes it in between.
      "if not -i docker0, if -i br-5f3c: dropped",
      "if not -i docker0, if not -i br-5f3c: DNAT to 172.17.0.2:80 on",
    ]);
  });
});

describe("kube-proxy in IPVS mode, with its sets", () => {
  // The addresses of Services are the node's own, on kube-ipvs0. IPVS itself chooses the endpoint, behind all that is traced here.
  const node = { localIps: ["192.168.0.2", "10.96.0.1", "10.96.0.10", "192.0.2.10", "192.0.2.11"].map(anIp) };
  const pod = { source: "10.1.0.7", inInterface: "cni0" };
  rows("ipvs", node, [
    [
      "a cluster IP from a pod",
      aPacket({ ...pod, destination: "10.96.0.1", destinationPort: 443 }),
      ["to 10.96.0.1:443 here"],
    ],
    [
      "a port of a cluster IP that no Service has",
      aPacket({ ...pod, destination: "10.96.0.1", destinationPort: 444 }),
      ["rejected icmp-port-unreachable"],
    ],
    [
      "the same with another protocol",
      aPacket({ ...pod, destination: "10.96.0.10", destinationPort: 53 }),
      ["rejected icmp-port-unreachable"],
    ],
    [
      "a load-balancer address within the source ranges",
      aPacket({ source: "198.51.100.9", destination: "192.0.2.10" }),
      ["to 192.0.2.10:80 here"],
    ],
    ["the same from elsewhere", aPacket({ destination: "192.0.2.10" }), ["dropped"]],
    ["one without source ranges", aPacket({ destination: "192.0.2.11" }), ["to 192.0.2.11:80 here"]],
    ["a node port", aPacket({ destination: "192.168.0.2", destinationPort: 30080 }), ["to 192.168.0.2:30080 here"]],
    ["a health check", aPacket({ destination: "192.168.0.2", destinationPort: 32000 }), ["to 192.168.0.2:32000 here"]],
    ["another port of the node", aPacket({ destination: "192.168.0.2", destinationPort: 22 }), ["dropped"]],
    [
      "an endpoint that a pod reaches itself by: masqueraded, to whichever of the many addresses the way out has",
      aPacket({ source: "10.1.0.5", inInterface: "cni0", destination: "10.1.0.5", destinationPort: 443 }),
      ["to 10.1.0.5:443 on from unknown"],
    ],
    [
      "the same endpoint from another pod",
      aPacket({ ...pod, destination: "10.1.0.5", destinationPort: 443 }),
      ["to 10.1.0.5:443 on"],
    ],
  ]);

  test.each<readonly [string, Packet, readonly string[]]>([
    [
      "a cluster IP from outside the pods is marked",
      aPacket({ destination: "10.96.0.1", destinationPort: 443 }),
      ["nat KUBE-SERVICES: -j KUBE-MARK-MASQ", "nat KUBE-MARK-MASQ: -j MARK --set-xmark 0x4000/0x4000"],
    ],
    ["a cluster IP from a pod is not", aPacket({ ...pod, destination: "10.96.0.1", destinationPort: 443 }), []],
    [
      "a load-balancer address is",
      aPacket({ source: "198.51.100.9", destination: "192.0.2.10" }),
      ["nat KUBE-LOAD-BALANCER: -j KUBE-MARK-MASQ", "nat KUBE-MARK-MASQ: -j MARK --set-xmark 0x4000/0x4000"],
    ],
    ["with externalTrafficPolicy Local it is not", aPacket({ destination: "192.0.2.11" }), []],
    [
      "a node port is",
      aPacket({ destination: "192.168.0.2", destinationPort: 30080 }),
      ["nat KUBE-NODE-PORT: -j KUBE-MARK-MASQ", "nat KUBE-MARK-MASQ: -j MARK --set-xmark 0x4000/0x4000"],
    ],
  ])("%s", (_, packet, hops) => {
    expect(hopsOf(load("ipvs"), packet, { node }).filter((hop) => hop.includes("MARK"))).toEqual(hops);
  });

  test("an answer of IPVS from a load-balancer address depends on what IPVS says", () => {
    const on = "-m ipvs --vaddr 192.0.2.10 --vproto 6 --vport 80";
    const answer = ownPacket({ source: "192.0.2.10", destination: "10.1.0.9", state: "ESTABLISHED" });
    expect(waysOf(load("ipvs"), answer, { node })).toEqual([`if ${on}: dropped`, `if not ${on}: to 10.1.0.9:80 on`]);
  });
});

describe("rules as Calico and flannel write them: marks, goto, sets", () => {
  const node = interfacesTo({ cali1234: "10.1.0.9/32", cali5678: "10.1.0.8/32", "flannel.1": "10.244.0.0/16" });
  const workload = { source: "10.1.0.9", inInterface: "cali1234" };
  const spoofed = "-m rpfilter --validmark --invert";
  rows("calico", node, [
    ["to a workload that the policy lets in", aPacket(), ["to 10.1.0.9:80 on"]],
    ["a port that it does not", aPacket({ destinationPort: 81 }), ["dropped"]],
    ["a source that it does not", aPacket({ source: "198.51.100.9" }), ["dropped"]],
    [
      "a later packet, whatever the policy",
      aPacket({ destinationPort: 81, state: "ESTABLISHED" }),
      ["to 10.1.0.9:80 on".replace(":80", ":81")],
    ],
    ["a workload that no chain is for", aPacket({ destination: "10.1.0.8" }), ["dropped"]],
    [
      "out of a workload: masqueraded, unless its source is not its own",
      aPacket({ ...workload, destination: "203.0.113.7" }),
      [`if ${spoofed}: dropped`, `if not ${spoofed}: to 203.0.113.7:80 on from 192.168.0.2`],
    ],
    [
      "what workloads must not send",
      aPacket({ ...workload, destination: "203.0.113.7", protocol: "udp", destinationPort: 4789 }),
      [`if ${spoofed}: dropped`, `if not ${spoofed}: dropped`],
    ],
    [
      "from outside to a pod of another node: masqueraded",
      aPacket({ destination: "10.244.3.3" }),
      ["to 10.244.3.3:80 on from 192.168.0.2"],
    ],
    ["from outside to a pod of this node's block", aPacket({ destination: "10.244.0.3" }), ["to 10.244.0.3:80 on"]],
    [
      "from pod to pod",
      aPacket({ source: "10.244.3.3", inInterface: "flannel.1", destination: "10.244.0.3" }),
      ["to 10.244.0.3:80 on"],
    ],
    [
      "from a pod to the world",
      aPacket({ source: "10.244.0.3", inInterface: "flannel.1", destination: "8.8.8.8" }),
      ["to 8.8.8.8:80 on from 192.168.0.2"],
    ],
  ]);
});
