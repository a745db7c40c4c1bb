// Rules, sets and virtual servers together do with every packet what the service model says. In: random clusters. Out: verdicts of the tracer.
import { expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import type { IpvsBuild } from "../../../rules/ipvs/build.ts";
import type { IpvsNode } from "../../../rules/ipvs/node.ts";
import { serverKey } from "../../../rules/ipvs/virtual-server.ts";
import { isServed, servicePorts } from "../../../rules/model/model.ts";
import type { Frontend } from "../../../rules/model/service-port.ts";
import type { View } from "../../../rules/model/view.ts";
import { cidrFamily, cidrHolds } from "../../../rules/net/cidr.ts";
import { hostPort, type Ip } from "../../../rules/net/ip.ts";
import { get, values } from "../../../rules/radix/radix.ts";
import { parseFirewalls } from "../../../rules/trace/firewall.ts";
import { buildTracer, type Branch, type Tracer } from "../../../rules/trace/trace.ts";
import { clusters, views } from "../../make/arbitrary.ts";
import { clients, type Client } from "../../make/clients.ts";
import { aFakeNode, ipvsOf, settle } from "../../make/ipvs.ts";
import { aCidr, aCluster, anIp, aService, aSlice } from "../../make/objects.ts";
import { aView } from "../../make/node.ts";

jest.setTimeout(60_000);

test("every frontend, from every kind of client: which endpoints, masqueraded or not, refused or dropped", async () => {
  await fc.assert(
    fc.asyncProperty(clusters(25), views(), async (cluster, view) => {
      const build = ipvsOf(cluster, view);
      const tracer = await tracerOf(build);
      for (const frontend of servicePorts(build.model).flatMap((port) => port.frontends)) {
        if (!isServed(build.model, frontend)) continue;
        for (const client of clients[view.family])
          for (const to of frontend.ip === undefined ? build.node.nodePortIps : [frontend.ip]) {
            // A frontend with an address of its own may be at a node port's place.
            if (get(build.seats.winners, serverKey({ ...frontend, ip: to }))?.frontend !== frontend) continue;
            const what = [frontend.kind, frontend.service, to, client.ip];
            expect([...what, seen(tracer, build, { frontend, client, to })]).toEqual([
              ...what,
              wanted(build, { frontend, client, to }),
            ]);
          }
      }
    }),
    { numRuns: 20 },
  );
});

test("ports of the node cannot be reached through addresses of Services, and addresses of the node are left alone", async () => {
  await fc.assert(
    fc.asyncProperty(clusters(12), views(), async (cluster, view) => {
      const build = ipvsOf(cluster, view);
      const tracer = await tracerOf(build);
      const ask = (destination: Ip, client: Client) =>
        end(tracer.trace({ ...packetOf(client, destination), protocol: "tcp", destinationPort: 22 }));
      for (const client of clients[view.family]) {
        for (const { ip } of values(build.state.addresses.held))
          expect([ip, ask(ip, client)]).toEqual([ip, "rejected"]);
        expect(ask(nodeIp(view), client)).toBe("delivered");
      }
    }),
    { numRuns: 10 },
  );
});

test.each([
  ["203.0.113.77", ["203.0.113.0/24"], "delivered"],
  ["198.51.100.77", ["203.0.113.0/24"], "dropped"],
  ["198.51.100.77", ["0.0.0.0/0"], "delivered"],
  ["198.51.100.77", ["203.0.113.0/24", "0.0.0.0/0"], "delivered"],
  ["198.51.100.77", ["0.0.0.0/1", "128.0.0.0/1"], "delivered"],
  ["198.51.100.77", ["2001:db8::/32"], "dropped"],
  ["10.1.200.200", ["203.0.113.0/24"], "dropped"],
])("a client %s of a load balancer for %j is %s", async (client, sourceRanges, expected) => {
  const build = ipvsOf(
    aCluster(aService({ type: "LoadBalancer", loadBalancerIps: ["203.0.113.1"], sourceRanges }), aSlice()),
  );
  const tracer = await tracerOf(build);
  const packet = {
    ...packetOf({ ip: anIp(client), inInterface: "eth0", isNode: false }, anIp("203.0.113.1")),
    protocol: "tcp",
  };
  expect(end(tracer.trace({ ...packet, destinationPort: 80 }))).toBe(expected);
});

test.each([
  ["an endpoint that is its own client", "10.1.0.1", "10.1.0.1", true],
  ["another client", "10.1.0.2", "10.1.0.1", false],
])("%s is masqueraded: %s to %s, %s", async (_, source, destination, expected) => {
  const endpoint = { ip: "10.1.0.1", nodeName: "here" };
  const build = ipvsOf(
    aCluster(aService(), aSlice({ endpoints: [endpoint] })),
    aView({ settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [aCidr("10.0.0.0/8")] } } }),
  );
  const tracer = await tracerOf(build);
  // ip_vs has chosen, and sends the packet on.
  const [branch] = tracer.trace({
    source: anIp(source),
    destination: anIp(destination),
    protocol: "tcp",
    destinationPort: 8080,
    origin: "network",
    inInterface: "cni0",
  });
  expect(branch?.end).toMatchObject({ kind: "delivered", source: { kind: expected ? "rewritten" : "kept" } });
});

type Sent = { readonly frontend: Frontend; readonly client: Client; readonly to: Ip };

async function tracerOf({ state, node }: IpvsBuild): Promise<Tracer> {
  const fake = await aFakeNode();
  await settle(fake, state);
  const rules = await fake.rules(state.family);
  const heading = `# Generated by ${state.family === 4 ? "iptables" : "ip6tables"}-save\n`;
  const { firewalls, problems } = parseFirewalls(fake.tools.sets() + heading + rules);
  const firewall = firewalls[state.family];
  if (firewall === undefined || problems.length > 0) throw new Error(`bug: no firewall: ${JSON.stringify(problems)}`);
  const localIps = [...localAddresses(node), ...values(state.addresses.held).map(({ ip }) => ip)];
  return buildTracer(firewall, { localIps, interfaces: [], routeLocalnet: false });
}

function localAddresses({ localIps }: IpvsNode): readonly Ip[] {
  return localIps.filter((ip) => ip !== "127.0.0.1" && ip !== "::1");
}

function nodeIp({ family }: View): Ip {
  return anIp(family === 4 ? "192.168.0.2" : "fd00:192::2");
}

/** What the node itself sends to an address of its own comes from that address. */
function packetOf(client: Client, to: Ip) {
  return client.isNode
    ? { source: to, destination: to, origin: "node" as const }
    : { source: client.ip, destination: to, origin: "network" as const, inInterface: client.inInterface };
}

function end(branches: readonly Branch[]): string {
  return [...new Set(branches.map((branch) => branch.end.kind))].join(" or ");
}

/** The rules first, then, for what they leave to it, the virtual server. */
function seen(tracer: Tracer, { state }: IpvsBuild, { frontend, client, to }: Sent): unknown {
  const protocol = frontend.protocol.toLowerCase();
  const branches = tracer.trace({ ...packetOf(client, to), protocol, destinationPort: frontend.port });
  const kinds = end(branches);
  if (kinds !== "delivered") return kinds === "rejected" ? "reject" : kinds === "dropped" ? "drop" : kinds;
  const masquerades = new Set(branches.map(({ hops }) => hops.some(({ chain }) => chain === "KUBE-MARK-MASQ")));
  if (masquerades.size !== 1) return "masqueraded or not, by chance";
  const server = get(state.servers, serverKey({ ...frontend, ip: to }));
  const targets = branches.flatMap((branch) => {
    if (branch.end.kind !== "delivered") return [];
    if (branch.end.translated) return [hostPort(branch.end.to, branch.end.port ?? 0)];
    return server?.servers.map(({ ip, port }) => hostPort(ip, port)) ?? ["nobody"];
  });
  return { to: [...new Set(targets)].sort(), masquerade: masquerades.has(true) };
}

/** What the model says: the first fate that the client belongs to. */
function wanted({ model, state }: IpvsBuild, { frontend, client, to }: Sent): unknown {
  const { view } = model;
  const isHeld = values(state.addresses.held).some(({ ip }) => ip === to);
  const source = client.isNode ? to : client.ip;
  const isPod = isLocalPod({ ...client, ip: source }, view);
  const { fates, sourceRanges } = frontend;
  const isDead = fates.every(({ verdict }) => verdict.kind !== "balance");
  const ranges = get(model.cluster, frontend.service.split(":")[0] ?? "")?.service?.sourceRanges ?? [];
  const isClosed = ranges.length > 0 && ranges.every((cidr) => cidrFamily(cidr) !== view.family);
  if (!isDead && frontend.kind === "load-balancer-ip" && isClosed) return "drop";
  const isIn =
    sourceRanges?.cidrs.some((cidr) => cidrHolds(cidr, source)) === true ||
    (client.isNode && sourceRanges?.withVip === true);
  if (!isDead && sourceRanges !== undefined && !isIn) return "drop";
  const verdict = fates.find(
    ({ from }) => from === "anyone" || (from === "local-pods" ? isPod : client.isNode),
  )?.verdict;
  if (verdict?.kind !== "balance") return verdict?.kind;
  // The node's own packets to an address that Services alone have would else come from that address.
  const own = client.isNode && isHeld;
  const masquerade = own || verdict.masquerade === "always" || (verdict.masquerade === "unless-local-pod" && !isPod);
  return { to: [...new Set(verdict.to.map(({ ip, port }) => hostPort(ip, port)))].sort(), masquerade };
}

function isLocalPod({ ip, inInterface }: Client, { localPods }: View): boolean {
  if (localPods === undefined) return false;
  if (localPods.kind === "source") return cidrHolds(localPods.cidr, ip);
  const { name } = localPods;
  return name.endsWith("+") ? inInterface.startsWith(name.slice(0, -1)) : inInterface === name;
}
