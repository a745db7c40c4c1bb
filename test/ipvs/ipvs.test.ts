// IPVS mode in a real kernel, all in one boot. In: a guest. Out: packets through ip_vs, before and after changes.
import { beforeAll } from "@jest/globals";
import { describeGuest } from "../guest/describe-guest.ts";
import { makeBed, type Bed } from "./bed.ts";
import { declareDraining } from "./draining.ts";
import { declareFaults } from "./faults.ts";
import { declareProgram } from "./program.ts";
import { declareRows } from "./rows.ts";
import { declareScale } from "./scale.ts";
import { declareSwitch } from "./switch.ts";
import { declareUpdates } from "./updates.ts";

/** For a machine that does much else at the same time. */
const limitSeconds = 900;

await describeGuest(
  "IPVS mode in a real kernel",
  (guest) => {
    let made: Bed | undefined;
    beforeAll(async () => {
      made = await makeBed(guest());
    }, 60_000);
    const bed = () => {
      if (made === undefined) throw new Error("bug: the bed exists only while a test runs");
      return made;
    };
    const declareDrained = declareDraining(bed);
    declareScale(bed);
    declareDrained();
    declareSwitch(bed);
    declareFaults(bed);
    declareProgram(bed);
    declareUpdates(bed);
    declareRows(bed);
  },
  { machine: "uml", limitSeconds },
);
