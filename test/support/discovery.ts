// What clients ask about the server itself. In: a path. Out: a document, or undefined where it has none there.
import { apiVersionOf, servedBy, type Resource } from "./resources.ts";
import type { Features } from "./versions.ts";

/** An object is answered as JSON, a text as it is. */
export function documentAt(path: string, { minor }: Features): object | string | undefined {
  const served = servedBy(minor);
  if (/^\/(healthz|livez|readyz)$/.test(path)) return "ok";
  if (path === "/version") return versionDocument(minor);
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
  if (path === "/apis") return groupList(served);
  const groupVersion = path.replace(/^\/apis?\//, "");
  const members = served.filter((resource) => apiVersionOf(resource) === groupVersion);
  if (members.length === 0 || path.startsWith("/api/") !== (groupVersion === "v1")) return undefined;
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: members.map(resourceDocument) };
}

function versionDocument(minor: number): object {
  const gitVersion = `v1.${minor}.0`;
  const rest = { gitTreeState: "clean", goVersion: "go1.22.0", compiler: "gc", platform: "linux/amd64" };
  return {
    major: "1",
    minor: String(minor),
    gitVersion,
    gitCommit: "0".repeat(40),
    buildDate: "2024-05-06T07:08:09Z",
    ...rest,
  };
}

function groupList(served: readonly Resource[]): object {
  const groups = [...new Set(served.map(({ group }) => group).filter((group) => group !== ""))];
  const version = (name: string) => ({ groupVersion: `${name}/v1`, version: "v1" });
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: groups.map((name) => ({ name, versions: [version(name)], preferredVersion: version(name) })),
  };
}

function resourceDocument({ plural, kind, namespaced, use }: Resource): object {
  const read = ["get", "list", "watch"];
  const verbs = use === "read" ? read : use === "asked" ? ["create"] : [...read, "create", "patch", "update"];
  return { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs };
}
