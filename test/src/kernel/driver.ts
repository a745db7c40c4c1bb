// Opens the kernel of the namespace that it is run in and does what it is told. In: Work as JSON on stdin. Out: Done as JSON on stdout.
import { text } from "node:stream/consumers";
import { causeOf, ownedByUsOrKubeProxy, type Family, type Ruleset } from "../../../rules/index.ts";
import { apply, rehearse, type Applied } from "../../../src/kernel/apply.ts";
import type { Kernel, Restored, Variant } from "../../../src/kernel/kernel.ts";
import { openKernel } from "../../../src/kernel/tools.ts";

export type Work = { readonly variant?: Variant; readonly jobs: readonly Job[] };

export type Job =
  | { readonly do: "read"; readonly family: Family }
  | { readonly do: "restore" | "check"; readonly family: Family; readonly script: string }
  | { readonly do: "apply" | "rehearse" | "clean"; readonly desired: Ruleset };

/** `error` is set where the kernel could not be opened or read. */
export type Done = { readonly variant?: Variant; readonly results: readonly Result[]; readonly error?: string };

export type Result = {
  readonly text?: string;
  readonly restored?: Restored;
  readonly written?: number;
  readonly batches?: number;
  readonly done?: number;
  readonly left?: number;
  readonly refused?: { readonly batch: number; readonly message: string; readonly services: readonly string[] };
};

async function work({ variant, jobs }: Work): Promise<Done> {
  const results: Result[] = [];
  try {
    const kernel = await openKernel(variant);
    for (const job of jobs) results.push(await obey(kernel, job));
    return { variant: kernel.variant, results };
  } catch (error) {
    return { results, error: String(error) };
  }
}

async function obey(kernel: Kernel, job: Job): Promise<Result> {
  switch (job.do) {
    case "read":
      return { text: await kernel.readRules(job.family) };
    case "restore":
      return { restored: await kernel.restore(job.family, job.script) };
    case "check":
      return { restored: await kernel.check(job.family, job.script) };
    case "apply":
      return summary(await apply(kernel, job.desired));
    case "rehearse":
      return summary(await rehearse(kernel, job.desired));
    case "clean":
      return summary(await apply(kernel, job.desired, ownedByUsOrKubeProxy));
  }
}

function summary({ changes, batches, done, left, refused }: Applied): Result {
  const change = refused?.change;
  return {
    written: changes.length,
    batches: batches.length,
    done,
    ...(left === undefined ? {} : { left: left.length }),
    ...(refused === undefined
      ? {}
      : {
          refused: {
            batch: refused.batch,
            message: refused.message,
            services: change === undefined ? [] : causeOf(change).services,
          },
        }),
  };
}

process.stdout.write(JSON.stringify(await work(JSON.parse(await text(process.stdin)) as Work)));
