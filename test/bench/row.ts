// A group of figures that are measured together. In: nothing. Out: the Row type.
import type { Figure } from "./figure.ts";

export type Row = {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** Whether it makes namespaces and loads rules. */
  readonly needsKernel: boolean;
  readonly measure: (scale: Scale) => Promise<Figure[]>;
};

/** `quick` leaves out sizes that take long; its figures show that the bench works, not that targets are met. */
export type Scale = "full" | "quick";

/** Five endpoints each, as everywhere in the bench. */
export function sizeOf(services: number): { readonly services: number; readonly endpoints: 5 } {
  return { services, endpoints: 5 };
}

/** `10,000 x 5`. */
export function sizeText(services: number): string {
  return `${services.toLocaleString("en-US")} x 5`;
}
