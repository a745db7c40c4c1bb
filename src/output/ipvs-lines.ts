// Single changes of IPVS mode in the words of the tool that makes them. In: a change of another tool than iptables. Out: the tool's name, one line.
import {
  renderAddressChanges,
  renderServerChanges,
  serviceDevice,
  type Change,
  type IpvsChange,
  type IpvsStep,
} from "../../rules/index.ts";
import { never } from "../../rules/never.ts";

type OtherChange = Exclude<IpvsChange, Change>;

/** The tool that makes the change. */
export function toolOfChange(change: OtherChange): Exclude<IpvsStep["tool"], "iptables"> {
  switch (change.kind) {
    case "create-set":
    case "grow-set":
    case "add-entry":
    case "delete-entry":
    case "destroy-set":
      return "ipset";
    case "create-device":
    case "delete-device":
    case "add-address":
    case "delete-address":
      return "ip";
    case "add-server":
    case "edit-server":
    case "delete-server":
    case "add-real":
    case "edit-real":
    case "delete-real":
      return "ipvsadm";
    default:
      return never(change);
  }
}

/** The change in short: of ip and ipvsadm their input, of ipset what is done to which set. */
export function lineOfChange(change: OtherChange): string {
  switch (change.kind) {
    case "create-set":
      return `create ${change.set.name} ${change.set.type}`;
    case "grow-set":
      return `make ${change.set.name} anew with room for its ${change.entries.length} entries`;
    case "add-entry":
      return `add ${change.set} ${change.entry}`;
    case "delete-entry":
      return `del ${change.set} ${change.entry}`;
    case "destroy-set":
      return `destroy ${change.set.name}`;
    case "add-address":
      return `address add ${change.ip} dev ${serviceDevice}`;
    case "create-device":
    case "delete-device":
    case "delete-address":
      return renderAddressChanges([change]).trimEnd();
    case "edit-real":
      return `${renderServerChanges([change]).trimEnd()}${change.real.weight === 0 ? " (drains)" : ""}`;
    case "add-server":
    case "edit-server":
    case "delete-server":
    case "add-real":
    case "delete-real":
      return renderServerChanges([change]).trimEnd();
    default:
      return never(change);
  }
}
