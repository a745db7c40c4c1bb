// Everything that an explanation can say. In: Reason. Out: its sentence, safe to print; and the list of all codes.
import { printable } from "../../problem.ts";
import { destinationCodes, renderDestinationReason, type DestinationReason } from "./destination-reason.ts";
import { endpointCodes, renderEndpointReason, type EndpointReason } from "./endpoint-reason.ts";
import { frontendCodes, renderFrontendReason, type FrontendReason } from "./frontend-reason.ts";
import { partingCodes, renderPartingReason, type PartingReason } from "./parting-reason.ts";
import { questionCodes, renderQuestionReason, type QuestionReason } from "./question-reason.ts";
import { renderServiceReason, serviceCodes, type ServiceReason } from "./service-reason.ts";
import { renderWalkReason, walkCodes, type WalkReason } from "./walk-reason.ts";

export type Reason =
  QuestionReason | ServiceReason | DestinationReason | FrontendReason | EndpointReason | WalkReason | PartingReason;

/** One for each kind of sentence, in groups. */
export const reasonCodes: readonly Reason["code"][] = [
  questionCodes,
  serviceCodes,
  destinationCodes,
  frontendCodes,
  endpointCodes,
  walkCodes,
  partingCodes,
].flatMap((codes) => Object.keys(codes) as Reason["code"][]);

/** One English sentence or two, in one line. Holds no control characters, whatever the text in the reason. */
export function renderReason(reason: Reason): string {
  return printable(sentence(reason));
}

function sentence(reason: Reason): string {
  if (isIn(reason, questionCodes)) return renderQuestionReason(reason as QuestionReason);
  if (isIn(reason, serviceCodes)) return renderServiceReason(reason as ServiceReason);
  if (isIn(reason, destinationCodes)) return renderDestinationReason(reason as DestinationReason);
  if (isIn(reason, frontendCodes)) return renderFrontendReason(reason as FrontendReason);
  if (isIn(reason, endpointCodes)) return renderEndpointReason(reason as EndpointReason);
  if (isIn(reason, walkCodes)) return renderWalkReason(reason as WalkReason);
  return renderPartingReason(reason as PartingReason);
}

function isIn({ code }: Reason, codes: Readonly<Record<string, true>>): boolean {
  return Object.hasOwn(codes, code);
}
