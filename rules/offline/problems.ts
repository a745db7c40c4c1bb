// The findings of this stage. In: a Service and what is wrong. Out: Problems.
import type { Service, ServicePortSpec } from "../decode/service.ts";
import type { Workload } from "../decode/workload.ts";
import { quoted, type Problem } from "../problem.ts";

/** No range is given that could hold the value, or all of it is in use. */
export function noRange(service: Service, path: Problem["path"], wanted: string): Problem {
  return {
    code: "no-range-for-placeholder",
    severity: "error",
    object: serviceName(service),
    path,
    text: `needs a placeholder ${wanted}, but no range for one is given or all of it is in use; write the value into the manifest or give a (larger) range`,
  };
}

/** A target port is a name, and nothing that the Service selects declares a port of that name and protocol. */
export function namedPortNotFound(service: Service, port: ServicePortSpec, index: number): Problem {
  return {
    code: "named-port-not-found",
    severity: "warning",
    object: serviceName(service),
    path: ["spec", "ports", index, "targetPort"],
    text: `is ${quoted(port.targetPort)}, must be the name of a ${port.protocol} port of a container that the Service selects`,
  };
}

/** A workload asks for more replicas than placeholders are made for. */
export function tooManyReplicas(workload: Workload, most: number): Problem {
  return {
    code: "too-many-replicas",
    severity: "error",
    object: `${workload.kind} ${workload.namespace}/${workload.name}`,
    path: ["spec", "replicas"],
    text: `is ${workload.replicas}, but placeholder endpoints are made for at most ${most}; the others are left out`,
  };
}

function serviceName(service: Service): string {
  return `Service ${service.namespace}/${service.name}`;
}
