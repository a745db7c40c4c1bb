// Feeds many inputs to one tool in one go. In: inputs. Out: what the tool said to each, and what there was afterwards.
import type { Guest } from "./guest.ts";

/** Three commands of a shell: what clears the field, what takes an input, what prints the outcome. Each process costs 0.1 s here. */
export type Trial = { readonly clear: string; readonly take: string; readonly show: string };

/** Exit code and all that `take` printed, and the lines that `show` did. */
export type Outcome = { readonly code: number; readonly said: string; readonly after: readonly string[] };

/** Delimits what belongs to an input; no tool prints it. */
const end = "=end-of-batch=";

/** Tries inputs one after the other, all with one program of the guest's. No input may have a line that is `=end-of-batch=`. */
export async function tryBatches(
  guest: Guest,
  { clear, take, show }: Trial,
  inputs: readonly (readonly string[])[],
): Promise<readonly Outcome[]> {
  const steps = inputs.map((lines) =>
    [clear, `${take} <<'${end}' 2>&1`, ...lines, end, `echo "${end}$?"; ${show}; echo '${end}'`].join("\n"),
  );
  const { stdout, stderr } = await guest.run("sh", ["-s"], { input: `${[...steps, clear].join("\n")}\n` });
  const parts = stdout.split(end);
  if (stderr !== "" || parts.length !== 2 * inputs.length + 1)
    throw new Error(`in the guest, around ${take}: ${stderr}`);
  return inputs.map((_, index) => {
    const [code = "", ...after] = (parts[2 * index + 1] ?? "").split("\n");
    return { code: Number(code), said: (parts[2 * index] ?? "").replace(/^\n/, ""), after: after.slice(0, -1) };
  });
}
