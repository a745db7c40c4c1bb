// Why a question has no answer. In: QuestionReason. Out: the sentence that says so.
import type { Family } from "../../net/ip.ts";
import { never } from "../../never.ts";
import { didYouMean, list } from "./words.ts";

export type QuestionReason =
  /** Only objects say what this is, and none are given. */
  | { readonly code: "needs-manifests"; readonly asked: string }
  | { readonly code: "service-not-found"; readonly service: string; readonly near: readonly string[] }
  | {
      readonly code: "port-not-found";
      readonly service: string;
      readonly port: string;
      readonly ports: readonly string[];
    }
  /** No rule names the Service; its objects are not known. */
  | { readonly code: "not-in-rules"; readonly service: string }
  | { readonly code: "port-not-in-rules"; readonly service: string; readonly port: string }
  | { readonly code: "pod-not-found"; readonly pod: string; readonly near: readonly string[] }
  | { readonly code: "pod-without-address"; readonly pod: string }
  | { readonly code: "no-client-of-family"; readonly client: string; readonly family: Family };

export const questionCodes: Readonly<Record<QuestionReason["code"], true>> = {
  "needs-manifests": true,
  "service-not-found": true,
  "port-not-found": true,
  "not-in-rules": true,
  "port-not-in-rules": true,
  "pod-not-found": true,
  "pod-without-address": true,
  "no-client-of-family": true,
};

export function renderQuestionReason(reason: QuestionReason): string {
  switch (reason.code) {
    case "needs-manifests":
      return `Only manifests say what ${reason.asked} is: give them with -f, or ask for its address.`;
    case "service-not-found":
      return `There is no Service ${reason.service} in the manifests${didYouMean(reason.near)}`;
    case "port-not-found":
      return `Service ${reason.service} has no port ${reason.port}; it has ${list(reason.ports)}.`;
    case "not-in-rules":
      return `No rule names the Service ${reason.service}: it has no address of its own, is another proxy's, or is not known to whoever wrote these rules; with -f its objects can say which.`;
    case "port-not-in-rules":
      return `Rules name the Service ${reason.service}, but no port ${reason.port} of it.`;
    case "pod-not-found":
      return `There is no pod ${reason.pod} in the manifests, by its own object or as an endpoint${didYouMean(reason.near)}`;
    case "pod-without-address":
      return `The pod ${reason.pod} has no address: it is in no EndpointSlice, and its status names none.`;
    case "no-client-of-family":
      return `${reason.client} has no IPv${reason.family} address, so it sends nothing to the IPv${reason.family} addresses.`;
    default:
      return never(reason);
  }
}
