// Label and field selectors. In: their text, as it stands in a query. Out: a predicate, or undefined where the text is none.

/** What a selector looks at. */
export type Selectable = {
  readonly labels: Readonly<Record<string, string>>;
  /** By label of the field, e.g. `metadata.name`, `spec.clusterIP`. */
  readonly fields: Readonly<Record<string, string>>;
};

export type Predicate = (object: Selectable) => boolean;

const key = String.raw`([A-Za-z0-9][A-Za-z0-9._/-]*)`;
const absent = new RegExp(`^!\\s*${key}$`);
const present = new RegExp(`^${key}$`);
const equality = new RegExp(`^${key}\\s*(=|==|!=)\\s*([A-Za-z0-9._-]*)$`);
const membership = new RegExp(`^${key}\\s+(in|notin)\\s+\\(([^()]*)\\)$`);

/** All forms of labels.Parse: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, with commas for "and". */
export function parseLabelSelector(text: string): Predicate | undefined {
  return allOf(text.split(/,(?![^(]*\))/), (part) => {
    const is = equality.exec(part) ?? membership.exec(part);
    if (is !== null) {
      const [, name = "", operator, value = ""] = is;
      const values = value.split(",").map((one) => one.trim());
      const has = (object: Selectable) => values.includes(object.labels[name] ?? "\0");
      return operator === "!=" || operator === "notin" ? (object) => !has(object) : has;
    }
    const without = absent.exec(part)?.[1];
    if (without !== undefined) return (object) => !(without in object.labels);
    const having = present.exec(part)?.[1];
    return having === undefined ? undefined : (object) => having in object.labels;
  });
}

/** A field selector, and the fields that it names: which of them are known differs by resource and version. */
export function parseFieldSelector(text: string): { readonly keep: Predicate; readonly fields: string[] } | undefined {
  const fields: string[] = [];
  const keep = allOf(text.split(","), (part) => {
    const match = /^([^=!]+)(=|==|!=)([^=!]*)$/.exec(part);
    if (match === null) return undefined;
    const [, name = "", operator, value] = match;
    fields.push(name);
    return (object) => (object.fields[name] === value) !== (operator === "!=");
  });
  return keep === undefined ? undefined : { keep, fields };
}

function allOf(parts: readonly string[], parse: (part: string) => Predicate | undefined): Predicate | undefined {
  const trimmed = parts.map((part) => part.trim()).filter((part) => part !== "");
  const predicates = trimmed.map(parse).filter((predicate) => predicate !== undefined);
  if (predicates.length < trimmed.length) return undefined;
  return (object) => predicates.every((predicate) => predicate(object));
}
