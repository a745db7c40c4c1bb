// What is wrong with an input, as plain data. In: findings of any stage. Out: Problem, and the one line a person reads.

/** One finding about an input. It never stops the objects that are not named in it. */
export type Problem = {
  /** Stable identifier of the kind of finding, for tests and tools, e.g. `port-out-of-range`. */
  readonly code: string;
  /** `error`: something was left out of the rules because of it. `warning`: the rules are complete, but look here. */
  readonly severity: "error" | "warning";
  /** The object, e.g. `Service default/web`; quoted and shortened where its own text is not a name. */
  readonly object: string;
  /** Path of the field inside the object, outermost first, e.g. `["spec", "ports", 1, "port"]`. */
  readonly path: readonly (string | number)[];
  /** What was found and what is allowed, e.g. `is 70000, must be 1 to 65535`. */
  readonly text: string;
};

/** `spec.ports[1].port` for `["spec", "ports", 1, "port"]`. */
export function renderPath(path: readonly (string | number)[]): string {
  return path.map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)).join("");
}

/** One line: object, field, what was found, what is allowed. The text holds no control characters. */
export function renderProblem(problem: Problem): string {
  const field = problem.path.length === 0 ? "" : ` ${renderPath(problem.path)}`;
  return printable(`${problem.object}${field}: ${problem.text}`);
}

/** The text of a value that came from outside, made safe to print: quoted, one line, at most 80 characters. */
export function quoted(value: unknown): string {
  const json: unknown = JSON.stringify(value);
  const text = typeof json === "string" ? json : String(value);
  return printable(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

/** Replaces every character that is not printable ASCII by `?`, so that no input can forge a line or drive a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}
