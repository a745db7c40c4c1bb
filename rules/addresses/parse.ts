// What ip says of the node's addresses. In: text of `ip -j addr`. Out: those of the dummy device, those of all others; problems.
import * as z from "zod";
import { familyOf, ipDigits, parseIp, type Family, type Ip } from "../net/ip.ts";
import { quoted } from "../problem.ts";
import { radixOf } from "../radix/radix.ts";
import { noAddresses, serviceDevice, type Addresses } from "./addresses.ts";

/** Why the text, or an address in it, cannot be used. */
export type AddressProblem = { readonly code: "not-json" | "not-a-device" | "not-an-address"; readonly text: string };

export type ParsedAddresses = {
  /** What the dummy device holds of the family. */
  readonly ours: Addresses;
  /** The family's addresses on all other devices, loopback included, in order of device; none twice. */
  readonly others: readonly Ip[];
  readonly problems: readonly AddressProblem[];
};

const devices = z.array(
  z.object({
    ifname: z.string().optional(),
    addr_info: z.array(z.object({ local: z.string().optional() })).optional(),
  }),
);

/** Reads the output of `ip -j addr` (all devices). Source: ip(8), -json; iproute2 prints `{}` for what a filter hides. */
export function parseAddresses(text: string, family: Family): ParsedAddresses {
  const read = readJson(text);
  if (read.value === undefined) return { ours: noAddresses, others: [], problems: [read.problem] };
  const problems: AddressProblem[] = [];
  const held: Ip[] = [];
  let shared = false;
  const others = new Set<Ip>();
  for (const { ifname, addr_info: list } of read.value) {
    for (const { local } of list ?? []) {
      const ip = local === undefined ? undefined : parseIp(local);
      if (local !== undefined && ip === undefined && !local.startsWith("::ffff:"))
        problems.push({ code: "not-an-address", text: `${quoted(local)} of ${quoted(ifname)} is no address` });
      // The kernel gives a device that is set up a link-local address, which is nobody's Service.
      if (ip === undefined || (ifname === serviceDevice && /^fe[89ab]/.test(ip))) continue;
      if (familyOf(ip) !== family) shared ||= ifname === serviceDevice;
      else if (ifname === serviceDevice) held.push(ip);
      else others.add(ip);
    }
  }
  const device = read.value.some(({ ifname }) => ifname === serviceDevice);
  return {
    ours: { device, shared, held: radixOf(held.map((ip) => ({ key: ipDigits(ip), value: { ip, service: "" } }))) },
    others: [...others],
    problems,
  };
}

type Read =
  { readonly value: z.infer<typeof devices> } | { readonly value: undefined; readonly problem: AddressProblem };

function readJson(text: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(text.trim() === "" ? "[]" : text);
  } catch {
    return {
      value: undefined,
      problem: { code: "not-json", text: `${quoted(text)} is not JSON, must be output of ip -j addr` },
    };
  }
  const checked = devices.safeParse(value);
  if (checked.success) return { value: checked.data };
  return {
    value: undefined,
    problem: { code: "not-a-device", text: "is no list of devices, must be output of ip -j addr" },
  };
}
