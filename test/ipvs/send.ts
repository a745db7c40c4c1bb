// Sends what rows expect, as few connections as tell. In: a guest's lab, moved rows. Out: lines of what was wanted and what was seen.
import type { GuestLab } from "../guest/guest-lab.ts";
import type { Sent } from "../lab/lab.ts";
import { attemptsOf, outcomeOf, type Attempt, type Expectation } from "../packets/rows.ts";

/** By the title of the row: one line for each client, family and protocol. */
export type Outcomes = ReadonlyMap<string, { readonly wanted: readonly string[]; readonly seen: readonly string[] }>;

/** What is sent, and what must come of it. */
type SentRow = { readonly title: string; readonly expect: readonly Expectation[] };

/** So many at once: more would wait for each other longer than for what they ask. */
const mostAtOnce = 6;

/** What is dropped only waits. */
const mostSilent = 60;

/** Sends all that the rows expect. */
export async function sendRows(lab: GuestLab, rows: readonly SentRow[]): Promise<Outcomes> {
  const attempts = rows.flatMap((row) =>
    row.expect.flatMap((expectation) => attemptsOf(lab, expectation, {})).map((attempt) => ({ row, attempt })),
  );
  const isSilent = ({ attempt }: (typeof attempts)[number]) => attempt.wanted === "no answer";
  const seen = new Map<Attempt, string>();
  const send = async ({ attempt }: (typeof attempts)[number]) => void seen.set(attempt, await outcome(lab, attempt));
  await each(
    attempts.filter((each) => !isSilent(each)),
    mostAtOnce,
    send,
  );
  await each(attempts.filter(isSilent), mostSilent, send);
  const lines = (title: string, text: (attempt: Attempt) => string) =>
    attempts.flatMap(({ row, attempt }) => (row.title === title ? [`${attempt.name}: ${text(attempt)}`] : []));
  return new Map(
    rows.map(({ title }) => [
      title,
      { wanted: lines(title, ({ wanted }) => wanted), seen: lines(title, (attempt) => seen.get(attempt) ?? "") },
    ]),
  );
}

/**
 * Round robin shows all servers in as many connections as there are; where chance chooses, as by detours, more are sent until all have
 * answered, or so many that missing one is one in ten million.
 */
async function outcome(lab: GuestLab, { sending, wanted }: Attempt): Promise<string> {
  const most = sending.count ?? 1;
  const first = wanted === "no answer" || wanted === "refused" ? 1 : wanted.split(" to ")[0]?.split(", ").length;
  let sum: Sent | undefined;
  for (let count = 0; count < most; count += first ?? 1) {
    const timeoutMs = wanted === "no answer" ? 700 : 3000;
    sum = add(sum, await lab.send({ ...sending, count: first ?? 1, parallel: 2, timeoutMs }));
    if (outcomeOf(sum) === wanted || sum.timedOut + sum.refused > 0) break;
  }
  return sum === undefined ? "nothing sent" : outcomeOf(sum);
}

function add(a: Sent | undefined, b: Sent): Sent {
  if (a === undefined) return b;
  const counts = (left: Sent["answered"], right: Sent["answered"]) =>
    Object.fromEntries(
      [...new Set([...Object.keys(left), ...Object.keys(right)])].map((key) => [
        key,
        (left[key] ?? 0) + (right[key] ?? 0),
      ]),
    );
  return {
    answered: counts(a.answered, b.answered),
    clients: [...new Set([...a.clients, ...b.clients])].sort(),
    refused: a.refused + b.refused,
    timedOut: a.timedOut + b.timedOut,
    failed: counts(a.failed, b.failed),
  };
}

async function each<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of left) await work(item);
    }),
  );
}
