// What decoding gives. In: nothing. Out: the Decoded type.
import type { Problem } from "../problem.ts";

/** The decoded object, or, where `value` is absent, why there is none. A value may come with warnings. */
export type Decoded<T> = { readonly value?: T; readonly problems: readonly Problem[] };
