// IPVS mode with iptables-nft, in the kernel that Debian's nodes run. In: a guest. Out: packets through ip_vs.
import { describeBed } from "./describe-bed.ts";
import { declareRows } from "./rows.ts";

await describeBed(
  "IPVS mode with iptables-nft",
  (bed) => {
    declareRows(bed, { first: 1, every: 3 });
  },
  // For a machine that does much else at the same time.
  { machine: "qemu", limitSeconds: 600 },
);
