// The rules do with every packet what the service model says. In: random clusters and nodes. Out: verdicts by walking the rules.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { buildModel, isServed, servicePorts } from "../../../rules/model/model.ts";
import type { Frontend } from "../../../rules/model/service-port.ts";
import type { View } from "../../../rules/model/view.ts";
import { buildRuleset } from "../../../rules/iptables/ruleset/build.ts";
import { renderRuleset } from "../../../rules/iptables/text/render-ruleset.ts";
import { cidrHolds } from "../../../rules/net/cidr.ts";
import { hostPort, type Ip } from "../../../rules/net/ip.ts";
import { clusters, views } from "../../make/arbitrary.ts";
import { clients, type Client } from "../../make/clients.ts";
import { anIp } from "../../make/objects.ts";
import { destinations, readDump, walk, type Dump, type Packet } from "../../make/walk.ts";

test("every frontend, from every kind of client: which endpoints, masqueraded or not, refused or dropped", () => {
  fc.assert(
    fc.property(clusters(40), views(), (cluster, view) => {
      const model = buildModel(cluster, view);
      const dump = readDump(renderRuleset(buildRuleset(model).ruleset));
      for (const frontend of servicePorts(model).flatMap((port) => port.frontends)) {
        if (!isServed(model, frontend)) continue;
        for (const client of clients[view.family]) {
          for (const to of addressesOf(frontend, view)) {
            expect([frontend.kind, frontend.service, client.ip, seen(dump, { frontend, client, to }, view)]).toEqual([
              frontend.kind,
              frontend.service,
              client.ip,
              wanted(frontend, client, view),
            ]);
          }
        }
      }
    }),
    { numRuns: 30 },
  );
});

test("what comes back to the endpoint that sent it is masqueraded where that can happen, and only there", () => {
  fc.assert(
    fc.property(clusters(20), views(), (cluster, view) => {
      const model = buildModel(cluster, view);
      const dump = readDump(renderRuleset(buildRuleset(model).ruleset));
      const used = servicePorts(model).flatMap((port) =>
        [...port.clusterEndpoints, ...port.localEndpoints].map((endpoint) => ({ port, endpoint })),
      );
      const returning = new Set(
        used.flatMap(({ port, endpoint }) =>
          endpoint.local ||
          endpoint.nodeName === undefined ||
          view.nodeName === undefined ||
          port.externalPolicy === "Local"
            ? [endpoint.ip]
            : [],
        ),
      );
      for (const ip of new Set(used.map(({ endpoint }) => endpoint.ip))) {
        const sent = (states: string[], from: string = ip): Packet => ({
          from,
          to: ip,
          protocol: "tcp",
          port: 8080,
          states,
        });
        const target = (packet: Packet) => walk(dump, { table: "nat", chain: "POSTROUTING" }, packet)[0]?.target;
        expect([ip, target(sent(["DNAT"]))]).toEqual([ip, returning.has(ip) ? "MASQUERADE --random-fully" : ""]);
        expect(target(sent(["NEW"]))).toBe("");
        expect(target(sent(["DNAT"], view.family === 4 ? "198.51.100.9" : "2001:db8::9"))).toBe("");
      }
    }),
    { numRuns: 20 },
  );
});

function addressesOf({ ip }: Frontend, view: View): readonly Ip[] {
  if (ip !== undefined) return [ip];
  return view.nodePortIps === "all" ? [nodeIp(view)] : view.nodePortIps.filter((each) => !each.startsWith("127."));
}

function nodeIp(view: View): Ip {
  return anIp(view.family === 4 ? "192.168.0.2" : "fd00:192::2");
}

/** What the model says: the first fate that the client belongs to. */
function wanted(frontend: Frontend, client: Client, view: View): unknown {
  const isPod = isLocalPod(client, view);
  const { fates, sourceRanges } = frontend;
  const fate = fates.find(({ from }) => from === "anyone" || (from === "local-pods" ? isPod : client.isNode));
  const verdict = fate?.verdict;
  const isDead = fates.every((each) => each.verdict.kind !== "balance");
  // Where nothing is served at all, source ranges are not asked.
  if (sourceRanges !== undefined && !isDead && !sourceRanges.cidrs.some((cidr) => cidrHolds(cidr, client.ip)))
    return "drop";
  // As in kube-proxy, KUBE-EXTERNAL-SERVICES is not on the way of what the node itself sends out.
  const isOut = client.isNode && (frontend.kind === "external-ip" || frontend.kind === "load-balancer-ip");
  if (verdict?.kind !== "balance") return isOut ? "passed on: " : verdict?.kind;
  const masquerade = verdict.masquerade === "always" || (verdict.masquerade === "unless-local-pod" && !isPod);
  return { to: [...new Set(verdict.to.map(({ ip, port }) => hostPort(ip, port)))].sort(), masquerade };
}

function isLocalPod({ ip, inInterface }: Client, { localPods }: View): boolean {
  if (localPods === undefined) return false;
  if (localPods.kind === "source") return cidrHolds(localPods.cidr, ip);
  const { name } = localPods;
  return name.endsWith("+") ? inInterface.startsWith(name.slice(0, -1)) : inInterface === name;
}

type Sent = { readonly frontend: Frontend; readonly client: Client; readonly to: Ip };

/** What the rules do: nat first, then, for what was not translated, filter. */
function seen(dump: Dump, { frontend, client, to }: Sent, view: View): unknown {
  const localIps = [nodeIp(view), ...(view.nodePortIps === "all" ? [] : view.nodePortIps)];
  const packet: Packet = {
    from: client.ip,
    to,
    protocol: frontend.protocol.toLowerCase() as Packet["protocol"],
    port: frontend.port,
    inInterface: client.inInterface,
    localIps,
  };
  const ends = walk(dump, { table: "nat", chain: client.isNode ? "OUTPUT" : "PREROUTING" }, packet);
  const marks = new Set(ends.map(({ mark }) => mark));
  const targets = destinations(ends);
  if (targets.length > 0 && ends.every(({ target }) => target.startsWith("DNAT "))) {
    // The mark is a bit that POSTROUTING knows, or none at all.
    expect([...marks]).toEqual([marks.has(view.mark) ? view.mark : 0]);
    return { to: targets, masquerade: marks.has(view.mark) };
  }
  expect(targets).toEqual([]);
  const isLocal = localIps.includes(to);
  // What the node sends to itself comes in again by INPUT.
  const hooks = [...(client.isNode ? ["OUTPUT"] : []), ...(isLocal ? ["INPUT"] : client.isNode ? [] : ["FORWARD"])];
  const [mark = 0] = marks;
  const found = hooks.map((chain) => walk(dump, { table: "filter", chain }, { ...packet, mark })[0]);
  const end = found.find((each) => each?.target !== "") ?? found[0];
  return end?.target.startsWith("REJECT") === true
    ? "reject"
    : end?.target === "DROP"
      ? "drop"
      : `passed on: ${end?.target ?? ""}`;
}
