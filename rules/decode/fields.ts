// The field types that API objects share. In: unknown values. Out: zod schemas whose messages say what is allowed.
import * as z from "zod";
import type { Protocol } from "./protocol.ts";
import { isLoopback, isUnspecified, parseIp, type Ip } from "../net/ip.ts";
import { parseCidr, type Cidr } from "../net/cidr.ts";

/** A schema that maps text with `parse`, and refuses what it does not know with `code` and `allowed`. */
export function parsed<T>(parse: (text: string) => T | undefined, code: string, allowed: string): z.ZodType<T> {
  return z.string(allowed).transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: allowed, params: { code } });
    return z.NEVER;
  });
}

/** An object of the API: a JSON object, of which only the fields in `shape` are read. */
export function object<T extends z.ZodRawShape>(shape: T): z.ZodObject<T> {
  return z.object(shape, "must be an object");
}

/** A list that the API writes as absent, null or empty alike. */
export function list<T>(item: z.ZodType<T>): z.ZodType<T[]> {
  return z
    .array(item, "must be a list")
    .nullish()
    .transform((items) => items ?? []);
}

/** A field that may be absent or null; both come out as `otherwise`. */
export function optional<T, U>(schema: z.ZodType<T>, otherwise: U): z.ZodType<T | U> {
  return schema.nullish().transform((value) => value ?? otherwise);
}

/** RFC 1123 label: what namespaces, Services and port names are made of. */
export const label = parsed(
  (text) => (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text) ? text : undefined),
  "not-a-name",
  "must be 1 to 63 lower-case letters, digits and '-', beginning and ending with a letter or digit",
);

/** RFC 1123 subdomain: what other objects are named. */
export const subdomain = parsed(
  (text) =>
    text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)
      ? text
      : undefined,
  "not-a-name",
  "must be at most 253 lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
);

/** 1 to 65535. */
export const portNumber = wholeNumber(1, 65535);

/** TCP, UDP or SCTP. */
export const protocol: z.ZodType<Protocol> = z.enum(["TCP", "UDP", "SCTP"], "must be TCP, UDP or SCTP");

/** An address that may stand in a rule: strict, and neither unspecified nor loopback. Source: core/validation ValidateEndpointIP. */
export const routableIp = parsed<Ip>(
  (text) => {
    const ip = parseIp(text);
    return ip === undefined || isUnspecified(ip) || isLoopback(ip) ? undefined : ip;
  },
  "not-an-address",
  "must be an IPv4 address without leading zeros or an IPv6 address without zone, neither unspecified nor loopback",
);

/** A CIDR block. The API server lets white space stand around it (kube-proxy 1.36 trims it too). */
export const cidr = parsed<Cidr>(
  (text) => parseCidr(text.trim()),
  "not-a-cidr",
  "must be ADDRESS/LENGTH, e.g. 10.0.0.0/8 or fd00::/64",
);

/** String labels or annotations: only strings are kept, since no decision may hang on anything else. */
export const stringMap: z.ZodType<Record<string, string>> = optional(
  z.record(z.string(), z.string("must be a string"), "must be a map of strings"),
  {},
);

/** A whole number in a range, both ends allowed. */
export function wholeNumber(low: number, high: number): z.ZodType<number> {
  const allowed = `must be ${low} to ${high}`;
  return z.number(`must be a whole number, ${low} to ${high}`).int(allowed).min(low, allowed).max(high, allowed);
}
