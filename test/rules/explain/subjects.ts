// Services that questions are asked about. In: nothing. Out: Row, what a question must be answered with; objects, a plan, contexts.
import type { ExplainContext } from "../../../rules/explain/context.ts";
import type { Reason } from "../../../rules/explain/reason/reason.ts";
import { aService } from "../../make/objects.ts";
import { aContext, aPlan, endpoints } from "./a-context.ts";

/** A reason that the answer must give, with these data. */
export type Row = readonly [code: Reason["code"], from: string, to: string, context: ExplainContext, expected?: object];

export const web = aService();
export const exposed = aService({
  type: "LoadBalancer",
  ports: [{ port: 80, nodePort: 30080 }],
  loadBalancerIps: ["198.51.100.10"],
});
export const one = endpoints({ ip: "10.1.0.1", nodeName: "here" });
export const away = endpoints({ ip: "10.1.0.1", nodeName: "there" }, { ip: "10.1.0.2", nodeName: "there" });
export const notReady = { ready: false, serving: false } as const;
export const svc = "svc/default/web";
export const vip = "198.51.100.10:80";
export const plan = aPlan([exposed, one]);
/** Not masqueraded: what is marked for that, KUBE-FORWARD accepts before any rule below it is asked. */
const kept = { ...exposed, externalTrafficPolicy: "Local" } as const;
export const keptPlan = aPlan([kept, one]);
export const liveKept = (...dumps: string[]) => aContext([kept, one], { dumps });
export const live = (...dumps: string[]) => aContext([exposed, one], { dumps });
export const only = (dump: string) => aContext([], { dumps: [dump], withoutObjects: true });
export const hints = (zoneHints: readonly string[]) => ({ zoneHints });
export const nodePort = "nodeport:30080";
export const ranged = aService({
  type: "LoadBalancer",
  loadBalancerIps: ["198.51.100.10"],
  sourceRanges: ["192.0.2.0/24"],
});
