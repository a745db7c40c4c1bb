// What /debug/status says. In: JSON of an agent. Out: Status, or undefined for what is none.
import * as z from "zod";

const time = z.iso.datetime();

const familyStatus = z
  .object({
    family: z.literal([4, 6]),
    healthy: z.boolean(),
    lastGoodPassAt: time.optional(),
    /** In force: Services that have rules, addresses with ports that those lead to, rules in all tables. */
    services: z.number(),
    endpoints: z.number(),
    rules: z.number().optional(),
    /** In IPVS mode. */
    virtualServers: z.number().optional(),
  })
  .readonly();

const watchStatus = z
  .object({
    /** When a list, event or bookmark came last. */
    lastEventAt: time.optional(),
    objects: z.number(),
    /** Those of them whose newest state makes no sense; their last good one stays in force. */
    refused: z.number(),
    /** Tries that failed since the start, and streams that ended early. */
    failures: z.number(),
    /** The last of them did, and there is no new stream yet: nothing is heard. */
    failing: z.boolean(),
  })
  .readonly();

const statusSchema = z
  .object({
    node: z.string(),
    version: z.string(),
    /** What serves Services; of an agent that does not say, rules alone. */
    mode: z.enum(["iptables", "ipvs"]).default("iptables"),
    variant: z.enum(["nft", "legacy"]),
    dryRun: z.boolean(),
    /** The agent's clock when it answered; all ages are against it. */
    at: time,
    startedAt: time,
    /** Every family's changes are in force, or have not waited for too long. */
    healthy: z.boolean(),
    /** Whether load balancers may send new connections here: not where the Node is being deleted. */
    eligible: z.boolean(),
    families: z.array(familyStatus).readonly(),
    /** The newest that did something, or failed; repairs are not among them. */
    lastPass: z
      .object({
        number: z.number(),
        at: time,
        cause: z.string(),
        changes: z.number(),
        seconds: z.number(),
        good: z.boolean(),
      })
      .readonly()
      .optional(),
    lastFailure: z
      .object({ at: time, family: z.literal([4, 6]), message: z.string() })
      .readonly()
      .optional(),
    /** Services whose newest state the kernel refuses: how many, and the first of them with the kernel's words. */
    quarantined: z
      .object({
        count: z.number(),
        first: z.array(z.object({ service: z.string(), message: z.string() }).readonly()).readonly(),
      })
      .readonly(),
    /** In IPVS mode: real servers that wait for the end of their connections. */
    draining: z.number().optional(),
    /** Chains, and in IPVS mode set entries, addresses and servers, that others had changed, put right since the start. */
    drift: z.object({ chains: z.number(), lastAt: time.optional() }).readonly(),
    api: z
      .object({
        server: z.string(),
        /** By resource, e.g. `services`; those that the server has. */
        watches: z.record(z.string(), watchStatus).readonly(),
      })
      .readonly(),
  })
  .readonly();

/** An agent, for a person in a terminal. Times are RFC 3339. */
export type Status = z.infer<typeof statusSchema>;

/** Checks what an agent sent. Fields that are not known here are left out: the agent may be newer. */
export function decodeStatus(input: unknown): Status | undefined {
  return statusSchema.safeParse(input).data;
}
