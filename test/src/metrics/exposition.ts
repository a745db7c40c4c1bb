// Reads the text that Prometheus reads. In: the exposition text. Out: its metrics and series.

export type Exposed = {
  /** `name type` of each metric, in the text's order. */
  readonly types: readonly string[];
  readonly help: ReadonlyMap<string, string>;
  /** By name with sorted labels, e.g. `up{a="b",c="d"}`. */
  readonly series: ReadonlyMap<string, number>;
};

/** Throws on a line that Prometheus would not take, and on a series told twice. Source: Prometheus text format 0.0.4. */
export function readExposition(text: string): Exposed {
  if (!text.endsWith("\n")) throw new Error("no newline at the end");
  const types: string[] = [];
  const help = new Map<string, string>();
  const series = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const comment = /^# (HELP|TYPE) ([a-z_][a-z0-9_]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = "", rest = ""] = comment;
      if (kind === "TYPE") types.push(`${name} ${rest}`);
      else help.set(name, rest);
      continue;
    }
    const sample = /^([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$/.exec(line);
    if (sample === null) throw new Error(`not a sample: ${line}`);
    const [, name = "", labels = "", value = ""] = sample;
    const pairs = [...labels.matchAll(/[a-z_]+="(?:[^"\\]|\\.)*"/g)].map(([pair]) => pair).sort();
    const key = pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
    if (series.has(key)) throw new Error(`told twice: ${key}`);
    series.set(key, value === "+Inf" ? Infinity : value === "Nan" ? NaN : Number(value));
  }
  return { types, help, series };
}

/** Those series whose name begins so, as a plain object. */
export function seriesOf(exposed: Exposed, beginning: string): Readonly<Record<string, number>> {
  return Object.fromEntries([...exposed.series].filter(([key]) => key.startsWith(beginning)));
}
