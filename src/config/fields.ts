// The field types of a KubeProxyConfiguration. In: unknown values. Out: zod schemas whose messages say what is allowed.
import * as z from "zod";
import { optional, parsed } from "../../rules/decode/fields.ts";
import { parseCidr, type Cidr } from "../../rules/net/cidr.ts";
import { familyOf, parseIp, type Ip } from "../../rules/net/ip.ts";

/** Where a server listens. */
export type SocketAddress = { readonly ip: Ip; readonly port: number };

/** A section of the file. Absent, null and `{}` are alike: each field then takes its default. Other fields are not allowed. */
export function section<T extends z.ZodRawShape>(shape: T): z.ZodType<z.output<z.ZodObject<T>>> {
  const fields = z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? "is not known" : "must be an object"),
  });
  return optional(z.unknown(), {}).pipe(fields);
}

/** Text; absent and null are "". */
export const text = optional(z.string("must be a string"), "");

/** True or false; absent and null are false. */
export const flag = optional(z.boolean("must be true or false"), false);

/** One of a set of words; absent, null and "" are the first. */
export function word<const T extends string>(otherwise: T, others: readonly T[]): z.ZodType<T> {
  const words = [otherwise, ...others];
  const parse = (value: string) => (value === "" ? otherwise : words.find((one) => one === value));
  return optional(parsed<T>(parse, "invalid-value", `must be ${words.join(", ")} or empty`), otherwise);
}

/** 0 to 2147483647, as Go's int32 allows; absent and null are `otherwise`, and 0 is 0. */
export function count(otherwise: number): z.ZodType<number> {
  return optional(int32.min(0, "must be 0 to 2147483647"), otherwise);
}

/** A whole number that fits Go's int32. */
export const int32 = z
  .number("must be a whole number")
  .int("must be a whole number")
  .min(-(2 ** 31), "must be at least -2147483648")
  .max(2 ** 31 - 1, "must be at most 2147483647");

/** Exactly this text. */
export function exactly(allowed: string, code: string): z.ZodType {
  return optional(z.unknown(), undefined).transform((value, context) => {
    if (value !== allowed) context.addIssue({ code: "custom", message: `must be ${allowed}`, params: { code } });
    return value;
  });
}

/** Strict CIDR. No white space around it: kube-proxy refuses to start with it. */
export const strictCidr = parsed<Cidr>(parseCidr, "not-a-cidr", "must be ADDRESS/LENGTH, e.g. 10.0.0.0/8 or fd00::/64");

/**
 * A metav1.Duration, in seconds; absent and null are 0. Besides Go's text (`1m30s`) the bare number 0 is taken, the only
 * number that needs no unit.
 */
export const duration: z.ZodType<number> = durationFrom((value) =>
  typeof value === "string" ? parseDuration(value) : value === 0 ? 0 : undefined,
);

/** A duration in seconds that is written as text or as a number of nanoseconds. Source: component-base/logs/api/v1 TimeOrMetaDuration. */
export const durationOrNanoseconds: z.ZodType<number> = durationFrom((value) =>
  typeof value === "string" ? parseDuration(value) : typeof value === "number" ? value / 1e9 : undefined,
);

/** A duration of 0 or more seconds. */
export const nonNegativeDuration = duration.refine((seconds) => seconds >= 0, {
  message: "must be 0 or more",
  params: { code: "out-of-range" },
});

/** A duration over 0; 0 stands for the default, as in kube-proxy, which cannot tell it from absent. */
export function positiveDuration(otherwise: number): z.ZodType<number> {
  return nonNegativeDuration.transform((seconds) => (seconds === 0 ? otherwise : seconds));
}

/** `address:port`, or an address that takes the default port; "" is undefined. Source: kube-proxy AppendPortIfNeeded. */
export function socketAddress(defaultPort: number): z.ZodType<SocketAddress | undefined> {
  const parse = (value: string) => (value === "" ? { at: undefined } : wrapped(parseSocketAddress(value, defaultPort)));
  const schema = parsed(parse, "not-an-address", "must be ADDRESS:PORT, e.g. 0.0.0.0:10256 or [::]:10256");
  return optional(schema, undefined).transform((value) => value?.at);
}

/** Seconds of Go's duration text (`1h15m30.918s`), undefined where it is none or over 292 years. Source: Go time.ParseDuration. */
export function parseDuration(value: string): number | undefined {
  const [, sign = "", rest = ""] = /^([-+]?)(.*)$/s.exec(value) ?? [];
  if (rest === "0") return 0;
  // Each digit can be read in one way only, so that a long text costs no more than its length.
  if (!/^((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) return undefined;
  let nanoseconds = 0;
  for (const [, number = "", unit = ""] of rest.matchAll(/([\d.]+)([a-zµμ]+)/g))
    nanoseconds += Number(number) * (nanosecondsOf[unit] ?? NaN);
  if (nanoseconds > 2 ** 63) return undefined;
  const seconds = Math.round(nanoseconds) / 1e9;
  return sign === "-" ? 0 - seconds : seconds;
}

/** `1.2.3.4:80`, `[::1]:80`, or the address alone. */
export function parseSocketAddress(value: string, defaultPort: number): SocketAddress | undefined {
  const alone = parseIp(value);
  if (alone !== undefined) return { ip: alone, port: defaultPort };
  const [, bracketed, bare, digits = ""] = /^(?:\[([^[\]]*)\]|([^[\]:]*)):(\d{1,5})$/.exec(value) ?? [];
  const ip = parseIp(bracketed ?? bare ?? "");
  const port = Number(digits);
  if (ip === undefined || (familyOf(ip) === 6 && bracketed === undefined) || port < 1 || port > 65535) return undefined;
  return { ip, port };
}

/**
 * Whether `name` may follow `-i` in a rule. Kept to letters, digits and `._@-`, which is narrower than the kernel (1 to 15 bytes without
 * '/', ':' and white space): `+` at its end would match every interface with that beginning, quotes and `!` mean something to
 * iptables-restore.
 */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9._@][A-Za-z0-9._@-]{0,14}$/.test(name) && name !== "." && name !== "..";
}

const nanosecondsOf: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

function durationFrom(read: (value: unknown) => number | undefined): z.ZodType<number> {
  return optional(z.unknown(), undefined).transform((value, context) => {
    const seconds = value === undefined ? 0 : read(value);
    if (seconds !== undefined && Number.isFinite(seconds)) return seconds;
    const message = "must be a duration such as 30s, 1m30s or 0";
    context.addIssue({ code: "custom", message, params: { code: "not-a-duration" } });
    return z.NEVER;
  });
}

function wrapped<T>(value: T | undefined): { at: T } | undefined {
  return value === undefined ? undefined : { at: value };
}
