// Requests and answers as plain data. In: what a client asked. Out: what it is told, before anything is written.

/** A request, its body left unread. */
export type Request = {
  /** As sent, in upper case. */
  readonly method: string;
  /** The target up to `?`, as sent: nothing is decoded and no `..` resolved, so what is checked is what is served. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** What follows `Bearer ` in the header Authorization. */
  readonly token: string | undefined;
  /** The client's address as the kernel says it; IPv4 may be written as IPv6 (`::ffff:127.0.0.1`). */
  readonly remoteAddress: string;
};

export type Answer = {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Buffer;
  /** Besides Content-Type, Content-Length and X-Content-Type-Options. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** Says what to answer. One that throws or rejects makes status 500 and a log entry; it never ends the process. */
export type Handler = (request: Request) => Answer | Promise<Answer>;

/** Plain text, as Go's servers send it. */
export function textAnswer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, contentType: "text/plain; charset=utf-8", body, headers };
}

/** JSON that is rendered already. */
export function jsonAnswer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, contentType: "application/json", body, headers };
}

/** Takes a request's target apart. */
export function parseTarget(target: string): Pick<Request, "path" | "query"> {
  const at = target.indexOf("?");
  if (at < 0) return { path: target, query: new URLSearchParams() };
  return { path: target.slice(0, at), query: new URLSearchParams(target.slice(at + 1)) };
}

/** The token of an Authorization header; undefined for other schemes and for what cannot be a token. Source: RFC 6750, 2.1. */
export function parseBearer(header: string | undefined): string | undefined {
  return /^bearer +([\w.~+/-]+=*) *$/i.exec(header ?? "")?.[1];
}

/** Whether the client takes gzip. Source: RFC 9110, 12.5.3. */
export function acceptsGzip(header: string | undefined): boolean {
  const weights = new Map<string, number>();
  for (const part of (header ?? "").split(",")) {
    const [coding = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    weights.set(coding, weight === undefined ? 1 : Number(weight));
  }
  return (weights.get("gzip") ?? weights.get("*") ?? 0) > 0;
}

/** Whether the request came from this host over loopback. */
export function isFromLoopback({ remoteAddress }: Request): boolean {
  return remoteAddress === "::1" || /^(::ffff:)?127\./.test(remoteAddress);
}
