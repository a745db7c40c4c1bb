// The manifests of deploy/ as kubectl would send them. In: deploy/. Out: objects, of the base and of each overlay.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { loadAll } from "js-yaml";
import * as z from "zod";

export const deploy = join(import.meta.dirname, "..", "..", "deploy");

/** An object of the API, or a kustomization. */
export type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly [field: string]: unknown;
};

/** What is used of a Kustomization; strict, so that a misspelt field is not taken for none. */
export const kustomization = z.strictObject({
  apiVersion: z.literal("kustomize.config.k8s.io/v1beta1"),
  kind: z.literal("Kustomization"),
  namespace: z.literal("kube-system"),
  nameSuffix: z.string().optional(),
  resources: z.array(z.string()),
  labels: z
    .array(z.strictObject({ pairs: z.record(z.string(), z.string()), includeSelectors: z.literal(true) }))
    .optional(),
  patches: z
    .array(z.strictObject({ target: z.strictObject({ kind: z.string(), name: z.string() }), patch: z.string() }))
    .optional(),
  configMapGenerator: z
    .array(
      z.strictObject({
        name: z.string(),
        files: z.array(z.string()),
        options: z.strictObject({ disableNameSuffixHash: z.boolean(), labels: z.record(z.string(), z.string()) }),
      }),
    )
    .optional(),
});

const patchOperations = z.array(
  z.discriminatedUnion("op", [
    z.strictObject({ op: z.literal("add"), path: z.string().startsWith("/"), value: z.unknown() }),
    z.strictObject({ op: z.literal("remove"), path: z.string().startsWith("/") }),
  ]),
);

/** Every file below deploy/, by its path in it. */
export function deployFiles(): string[] {
  return readdirSync(deploy, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(deploy.length + 1))
    .sort();
}

/** The documents of a YAML file. */
export function readManifests(file: string): Manifest[] {
  return loadAll(readFileSync(join(deploy, file), "utf8")) as Manifest[];
}

/** Folders that have a kustomization. */
export function kustomizations(): string[] {
  return deployFiles()
    .filter((file) => file.endsWith("kustomization.yaml"))
    .map(dirname);
}

export function readKustomization(folder: string): z.infer<typeof kustomization> {
  const [only, ...more] = readManifests(join(folder, "kustomization.yaml"));
  if (more.length > 0) throw new Error(`${folder}: more than one document`);
  return kustomization.parse(only);
}

/** The objects of a kustomization, with its patches applied; names, labels and generated objects are left as in the base. */
export function render(folder: string): Manifest[] {
  const { resources, patches = [] } = readKustomization(folder);
  const objects = resources.flatMap((resource) =>
    resource.endsWith(".yaml") ? readManifests(join(folder, resource)) : render(normalize(join(folder, resource))),
  );
  for (const { target, patch } of patches) {
    const object = objectOf(objects, target.kind, target.name);
    const [operations] = loadAll(patch);
    for (const operation of patchOperations.parse(operations)) patchObject(object, operation);
  }
  return objects;
}

/** The one object of that kind and name. */
export function objectOf(objects: readonly Manifest[], kind: string, name = "rulewright"): Manifest {
  const [found, ...more] = objects.filter((object) => object.kind === kind && object.metadata?.name === name);
  if (found === undefined || more.length > 0) throw new Error(`there must be one ${kind} ${name}`);
  return found;
}

/** RFC 6902. Throws where there is nothing to remove, or nothing to add to. */
function patchObject(object: object, operation: z.infer<typeof patchOperations>[number]): void {
  const steps = operation.path.slice(1).split("/");
  const last = steps.pop() ?? "";
  let parent: unknown = object;
  for (const step of steps) parent = (parent as Record<string, unknown> | undefined)?.[step];
  if (typeof parent !== "object" || parent === null) throw new Error(`${operation.path}: nothing is there`);
  const fields = parent as Record<string, unknown>;
  if (operation.op === "add" && Array.isArray(parent) && last === "-") parent.push(operation.value);
  else if (operation.op === "add" && !Array.isArray(parent)) fields[last] = operation.value;
  else if (operation.op === "remove" && last in fields)
    if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else Reflect.deleteProperty(fields, last);
  else throw new Error(`${operation.op} ${operation.path}: cannot be done`);
}
