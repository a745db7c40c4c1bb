// Why a change of this mode is made. In: IpvsChange. Out: Cause: for which Service ports, and what happened to them.
import { causeOf, type Cause } from "../iptables/diff/cause.ts";
import type { Change } from "../iptables/diff/change.ts";
import type { IpvsChange } from "./steps.ts";
import { realKey } from "./virtual-server.ts";

/** The cause of a change of any tool. What was read from the kernel and goes names no Service, since only names that are wanted are known. */
export function causeOfIpvs(change: IpvsChange): Cause {
  switch (change.kind) {
    case "create-set":
    case "create-device":
      return { services: [], texts: ["every node has it"] };
    case "grow-set":
      return { services: [], texts: [`${change.entries.length} entries need more room`] };
    case "destroy-set":
    case "delete-device":
      return { services: [], texts: ["nothing needs it any more"] };
    case "add-entry":
      return about(change.service, `entry ${change.entry} is new`);
    case "delete-entry":
      return about(change.service, `entry ${change.entry} is gone`);
    case "add-address":
      return about(change.service, `address ${change.ip} is new`);
    case "delete-address":
      return about(change.service, `address ${change.ip} is gone`);
    case "add-server":
      return about(change.server.service, `virtual server ${realKey(change.server)} is new`);
    case "edit-server":
      return about(change.server.service, `scheduler or affinity of virtual server ${realKey(change.server)} changed`);
    case "delete-server":
      return about(change.server.service, `virtual server ${realKey(change.server)} is gone`);
    case "add-real":
      return about(change.server.service, `endpoint ${realKey(change.real)} is new`);
    case "edit-real":
      return about(change.server.service, weightText(change));
    case "delete-real":
      return about(change.server.service, `endpoint ${realKey(change.real)} is gone`);
    default:
      return causeOf(change satisfies Change);
  }
}

function about(service: string | undefined, text: string): Cause {
  return { services: service === undefined || service === "" ? [] : [service], texts: [text] };
}

function weightText({ before, real }: Extract<IpvsChange, { kind: "edit-real" }>): string {
  const endpoint = realKey(real);
  if (real.weight === 0) return `endpoint ${endpoint} is gone and drains`;
  return before.weight === 0 ? `endpoint ${endpoint} is back` : `endpoint ${endpoint} was not as it should be`;
}
