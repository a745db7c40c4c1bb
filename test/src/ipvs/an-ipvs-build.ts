// States of IPVS mode for tests of the edge. In: endpoints of a Service. Out: IpvsBuild, one family.
import { type IpvsBuild } from "../../../rules/ipvs/build.ts";
import { emptyState, type IpvsState } from "../../../rules/ipvs/state.ts";
import type { StateOptions } from "../../../src/ipvs/apply-state.ts";
import type { FakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";
import { ipvsOf } from "../../make/ipvs.ts";
import { aView } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";

/** `default/web` at 10.96.0.1:80 and node port 30080 (or fd00:10:96::1), over these endpoints, port 8080. */
export function aWebBuild(endpoints: readonly string[] = ["10.1.0.1", "10.1.0.2"]): IpvsBuild {
  const family = endpoints[0]?.includes(":") === true ? 6 : 4;
  const clusterIps = family === 6 ? ["fd00:10:96::1"] : ["10.96.0.1"];
  const service = aService({ type: "NodePort", clusterIps, ports: [{ nodePort: 30080 }] });
  return ipvsOf(aCluster(service, aSlice({ endpoints: [...endpoints] })), aView({ family }));
}

export function aWebState(endpoints?: readonly string[]): IpvsState {
  return aWebBuild(endpoints).state;
}

export const idle: StateOptions = { drained: "idle", excludeCidrs: [] };
export const atOnce: StateOptions = { drained: "now", excludeCidrs: [] };
export const nothing = emptyState(4);

/** `-a` lines of the virtual server at 10.96.0.1:80, as real server and weight. */
export function realsOf({ tools }: FakeIpvsKernel): string[] {
  return [...tools.servers().matchAll(/^-a -t 10\.96\.0\.1:80 -r (\S+) -m -w (\d+)$/gm)].map(
    ([, real = "", weight = ""]) => `${real} ${weight}`,
  );
}
