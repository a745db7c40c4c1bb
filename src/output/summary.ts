// A plan as a table for people. In: Desired. Out: a line per frontend, then what was made up.
import {
  entryChain,
  isServed,
  servicePorts,
  type Build,
  hostPort,
  type Frontend,
  type Ip,
  type ServicePort,
  type View,
} from "../../rules/index.ts";
import type { Desired } from "../desired/desired.ts";
import { placeholderLine } from "./plan-text.ts";
import { renderTable } from "./table.ts";

/** Service, frontend, policy, endpoints, chains; `*` marks what no manifest gives. */
export function renderSummary(desired: Desired): string {
  const rows = desired.builds.flatMap(rowsOf);
  const table = renderTable(["SERVICE", "FRONTEND", "KIND", "POLICY", "ENDPOINTS", "CHAIN"], rows);
  const notes = desired.placeholders.map(placeholderLine);
  return table + (notes.length === 0 ? "" : `\n* made up, since no manifest gives it:\n${notes.join("\n")}\n`);
}

function rowsOf(build: Build): string[][] {
  return servicePorts(build.model).flatMap((port) => port.frontends.map((frontend) => rowOf(build, port, frontend)));
}

function rowOf({ model }: Build, port: ServicePort, frontend: Frontend): string[] {
  const at = hostPort(frontend.ip ?? anyIp(model.view.family), frontend.port);
  const served = isServed(model, frontend);
  return [
    port.name,
    `${at}/${frontend.protocol}${frontend.placeholder === true ? " *" : ""}`,
    frontend.kind,
    policyOf(port, frontend),
    endpointsOf(frontend),
    served ? (unreachable(frontend, model.view) ?? entryChain(frontend) ?? "-") : "taken by another Service",
  ];
}

/** Node ports are shown on the unspecified address, as in netstat. */
function anyIp(family: 4 | 6): Ip {
  return (family === 4 ? "0.0.0.0" : "::") as Ip;
}

function unreachable({ kind }: Frontend, { nodePortIps }: View): string | undefined {
  return kind === "node-port" && nodePortIps.length === 0 ? "no address in nodePortAddresses" : undefined;
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
