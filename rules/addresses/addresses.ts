// The addresses of the dummy device that makes packets to Services local. In: observed and wanted addresses. Out: what to change, as ip -batch text.
import { hostCidr } from "../net/cidr.ts";
import { familyOf, type Ip } from "../net/ip.ts";
import { never } from "../never.ts";
import { changes, emptyRadix, type Radix } from "../radix/radix.ts";

/** The device that holds the addresses: kube-proxy's, so that a node can be taken over from it. */
export const serviceDevice = "kube-ipvs0";

/** What the device holds of one family. */
export type Addresses = {
  /** Whether the device is there, or wanted. It is one for both families. */
  readonly device: boolean;
  /** Whether it holds addresses of the other family too, or may: then it stays. */
  readonly shared: boolean;
  /** By `ipDigits`. */
  readonly held: Radix<HeldAddress>;
};

/** An address, and the Service port (or one of them) that it is there for; empty where that is not known. */
export type HeldAddress = { readonly ip: Ip; readonly service: string };

/** No device. */
export const noAddresses: Addresses = { device: false, shared: false, held: emptyRadix() };

export type AddressChange =
  | { readonly kind: "create-device" }
  | { readonly kind: "add-address" | "delete-address"; readonly ip: Ip; readonly service: string }
  /** Takes its addresses with it. */
  | { readonly kind: "delete-device" };

/** Additions go before virtual servers, removals after them. */
export type AddressChanges = {
  readonly additions: readonly AddressChange[];
  readonly removals: readonly AddressChange[];
};

/** The changes from `observed` to `desired`, by address. What `needed` says stays, and the device with it. */
export function diffAddresses(
  observed: Addresses,
  desired: Addresses,
  needed: (ip: Ip) => boolean = () => false,
): AddressChanges {
  const additions: AddressChange[] = [];
  const removals: AddressChange[] = [];
  let staying = false;
  if (desired.device && !observed.device) additions.push({ kind: "create-device" });
  for (const { before, after } of changes(observed.held, desired.held)) {
    if (before === undefined && after !== undefined) additions.push({ kind: "add-address", ...after });
    if (before === undefined || after !== undefined) continue;
    if (needed(before.ip)) staying = true;
    else removals.push({ kind: "delete-address", ...before });
  }
  const deletesDevice = observed.device && !observed.shared && !desired.device && !staying;
  return { additions, removals: deletesDevice ? [{ kind: "delete-device" }] : removals };
}

/**
 * Input for `ip -batch -`, one line for each change; `-force` goes on after a line that fails. An address that is there already is no failure,
 * one to delete that is not there is. Source: ip(8), ip-address(8); seen with iproute2 6.1.
 */
export function renderAddressChanges(list: readonly AddressChange[]): string {
  return list.map((change) => `${lineOf(change)}\n`).join("");
}

/**
 * Of IPv6 the kernel takes the address that is most like the destination for its own packets' and masquerading's source, of whatever device, and
 * a cluster IP is often more like a pod's than the node's is; one that is deprecated comes last. Source: RFC 6724, rules 3 and 8; seen with 6.1.
 */
const deprecated = " preferred_lft 0";

function lineOf(change: AddressChange): string {
  switch (change.kind) {
    case "create-device":
      return `link add ${serviceDevice} type dummy`;
    case "add-address":
      return `address replace ${hostCidr(change.ip)} dev ${serviceDevice}${familyOf(change.ip) === 6 ? deprecated : ""}`;
    case "delete-address":
      return `address del ${hostCidr(change.ip)} dev ${serviceDevice}`;
    case "delete-device":
      return `link delete ${serviceDevice}`;
    default:
      return never(change);
  }
}
