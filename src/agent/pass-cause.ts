// Why a pass was made, in words. In: what is new since the one before. Out: text such as `2 Services, 1 EndpointSlice changed`.

export type PassOccasion = {
  /** None has come to its end before. */
  readonly isFirst: boolean;
  /** The one before failed. */
  readonly isAgain: boolean;
  /** Changes, by kind of object. */
  readonly services: number;
  readonly slices: number;
  /** What the rules depend on besides: the Node, the host's addresses. */
  readonly isNodeNew: boolean;
};

/** Everything that holds, with commas; `read-back` where nothing is new: then it is the look that follows each repair. */
export function causeOfPass({ isFirst, isAgain, services, slices, isNodeNew }: PassOccasion): string {
  const objects = [...counted(services, "Service"), ...counted(slices, "EndpointSlice")];
  if (isFirst && !isAgain) return "first pass";
  const causes = [
    ...(objects.length === 0 ? [] : [`${objects.join(", ")} changed`]),
    ...(isNodeNew ? ["the node changed"] : []),
    ...(isAgain ? ["again after a failure"] : []),
  ];
  return causes.length === 0 ? "read-back" : causes.join(", ");
}

function counted(count: number, what: string): string[] {
  return count === 0 ? [] : [`${count} ${what}${count === 1 ? "" : "s"}`];
}
