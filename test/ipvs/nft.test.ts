// IPVS mode with iptables-nft, in the kernel that Debian's nodes run. In: a guest. Out: packets through ip_vs.
import { beforeAll } from "@jest/globals";
import { describeGuest } from "../guest/describe-guest.ts";
import { makeBed, type Bed } from "./bed.ts";
import { declareRows } from "./rows.ts";

/** For a machine that does much else at the same time. */
const limitSeconds = 600;

await describeGuest(
  "IPVS mode with iptables-nft",
  (guest) => {
    let made: Bed | undefined;
    beforeAll(async () => {
      made = await makeBed(guest());
    }, 60_000);
    const bed = () => {
      if (made === undefined) throw new Error("bug: the bed exists only while a test runs");
      return made;
    };
    declareRows(bed, { first: 1, every: 3 });
  },
  { machine: "qemu", limitSeconds },
);
