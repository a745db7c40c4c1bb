// Tests of src/agent/last-changes.ts.
import { expect, test } from "@jest/globals";
import { createLastChanges, type LastChange } from "../../../src/agent/last-changes.ts";

const aChange = (fields: Partial<LastChange> = {}) => ({
  ...{ kind: "EndpointSlice" as const, object: "default/web-1", isGone: false, resourceVersion: 5 },
  ...{ triggeredAt: 90, receivedAt: 100 },
  ...fields,
});

test("a change has its pass once that is good", () => {
  const changes = createLastChanges();
  changes.changed("default/web", aChange());
  expect(changes.of("default/web")).toEqual({ ...aChange(), pass: undefined });
  changes.passBegins(110);
  expect(changes.of("default/web")?.pass).toBeUndefined();
  changes.passEnds(150);
  expect(changes.of("default/web")).toEqual({ ...aChange(), pass: { beganAt: 110, endedAt: 150 } });
});

test("after passes that fail it has the one that was good", () => {
  const changes = createLastChanges();
  changes.changed("default/web", aChange());
  changes.passBegins(110);
  changes.passEnds(undefined);
  expect(changes.of("default/web")?.pass).toBeUndefined();
  changes.passBegins(200);
  changes.passEnds(210);
  changes.passBegins(300);
  changes.passEnds(310);
  expect(changes.of("default/web")?.pass).toEqual({ beganAt: 200, endedAt: 210 });
});

test("a change that comes during a pass waits for the next one", () => {
  const changes = createLastChanges();
  changes.changed("default/web", aChange());
  changes.passBegins(110);
  changes.changed("default/web", aChange({ receivedAt: 120 }));
  changes.passEnds(150);
  expect(changes.of("default/web")).toEqual({ ...aChange({ receivedAt: 120 }), pass: undefined });
  changes.passBegins(160);
  changes.passEnds(170);
  expect(changes.of("default/web")?.pass).toEqual({ beganAt: 160, endedAt: 170 });
});

test("the Services that changed last are kept, and no more", () => {
  const changes = createLastChanges(3);
  for (const name of ["a", "b", "c", "a", "d"]) changes.changed(name, aChange());
  changes.passBegins(110);
  changes.passEnds(120);
  expect(["a", "b", "c", "d"].map((name) => changes.of(name)?.pass?.endedAt)).toEqual([120, undefined, 120, 120]);
});
