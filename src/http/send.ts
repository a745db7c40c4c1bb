// Writes an answer. In: an Answer, what the client can take. Out: bytes on a response.
import type { ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { textAnswer, type Answer } from "./answer.ts";

export type Wishes = {
  /** The head alone is sent, the same as it would be before a body. */
  readonly headOnly: boolean;
  readonly gzip: boolean;
  /** A longer body is not sent; the client is told how long it is. Counted before compression. */
  readonly maxBytes: number;
};

/** What is shorter gains nothing from gzip. */
const gzipFromBytes = 1024;

/** Sends `answer` and ends `response`. A client that has gone is no error. */
export async function send(response: ServerResponse, answer: Answer, wishes: Wishes): Promise<void> {
  const { status, contentType, headers, body } = bounded(answer, wishes.maxBytes);
  const plain = typeof body === "string" ? Buffer.from(body) : body;
  const zip = wishes.gzip && plain.length >= gzipFromBytes;
  const bytes = zip ? await promisify(gzip)(plain) : plain;
  if (response.destroyed) return;
  response.writeHead(status, {
    "Content-Type": contentType,
    "X-Content-Type-Options": "nosniff",
    ...headers,
    ...(plain.length >= gzipFromBytes ? { Vary: "Accept-Encoding" } : {}),
    ...(zip ? { "Content-Encoding": "gzip" } : {}),
    "Content-Length": bytes.length,
  });
  response.end(wishes.headOnly ? undefined : bytes);
}

function bounded(answer: Answer, maxBytes: number): Answer {
  const bytes = Buffer.byteLength(answer.body);
  if (bytes <= maxBytes) return answer;
  return textAnswer(500, `the answer has ${bytes} bytes, and at most ${maxBytes} are sent; ask for a part of it\n`);
}
