import { describe, expect, test } from "@jest/globals";
import { destinationsOf, type Destination } from "../../../rules/compare/destinations.ts";
import { buildModel, isServed, servicePorts } from "../../../rules/model/model.ts";
import { hostPort, type Family } from "../../../rules/net/ip.ts";
import { aCluster, anIp, aService, aSlice } from "../../make/objects.ts";
import { aView } from "../../make/node.ts";
import { renderKubeProxyLayout } from "../../make/kube-proxy-layout.ts";
import { aFirewall, heading, node, ourText } from "./a-tracer.ts";

const local = ["192.168.0.2", "172.16.0.2"];

function found(rules: readonly string[], family: Family = 4): string[] {
  const chains = new Set(rules.map((rule) => rule.split(" ")[1] ?? ""));
  const declared = [...chains].map((name) => `:${name} ${/^[A-Z]+$/.test(name) ? "ACCEPT" : "-"} [0:0]\n`).join("");
  const firewall = aFirewall(
    `${heading(family)}*nat\n${declared}${rules.map((rule) => `${rule}\n`).join("")}COMMIT\n`,
    family,
  );
  return destinationsOf([firewall], [...local, "fd00:192::2"].map(anIp)).map(text);
}

function text({ ip, port, protocol, name }: Destination): string {
  return `${protocol} ${hostPort(ip, port)}${name === "" ? "" : ` ${name}`}`;
}

/** What is always there: the node, loopback and somewhere else, with each protocol. */
const usual = found(["-A OUTPUT -j ACCEPT"]);

describe("destinations", () => {
  test("without any rule that names one: the node, its loopback address, and a place beyond", () => {
    const each = (place: string) => ["sctp", "tcp", "udp"].map((protocol) => `${protocol} ${place}`);
    expect(usual).toEqual([...each("127.0.0.1:1"), ...each("192.0.2.254:443"), ...each("192.168.0.2:1")]);
  });

  test.each<[string, string[], string[]]>([
    [
      "address, protocol and port",
      [
        '-A PREROUTING -d 10.96.0.1/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j ACCEPT',
      ],
      ["tcp 10.96.0.1:80 default/web cluster IP"],
    ],
    ["an address alone: a port that no rule names", ["-A PREROUTING -d 10.9.0.1/32 -j DROP"], ["tcp 10.9.0.1:1"]],
    [
      "an address and a protocol: all protocols",
      ["-A PREROUTING -d 10.9.0.1/32 -p udp -j DROP"],
      ["sctp 10.9.0.1:1", "tcp 10.9.0.1:1", "udp 10.9.0.1:1"],
    ],
    [
      "a port alone: on the node and beyond it",
      ["-A PREROUTING -p tcp -m tcp --dport 25 -j DROP"],
      ["tcp 127.0.0.1:25", "tcp 192.0.2.254:25", "tcp 192.168.0.2:25"],
    ],
    [
      "a port on the node's addresses: there alone",
      ["-A PREROUTING -m addrtype --dst-type LOCAL -j PORTS-X", "-A PORTS-X -p tcp -m tcp --dport 30080 -j DROP"],
      ["tcp 127.0.0.1:30080", "tcp 192.168.0.2:30080"],
    ],
    [
      "a port below an address",
      ["-A PREROUTING -d 10.9.0.1/32 -j PORTS-X", "-A PORTS-X -p tcp -m tcp --dport 25 -j DROP"],
      ["tcp 10.9.0.1:1", "tcp 10.9.0.1:25"],
    ],
    [
      "a port in a block, its own and one below",
      [
        "-A PREROUTING -d 10.9.0.0/16 -p udp -m udp --dport 53 -j PORTS-X",
        "-A PORTS-X -p tcp -m tcp --dport 25 -j DROP",
      ],
      ["sctp 10.9.255.255:1", "tcp 10.9.255.255:1", "tcp 10.9.255.255:25", "udp 10.9.255.255:1", "udp 10.9.255.255:53"],
    ],
    [
      "nested blocks: one address in each part, and the ports of the outer one in both",
      ["-A PREROUTING -d 10.9.0.0/16 -p udp -m udp --dport 53 -j DROP", "-A OUTPUT -d 10.9.255.0/24 -j DROP"],
      ["10.9.0.0", "10.9.255.255"].flatMap((ip) => [`sctp ${ip}:1`, `tcp ${ip}:1`, `udp ${ip}:1`, `udp ${ip}:53`]),
    ],
    [
      "an address of the node that rules name: it, and the first of the others",
      ["-A PREROUTING -d 192.168.0.2/32 -j ACCEPT"],
      ["sctp 172.16.0.2:1", "tcp 172.16.0.2:1", "udp 172.16.0.2:1"],
    ],
    [
      "all but an address: what stands there, and beyond",
      ["-A PREROUTING ! -d 10.9.0.1/32 -p tcp -m tcp --dport 25 -j DROP"],
      ["tcp 10.9.0.1:25", "tcp 127.0.0.1:25", "tcp 192.0.2.254:25", "tcp 192.168.0.2:25"],
    ],
  ])("%s", (_, rules, more) => {
    const others = found(rules).filter((each) => !usual.includes(each));
    expect(others.sort()).toEqual(more.toSorted());
    expect(found(rules)).toEqual(expect.arrayContaining(usual));
  });

  test("of IPv6", () => {
    const all = found(["-A PREROUTING -d fd00:96::1/128 -p tcp -m tcp --dport 80 -j ACCEPT"], 6);
    expect(all.filter((each) => each.startsWith("tcp"))).toEqual([
      "tcp [::1]:1",
      "tcp [2001:db8:ffff::fffe]:443",
      "tcp [fd00:96::1]:80",
      "tcp [fd00:192::2]:1",
    ]);
  });
});

test("of two dumps: what either names, once, with the name that says most", () => {
  const [web, dead] = [aSlice(), aSlice({ endpoints: [] })].map((slice) =>
    buildModel(aCluster(aService(), slice), aView()),
  );
  if (web === undefined || dead === undefined) throw new Error("bug: two models");
  for (const texts of [
    [ourText(dead), renderKubeProxyLayout(web)],
    [ourText(web), renderKubeProxyLayout(dead)],
  ]) {
    const all = destinationsOf(
      texts.map((each) => aFirewall(each)),
      node.localIps,
    );
    const atWeb = all.filter(({ ip, port }) => ip === "10.96.0.1" && port === 80);
    expect(atWeb.map(text)).toEqual(["tcp 10.96.0.1:80 default/web cluster IP"]);
    expect(atWeb[0]?.isClusterIp).toBe(true);
  }
});

test("every frontend of a model is there under its Service's name, whoever wrote the rules", () => {
  const ports = [{ port: 80, nodePort: 30080 }];
  const many = Array.from({ length: 40 }, (_, at) => [
    aService({ name: `s${at}`, clusterIps: [`10.96.${at % 3}.${at}`] }),
    aSlice({ service: `s${at}` }),
  ]);
  const balancer = { type: "LoadBalancer", clusterIps: ["10.97.0.1"], loadBalancerIps: ["203.0.113.1"] } as const;
  const services = [aService({ ...balancer, externalIps: ["198.51.100.1"], ports }), aSlice(), ...many.flat()];
  const model = buildModel(aCluster(...services), aView());
  for (const rules of [ourText(model), renderKubeProxyLayout(model)]) {
    const all = new Map(
      destinationsOf([aFirewall(rules)], node.localIps).map((each) => [text(each).split(" ")[1], each.name]),
    );
    const what = {
      "cluster-ip": " cluster IP",
      "external-ip": " external IP",
      "load-balancer-ip": " loadbalancer IP",
      "node-port": "",
    };
    const wanted = servicePorts(model)
      .flatMap(({ frontends }) => frontends)
      .filter((frontend) => isServed(model, frontend))
      .map(({ ip = anIp("192.168.0.2"), port, service, kind }) => [hostPort(ip, port), `${service}${what[kind]}`]);
    expect(wanted).toHaveLength(44);
    expect(wanted.map(([place = ""]) => [place, all.get(place)])).toEqual(wanted);
  }
});
