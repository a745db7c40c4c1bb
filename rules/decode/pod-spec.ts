// What Pods and the templates of workloads share. In: unknown. Out: zod schemas for PodSpec, owners, names of Nodes, Pods and hosts.
import * as z from "zod";
import { label, list, object, optional, parsed, portNumber, protocol, subdomain } from "./fields.ts";
import type { Controller, PodSpec } from "./pod-types.ts";

/** A Node's name; empty is absent. */
export const nodeName: z.ZodType<string | undefined> = optional(
  parsed(
    (text) => (text === "" ? "" : subdomain.safeParse(text).data),
    "not-a-name",
    "must be the name of a Node: lower-case letters, digits, '-' and '.'",
  ),
  undefined,
).transform((name) => (name === "" ? undefined : name));

/** A DNS label; empty is absent. */
export const dnsLabel: z.ZodType<string | undefined> = optional(
  parsed(
    (text) => (text === "" ? "" : label.safeParse(text).data),
    "not-a-name",
    "must be empty or a label of lower-case letters, digits and '-'",
  ),
  undefined,
).transform((name) => (name === "" ? undefined : name));

/** The name of the Pod that a `targetRef` leads to. Undefined for anything else, and where its name is no name. */
export function podNameOf(targetRef: unknown): string | undefined {
  if (typeof targetRef !== "object" || targetRef === null) return undefined;
  const { kind, name } = targetRef as { readonly kind?: unknown; readonly name?: unknown };
  return kind === "Pod" && typeof name === "string" && /^[a-z0-9.-]{1,253}$/.test(name) ? name : undefined;
}

const ianaName = parsed(
  (text) => (text === "" || /^(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/.test(text) ? text : undefined),
  "not-a-name",
  "must be a port name of at most 15 lower-case letters, digits and '-', with a letter",
);

const containerPort = object({
  name: optional(ianaName, ""),
  containerPort: portNumber,
  protocol: optional(protocol, "TCP" as const),
});

const container = object({
  ports: list(containerPort),
  restartPolicy: optional(z.string("must be a string"), undefined),
});

/** `spec` of a Pod, or `spec.template.spec` of a workload. Source of the port order: pkg/api/v1/pod FindPort. */
export const podSpec: z.ZodType<PodSpec> = object({
  nodeName,
  hostNetwork: optional(z.boolean("must be true or false"), false),
  hostname: dnsLabel,
  subdomain: dnsLabel,
  containers: list(container),
  initContainers: list(container),
}).transform((given) => ({
  nodeName: given.nodeName,
  hostNetwork: given.hostNetwork,
  hostname: given.hostname,
  subdomain: given.subdomain,
  ports: [...given.containers, ...given.initContainers.filter((init) => init.restartPolicy === "Always")].flatMap(
    (each) => each.ports.map((port) => ({ name: port.name, protocol: port.protocol, port: port.containerPort })),
  ),
}));

/** `metadata.ownerReferences`, of which only the controller is kept; one whose kind or name is no name is none. */
export const controller: z.ZodType<Controller | undefined> = list(
  object({
    kind: z.string("must be a string"),
    name: z.string("must be a string"),
    controller: optional(z.boolean("must be true or false"), false),
  }),
).transform((owners) => {
  const owner = owners.find((each) => each.controller);
  if (owner === undefined || !/^[A-Za-z0-9]{1,63}$/.test(owner.kind)) return undefined;
  return subdomain.safeParse(owner.name).success ? { kind: owner.kind, name: owner.name } : undefined;
});
