// Where a server listens. In: text such as `127.0.0.1:10249`, or an address and a port. Out: hosts and port to open, or why not.
import { familyOf, hostPort, parseIp, type Ip } from "../../rules/index.ts";

/** One address, or all of the host in both families. Port 0 lets the kernel choose. */
export type BindAddress = { readonly ip: Ip | "all"; readonly port: number };

/**
 * Parses `127.0.0.1:10249`, `[::1]:10249` or `:10249`; "off" for "", undefined for anything else. `0.0.0.0` and `::` both mean all
 * addresses of both families, as they do to kube-proxy. Source: Go net.Listen, "tcp".
 */
export function parseBindAddress(text: string): BindAddress | "off" | undefined {
  if (text === "") return "off";
  const [, bracketed, bare, digits = ""] = /^(?:\[([^[\]]*)\]|([^[\]:]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65535) return undefined;
  if (bare === "") return { ip: "all", port };
  const ip = parseIp(bracketed ?? bare ?? "");
  if (ip === undefined || (familyOf(ip) === 6) !== (bracketed !== undefined)) return undefined;
  return bindAddress(ip, port);
}

/** The bind address of an IP and a port; an unspecified IP means all addresses. */
export function bindAddress(ip: Ip, port: number): BindAddress {
  return { ip: ip === "0.0.0.0" || ip === "::" ? "all" : ip, port };
}

/** The sockets to open. All addresses take one socket of each family, so that it does not matter what net.ipv6.bindv6only says. */
export function hostsOf({ ip }: BindAddress): readonly Ip[] {
  return ip === "all" ? (["::", "0.0.0.0"] as Ip[]) : [ip];
}

/** For messages: `127.0.0.1:10249`, `[::1]:10249`, `:10249`. */
export function renderBindAddress({ ip, port }: BindAddress): string {
  return ip === "all" ? `:${port}` : hostPort(ip, port);
}
