// What a request to the API server came to where it failed. In: a Status, a network error. Out: ApiError.
import { types } from "node:util";
import * as z from "zod";

/**
 * A request that failed. `status` is the HTTP status, or the code of a Status that came inside a stream; undefined where no answer
 * came at all. `reason` is the Status's (`Expired`, `Forbidden`), or for a request without answer Node's code (`ECONNREFUSED`) or
 * `Stalled`. Source: apimachinery, meta/v1 Status.
 */
export class ApiError extends Error {
  readonly status: number | undefined;
  readonly reason: string;
  /** How long the server asks to be left alone (429, 503). */
  readonly retryAfterSeconds: number | undefined;
  constructor(message: string, { status, reason, retryAfterSeconds, cause }: ApiErrorFields) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ApiError";
    this.status = status;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export type ApiErrorFields = {
  readonly status: number | undefined;
  readonly reason: string;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
};

/** The error that a Status tells. `tried` is the request, e.g. `GET /api/v1/services`; `status` that of the HTTP answer, where there was one. */
export function statusError(input: unknown, tried: string, http: HttpFailure = {}): ApiError {
  const said = statusSchema.safeParse(input).data ?? {};
  const status = http.status ?? said.code;
  const text = said.message ?? http.text ?? "";
  return new ApiError(`${tried}: ${status ?? "failed"}${text === "" ? "" : ` ${oneLine(text)}`}`, {
    status,
    reason: said.reason ?? "",
    retryAfterSeconds: http.retryAfterSeconds ?? said.details?.retryAfterSeconds,
  });
}

/** What is known of a failed answer besides its Status. */
export type HttpFailure = { readonly status?: number; readonly text?: string; readonly retryAfterSeconds?: number };

/** The error of a request that got no answer, or whose answer broke off. An ApiError comes out as it is. */
export function networkError(error: unknown, tried: string): ApiError {
  if (error instanceof ApiError) return error;
  const { code, message } = types.isNativeError(error) ? (error as NodeJS.ErrnoException) : { message: String(error) };
  return new ApiError(`${tried}: ${oneLine(message)}`, { status: undefined, reason: code ?? "Failed", cause: error });
}

const statusSchema = z.object({
  code: z.number().optional().catch(undefined),
  reason: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  details: z.object({ retryAfterSeconds: z.number().optional() }).optional().catch(undefined),
});

function oneLine(text: string): string {
  const line = text.replaceAll(/[^\x20-\x7e]+/g, " ").trim();
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}
