// Which cleanup is due. In: what is owed already, the model in force before and now. Out: Owed, or nothing.
import { changes } from "../radix/radix.ts";
import type { Model, ServiceModel } from "../model/model.ts";
import { frontendKey } from "../model/service-port.ts";
import { targetsOf, type Tracked } from "./targets.ts";

/**
 * A cleanup that has not been done yet. `formerly` holds what frontends led to since the last one, by `frontendKey`: of a frontend that
 * is gone the model says nothing any more.
 */
export type Owed = { readonly formerly: ReadonlyMap<string, ReadonlySet<string>> };

/** One pass that succeeded: the rules of `after` are in force instead of those of `before`, which is undefined for the first one. */
export type Step = { readonly before: Model | undefined; readonly after: Model; readonly tracked: Tracked };

/**
 * What is owed after a step. Undefined: nothing, since no frontend of `tracked` protocols leads elsewhere than before. After the first step
 * everything is to be looked at: nobody knows what was there. The caller keeps the answer, gives it back at the next step, and forgets it
 * only when a cleanup has succeeded. So neither a failed pass nor a failed cleanup loses anything (kubernetes#112604).
 */
export function owe(owed: Owed | undefined, { before, after, tracked }: Step): Owed | undefined {
  if (before === undefined) return owed ?? { formerly: new Map() };
  const turns = changes(before.services, after.services)
    .map((turn) => ({ old: led(before, turn.before, tracked), now: led(after, turn.after, tracked) }))
    .filter(({ old, now }) => !isSame(old, now));
  // Another view may have other addresses for node ports.
  if (turns.length === 0 && before.view === after.view) return owed;
  const formerly = new Map(owed?.formerly);
  for (const { old } of turns)
    for (const [key, targets] of old) formerly.set(key, new Set([...(formerly.get(key) ?? []), ...targets]));
  return { formerly };
}

type Led = ReadonlyMap<string, ReadonlySet<string>>;

/** Where the frontends of a Service led to. */
function led(model: Model, service: ServiceModel | undefined, tracked: Tracked): Led {
  const frontends = (service?.ports ?? []).flatMap((port) => port.frontends);
  const ours = frontends.filter(({ protocol }) => protocol !== "TCP" && tracked.includes(protocol));
  return new Map(ours.map((frontend) => [frontendKey(frontend), targetsOf(model, frontend)]));
}

function isSame(old: Led, now: Led): boolean {
  return old.size === now.size && [...old].every(([key, targets]) => isEqual(targets, now.get(key)));
}

function isEqual(targets: ReadonlySet<string>, others: ReadonlySet<string> | undefined): boolean {
  return targets.size === others?.size && [...targets].every((target) => others.has(target));
}
