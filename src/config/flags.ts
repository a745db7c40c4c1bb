// kube-proxy's flags as edits of its configuration. In: an undecoded KubeProxyConfiguration, texts by flag. Out: the same with the flags over it.
import { at } from "../../rules/decode/decode.ts";
import { parseIp } from "../../rules/net/ip.ts";
import { never } from "../../rules/never.ts";
import { renderProblem, type Problem } from "../../rules/problem.ts";
import { parseSocketAddress } from "./fields.ts";
import { flags, type Flag, type FlagValue } from "./flag-table.ts";

/** What was typed: for each flag that was given, by its name without dashes, its texts in order. A boolean alone is "true". */
export type GivenFlags = Readonly<Record<string, readonly string[]>>;

/**
 * `raw` with the fields of the given flags set; nothing is checked here, so that the decoder says of a flag what it says of a field. A text
 * that is not of the flag's kind is put in as text. Where a section is no object the flag is left out, and the decoder refuses the section.
 */
export function withFlags(raw: unknown, given: GivenFlags): unknown {
  return givenOf(given).reduce((edited, { flag, texts }) => {
    if (isIgnored(flag, texts)) return edited;
    return flag.paths.reduce((into: unknown, path) => {
      const value = readTexts(flag.value, texts, at(into, path));
      return flag.value === "port" ? withPort(into, { flag, path, given }) : setAt(into, path, value);
    }, edited);
  }, raw);
}

/** Flags that make a field other than the one that `raw` has; fields that are absent, null or empty there were not anybody's word. */
export function overridingFlags(raw: unknown, given: GivenFlags): string[] {
  const isSaid = (value: unknown) => value !== undefined && value !== null && value !== "";
  return givenOf(given)
    .filter(({ flag: { name, paths } }) => {
      const edited = withFlags(raw, { [name]: given[name] ?? [] });
      return paths.some((path) => {
        const [before, after] = [at(raw, path), at(edited, path)];
        return isSaid(before) && JSON.stringify(before) !== JSON.stringify(after);
      });
    })
    .map(({ flag }) => flag.name);
}

/** `--iptables-masquerade-bit: is 40, must be 0 to 31` for a problem of a field that a given flag has set, else undefined. */
export function renderFlagProblem(problem: Problem, given: GivenFlags): string | undefined {
  for (const { flag, texts } of givenOf(given).reverse()) {
    const path = flag.paths.find((steps) => steps.every((step, index) => problem.path[index] === step));
    if (path !== undefined && !isIgnored(flag, texts))
      return renderProblem({ ...problem, object: `--${flag.name}`, path: problem.path.slice(path.length) });
  }
  return undefined;
}

/** Servers that flags switch off, which no field can: an empty address, or the port 0. Source: kube-proxy addressFromDeprecatedFlags. */
export function serversOff(given: GivenFlags): { readonly healthz: boolean; readonly metrics: boolean } {
  const isOff = (server: string) =>
    given[`${server}-bind-address`]?.at(-1) === "" || given[`${server}-port`]?.at(-1) === "0";
  return { healthz: isOff("healthz"), metrics: isOff("metrics") };
}

function givenOf(given: GivenFlags): { readonly flag: Flag; readonly texts: readonly string[] }[] {
  return flags.flatMap((flag) => {
    const texts = Object.hasOwn(given, flag.name) ? given[flag.name] : undefined;
    return texts === undefined || texts.length === 0 ? [] : [{ flag, texts }];
  });
}

/** kube-proxy takes an empty `--hostname-override` for none, and the port 0 for no server. */
function isIgnored({ name, value }: Flag, texts: readonly string[]): boolean {
  const last = texts.at(-1);
  return (name === "hostname-override" && last === "") || (value === "port" && last === "0");
}

/** The field's undecoded value; `old` is what stands there, for flags that add to it. Scalars: the last text counts. */
function readTexts(kind: FlagValue, texts: readonly string[], old: unknown): unknown {
  const last = texts.at(-1) ?? "";
  const items = texts.flatMap((text) => (text === "" ? [] : text.split(",")));
  switch (kind) {
    case "text":
    case "duration":
    case "port":
      return last;
    case "number":
      return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(last) ? Number(last) : last;
    case "boolean":
      return readBoolean(last);
    case "list":
      return items;
    case "gates":
      return { ...(isObject(old) ? old : {}), ...Object.fromEntries(pairs(items, readBoolean)) };
    case "modules":
      return [
        ...pairs(items, (text) => readTexts("number", [text], undefined)).map(([filePattern, verbosity]) => ({
          filePattern,
          verbosity,
        })),
        ...(Array.isArray(old) ? (old as unknown[]) : []),
      ];
    default:
      return never(kind);
  }
}

/** Source: Go strconv.ParseBool. */
function readBoolean(text: string): unknown {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : text;
}

/** `a=b`; without `=` the value is empty. */
function pairs(items: readonly string[], read: (text: string) => unknown): [string, unknown][] {
  return items.map((item) => {
    const end = item.indexOf("=");
    return end < 0 ? [item.trim(), ""] : [item.slice(0, end).trim(), read(item.slice(end + 1).trim())];
  });
}

type Port = { readonly flag: Flag; readonly path: readonly string[]; readonly given: GivenFlags };

/** Sets the port of an address. A port in the address's own flag wins. Source: kube-proxy AppendPortIfNeeded. */
function withPort(raw: unknown, { flag, path, given }: Port): unknown {
  const server = flag.name === "healthz-port" ? "healthz" : "metrics";
  const typed = given[`${server}-bind-address`]?.at(-1) ?? "";
  if (typed !== "" && parseIp(typed) === undefined) return raw;
  const old = at(raw, path);
  const text = typeof old === "string" ? old : "";
  const own = at(raw, ["bindAddress"]);
  const isSix = typeof own === "string" && own.includes(":");
  const defaults = { healthz: isSix ? "::" : "0.0.0.0", metrics: isSix ? "::1" : "127.0.0.1" };
  const ip = text === "" ? defaults[server] : parseSocketAddress(text, 1)?.ip;
  if (ip === undefined) return raw;
  return setAt(raw, path, `${ip.includes(":") ? `[${ip}]` : ip}:${given[flag.name]?.at(-1) ?? ""}`);
}

/** A copy with `value` at `path`; `raw` itself where a step on the way is neither absent, null nor an object. */
function setAt(raw: unknown, path: readonly string[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (raw !== undefined && raw !== null && !isObject(raw)) return raw;
  const fields = raw ?? {};
  return { ...fields, [step]: setAt(at(fields, [step]), rest, value) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
