// IPVS mode in a real kernel, all in one boot. In: a guest. Out: packets through ip_vs, before and after changes.
import { describeBed } from "./describe-bed.ts";
import { declareDraining } from "./draining.ts";
import { declareFaults } from "./faults.ts";
import { declareProgram } from "./program.ts";
import { declareRows } from "./rows.ts";
import { declareScale } from "./scale.ts";
import { declareSwitch } from "./switch.ts";
import { declareUpdates } from "./updates.ts";

await describeBed(
  "IPVS mode in a real kernel",
  (bed) => {
    const declareDrained = declareDraining(bed);
    declareScale(bed);
    declareDrained();
    declareSwitch(bed);
    declareFaults(bed);
    declareProgram(bed);
    declareUpdates(bed);
    declareRows(bed);
  },
  // For a machine that does much else at the same time.
  { machine: "uml", limitSeconds: 900 },
);
