// How two sources of rules compare on one packet. In: PartingReason. Out: the sentence that says so.
import type { Family } from "../../net/ip.ts";
import { never } from "../../never.ts";
import { upperFirst } from "./words.ts";

/** A rule on the way: `nat KUBE-SERVICES line 12` and its text; undefined where the way has ended before. */
export type Stop = { readonly where: string; readonly text: string } | undefined;

export type PartingReason =
  | { readonly code: "no-rules-of-family"; readonly source: string; readonly family: Family }
  | { readonly code: "sources-agree"; readonly first: string; readonly second: string }
  /** `outcome`: the first end that they do not share, with how often it comes about in each. */
  | {
      readonly code: "sources-part";
      readonly first: string;
      readonly second: string;
      readonly outcome: { readonly end: string; readonly first: string; readonly second: string };
      readonly stops: { readonly first: Stop; readonly second: Stop };
    };

export const partingCodes: Readonly<Record<PartingReason["code"], true>> = {
  "no-rules-of-family": true,
  "sources-agree": true,
  "sources-part": true,
};

export function renderPartingReason(reason: PartingReason): string {
  return upperFirst(sentence(reason));
}

function sentence(reason: PartingReason): string {
  switch (reason.code) {
    case "no-rules-of-family":
      return `${reason.source} holds nothing of IPv${reason.family}.`;
    case "sources-agree":
      return `${reason.first} and ${reason.second} do the same with it.`;
    case "sources-part": {
      const { first, second, outcome, stops } = reason;
      const at = (stop: Stop) => (stop === undefined ? "its end" : `${stop.where}, "${stop.text}"`);
      return `${first} and ${second} part: "${outcome.end}" is what becomes of ${outcome.first} of the packets by ${first}, and of ${outcome.second} by ${second}. What they share ends where the way by ${first} comes to ${at(stops.first)}, and the way by ${second} to ${at(stops.second)}.`;
    }
    default:
      return never(reason);
  }
}
