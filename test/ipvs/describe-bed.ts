// Declares a jest block with a node in a guest. In: a title, tests. Out: the block, or a skipped one that says why.
import { beforeAll } from "@jest/globals";
import { describeGuest } from "../guest/describe-guest.ts";
import type { GuestSettings } from "../guest/guest.ts";
import { makeBed, type Bed } from "./bed.ts";

/** As `describeGuest`, whose tests share one bed too. */
export async function describeBed(
  title: string,
  declare: (bed: () => Bed) => void,
  settings: GuestSettings,
): Promise<void> {
  const declareInGuest: Parameters<typeof describeGuest>[1] = (guest) => {
    let made: Bed | undefined;
    beforeAll(async () => {
      made = await makeBed(guest());
    }, 60_000);
    declare(() => made ?? noBed());
  };
  await describeGuest(title, declareInGuest, settings);
}

function noBed(): never {
  throw new Error("bug: the bed exists only while a test runs");
}
