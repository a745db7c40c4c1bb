// Who sends: a client of each kind that rules tell apart. In: nothing. Out: Clients by family.
import type { Ip } from "../../rules/net/ip.ts";
import { anIp } from "./objects.ts";

/** `inInterface` is "" for the node's own processes. */
export type Client = { readonly ip: Ip; readonly inInterface: string; readonly isNode: boolean };

/** Local pods, others from outside, and the node that `aView` is of. */
export const clients: Readonly<Record<4 | 6, readonly Client[]>> = {
  4: [
    { ip: anIp("10.1.200.200"), inInterface: "cni0", isNode: false },
    { ip: anIp("10.200.1.1"), inInterface: "veth1", isNode: false },
    { ip: anIp("198.51.100.77"), inInterface: "eth0", isNode: false },
    { ip: anIp("203.0.113.77"), inInterface: "eth0", isNode: false },
    { ip: anIp("192.168.0.2"), inInterface: "", isNode: true },
  ],
  6: [
    { ip: anIp("fd00:1::200"), inInterface: "cni0", isNode: false },
    { ip: anIp("fd00:1:0:1::1"), inInterface: "veth1", isNode: false },
    { ip: anIp("2001:db8:5::77"), inInterface: "eth0", isNode: false },
    { ip: anIp("2001:db8:77::1"), inInterface: "eth0", isNode: false },
    { ip: anIp("fd00:192::2"), inInterface: "", isNode: true },
  ],
};
