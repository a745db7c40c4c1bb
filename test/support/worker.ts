// The API server in a process of its own. In: calls that its parent sends. Out: replies.
import { startApi, type ApiCalls, type ApiOptions, type ApiPlace, type FakeApi } from "./api.ts";

/** What the parent sends: first `start`, then any of the calls, one after the other or at once. */
export type Asked =
  | { readonly id: number; readonly start: ApiOptions }
  | { readonly id: number; readonly call: keyof ApiCalls; readonly arguments: readonly unknown[] };

export type Reply = { readonly id: number } & (
  { readonly result: unknown } | { readonly place: ApiPlace } | { readonly error: string }
);

/** Answers one parent; `post` sends it a reply. */
export function serveParent(post: (reply: Reply) => void): (asked: Asked) => Promise<void> {
  let api: FakeApi | undefined;
  return async (asked) => {
    const { id } = asked;
    try {
      if ("start" in asked) {
        api = await startApi(asked.start);
        const { url, port, caPem } = api;
        post({ id, place: { url, port, caPem } });
        return;
      }
      if (api === undefined) throw new Error("bug: called before it was started");
      const call = api[asked.call] as (...given: readonly unknown[]) => Promise<unknown>;
      post({ id, result: (await call(...asked.arguments)) ?? null });
    } catch (error) {
      post({ id, error: error instanceof Error ? error.message : String(error) });
    }
  };
}
