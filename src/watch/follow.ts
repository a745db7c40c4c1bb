// Lists one kind of objects and follows its watch, once. In: Api, what is known so far. Out: objects into the intake, the course advanced.
import { ApiError, statusError } from "./api-error.ts";
import type { Api } from "./api.ts";
import { readEvent, readListHead, type Identity, type WatchEvent } from "./incoming.ts";
import type { Intake } from "./intake.ts";
import { listQuery, probeQuery, watchQuery, type Abilities, type ListFrom } from "./requests.ts";
import type { Resource } from "./resources.ts";
import { splitItems } from "./split-items.ts";
import { splitLines } from "./split-lines.ts";
import { isOlder, type Version } from "./version.ts";

/** How far a reflector has come. It changes as lists and events arrive. */
export type Course = {
  abilities: Abilities;
  /** How the next list is asked for, where one is needed. */
  listFrom: ListFrom;
  /** Up to where everything has been seen; undefined where a list is needed. */
  position: Version | undefined;
  /** What was asked for last, and whether it was more than the first page of a list. */
  asked: "list" | "page" | "streaming" | "watch";
  /** When the stream began that runs now or ran last, undefined where none came about. */
  openedAt: number | undefined;
  lastEventAt: number | undefined;
  /** Streams in a row that ended in an error event. */
  errorEvents: number;
  lists: number;
  watches: number;
};

/** What a reflector works with. */
export type Following = {
  readonly api: Api;
  readonly resource: Resource<unknown>;
  readonly intake: Intake;
  readonly course: Course;
  readonly now: () => number;
  readonly random: () => number;
  readonly idleSeconds: number;
  readonly signal: AbortSignal;
  /** Called when something has arrived; many things at once make one call. */
  readonly onArrival: () => void;
  /** Called when a list is complete. */
  readonly onFull: () => void;
};

/** Lists everything, page by page, and then forgets what was not in it. Throws an ApiError; what came until then stays. */
export async function list(following: Following): Promise<void> {
  const { api, resource, intake, course, signal, idleSeconds } = following;
  course.asked = "list";
  intake.holdings.beginFill();
  let next: string | undefined;
  let version: Version | undefined;
  do {
    const query = listQuery({ resource, abilities: course.abilities }, course.listFrom, next);
    const { body } = await api.get(resource.path, { query, signal, idleSeconds });
    if (next === undefined) course.lists++;
    const head = readListHead(await takeItems(body, following));
    if (head?.version === undefined) throw strangeAnswer(resource, "a list without resourceVersion");
    ({ next, version } = head);
    course.asked = "page";
  } while (next !== undefined);
  full(following, version);
}

async function takeItems(body: AsyncIterable<Buffer>, following: Following): Promise<unknown> {
  const { intake, course, now, onArrival } = following;
  const groups = splitItems(body);
  for (;;) {
    const group = await groups.next();
    if (group.done === true) return group.value;
    for (const item of group.value) intake.set(item);
    intake.flush();
    course.lastEventAt = now();
    onArrival();
  }
}

/**
 * Follows the watch from the course's position, or where there is none from everything that there is, until the stream ends.
 * `asked-for`: it ended when it was to end. Throws an ApiError where it fails, with the event's status where it ends in an error event.
 */
export async function follow(following: Following): Promise<"asked-for" | "early"> {
  const { api, resource, intake, course, signal, idleSeconds, now } = following;
  const isFill = course.position === undefined;
  course.asked = isFill ? "streaming" : "watch";
  if (isFill) intake.holdings.beginFill();
  // Spread, so that the streams of a cluster's nodes do not end together.
  const timeoutSeconds = Math.round(300 * (1 + following.random()));
  const query = watchQuery({ resource, abilities: course.abilities }, course.position, timeoutSeconds);
  const { body } = await api.get(resource.path, { query, signal, idleSeconds });
  course.openedAt = now();
  course.watches++;
  if (isFill) course.lists++;
  for await (const lines of splitLines(body)) {
    try {
      for (const line of lines) take(readEvent(line), following);
    } finally {
      intake.flush();
      following.onArrival();
    }
  }
  return now() - course.openedAt >= timeoutSeconds * 900 ? "asked-for" : "early";
}

function take(event: WatchEvent, following: Following): void {
  const { intake, course, resource, now } = following;
  course.lastEventAt = now();
  const isNew = (identity: Identity): boolean => advance(course, identity.version);
  switch (event.kind) {
    case "set":
      intake.set(event.object, isNew);
      break;
    case "gone":
      intake.gone(event.object, isNew);
      break;
    case "bookmark":
      if (course.position === undefined && event.endsInitial) full(following, event.version);
      else advance(course, event.version);
      break;
    case "error":
      throw statusError(event.status, `watch of ${resource.name}`);
    default:
      intake.strange("the server sent an event that is none of the API");
  }
  course.errorEvents = 0;
}

/**
 * Moves on to a version; false where it was passed before. Versions of one stream only grow, so what is not newer than the position has
 * been seen. While the initial events come there is no position yet, and they are in no order.
 */
function advance(course: Course, version: Version | undefined): boolean {
  const { position } = course;
  if (version === undefined || position === undefined) return true;
  if (version === position || isOlder(version, position)) return false;
  course.position = version;
  return true;
}

function full(following: Following, version: Version | undefined): void {
  const { intake, course, resource, now, onArrival, onFull } = following;
  if (version === undefined) throw strangeAnswer(resource, "initial events that end without resourceVersion");
  intake.endFill();
  intake.flush();
  course.position = version;
  course.listFrom = { kind: "not-older", version };
  // Also for a list with nothing in it.
  course.lastEventAt = now();
  onArrival();
  onFull();
}

/**
 * Whether the server has gone back to before what we have seen, as after its store was restored from a backup. A watch does not tell: the
 * server answers 200 and stays silent until it has come so far again, and what differs is lost. Measured with 1.28.
 */
export async function isBackInTime({ api, resource, course, signal, idleSeconds }: Following): Promise<boolean> {
  const query = probeQuery({ resource, abilities: course.abilities });
  const { body } = await api.get(resource.path, { query, signal, idleSeconds });
  const groups = splitItems(body);
  let group = await groups.next();
  while (group.done !== true) group = await groups.next();
  const head = readListHead(group.value);
  if (head?.version === undefined) throw strangeAnswer(resource, "a list without resourceVersion");
  return course.position !== undefined && isOlder(head.version, course.position);
}

function strangeAnswer(resource: Resource<unknown>, what: string): ApiError {
  return new ApiError(`GET ${resource.path}: the server sent ${what}`, { status: undefined, reason: "NotOfTheApi" });
}
