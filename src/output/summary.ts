// A plan as a table for people. In: Desired. Out: a line per frontend, then what was made up.
import {
  entryChain,
  isServed,
  serverKey,
  servicePorts,
  hostPort,
  type Frontend,
  type IpvsBuild,
  type Ip,
  type Model,
  type ServicePort,
  type View,
} from "../../rules/index.ts";
import { get } from "../../rules/radix/radix.ts";
import type { Desired } from "../desired/desired.ts";
import { placeholderLine } from "./plan-text.ts";
import { renderTable } from "./table.ts";

/** Service, frontend, policy, endpoints, chains or virtual servers; `*` marks what no manifest gives. */
export function renderSummary(desired: Desired): string {
  const rows = [
    ...desired.builds.flatMap(({ model }) => rowsOf(model, chainOf)),
    ...desired.ipvsBuilds.flatMap((build) => rowsOf(build.model, (frontend) => schedulerOf(frontend, build))),
  ];
  const last = desired.backend === "ipvs" ? "VIRTUAL SERVER" : "CHAIN";
  const table = renderTable(["SERVICE", "FRONTEND", "KIND", "POLICY", "ENDPOINTS", last], rows);
  const notes = desired.placeholders.map(placeholderLine);
  return table + (notes.length === 0 ? "" : `\n* made up, since no manifest gives it:\n${notes.join("\n")}\n`);
}

/** What a served frontend has in the last column; undefined where rules refuse or drop. */
type LastCell = (frontend: Frontend, view: View) => string | undefined;

function rowsOf(model: Model, lastCell: LastCell): string[][] {
  return servicePorts(model).flatMap((port) =>
    port.frontends.map((frontend) => {
      const at = hostPort(frontend.ip ?? anyIp(model.view.family), frontend.port);
      return [
        port.name,
        `${at}/${frontend.protocol}${frontend.placeholder === true ? " *" : ""}`,
        frontend.kind,
        policyOf(port, frontend),
        endpointsOf(frontend),
        isServed(model, frontend) ? (lastCell(frontend, model.view) ?? "-") : "taken by another Service",
      ];
    }),
  );
}

function chainOf(frontend: Frontend, view: View): string | undefined {
  return frontend.kind === "node-port" && view.nodePortIps.length === 0 ? noAddress : entryChain(frontend);
}

/** The scheduler and its flags, as the annotation names them. A node port has the same at each address. */
function schedulerOf(frontend: Frontend, { node, state }: IpvsBuild): string | undefined {
  const { ip, port, protocol } = frontend;
  const ips = ip === undefined ? node.nodePortIps : [ip];
  if (ips.length === 0) return noAddress;
  const servers = ips.flatMap((each) => get(state.servers, serverKey({ ip: each, port, protocol })) ?? []);
  const own = servers.find(({ service }) => service === frontend.service);
  return own && [own.scheduler, ...own.flags].join();
}

const noAddress = "no address in nodePortAddresses";

/** Node ports are shown on the unspecified address, as in netstat. */
function anyIp(family: 4 | 6): Ip {
  return (family === 4 ? "0.0.0.0" : "::") as Ip;
}

function policyOf(port: ServicePort, frontend: Frontend): string {
  const traffic = frontend.kind === "cluster-ip" ? port.internalPolicy : port.externalPolicy;
  const affinity = port.affinitySeconds === undefined ? [] : [`ClientIP ${port.affinitySeconds}s`];
  const ranges = frontend.sourceRanges === undefined ? [] : [`from ${frontend.sourceRanges.cidrs.join(",")}`];
  return [traffic, ...affinity, ...ranges].join(", ");
}

function endpointsOf(frontend: Frontend): string {
  const verdict = frontend.fates.at(-1)?.verdict;
  switch (verdict?.kind) {
    case "balance": {
      const shown = verdict.to
        .slice(0, 3)
        .map(({ ip, port, placeholder }) => hostPort(ip, port) + (placeholder === true ? " *" : ""));
      const more = verdict.to.length > shown.length ? [`and ${verdict.to.length - shown.length} more`] : [];
      return [...shown, ...more].join(", ");
    }
    case "reject":
      return "none: refused";
    case "drop":
      return "none on this node: dropped";
    case undefined:
      return "-";
  }
}
