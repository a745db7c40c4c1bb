// Tests of src/http/send.ts: what is on the wire.
import { afterEach, expect, test } from "@jest/globals";
import { gunzipSync } from "node:zlib";
import { jsonAnswer, textAnswer, type Answer } from "../../../src/http/answer.ts";
import { listen, type Running } from "../../../src/http/listen.ts";
import { ask, type Asked } from "./a-client.ts";

let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
});

async function answered(answer: Answer, asked: Asked = {}, maxAnswerBytes = 1_000_000) {
  running = await listen({ ip: "all", port: 0 }, () => answer, { limits: { maxAnswerBytes } });
  return ask(running.port, "/", asked);
}

const long = "kubeproxy_sync 1\n".repeat(1000);

test("a body goes out as it is, with its length in bytes", async () => {
  const { status, headers, text } = await answered(jsonAnswer(503, '{"a":"é"}', { "X-More": "1" }));
  expect([status, text]).toEqual([503, '{"a":"é"}']);
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "content-length": "10",
    "x-content-type-options": "nosniff",
    "x-more": "1",
  });
  expect(headers).not.toHaveProperty("content-encoding");
  expect(headers).not.toHaveProperty("vary");
});

test("a long body is compressed for who takes it", async () => {
  const { headers, body } = await answered(textAnswer(200, long), { headers: { "Accept-Encoding": "gzip" } });
  expect(headers).toMatchObject({ "content-encoding": "gzip", vary: "Accept-Encoding" });
  expect(Number(headers["content-length"])).toBe(body.length);
  expect(body.length).toBeLessThan(long.length / 10);
  expect(gunzipSync(body).toString()).toBe(long);
});

test.each([
  ["a long body for who does not take gzip", long, {}, "Accept-Encoding"],
  ["a short one for who does", "ok", { "Accept-Encoding": "gzip" }, undefined],
])("%s is not compressed", async (_, body, headers, vary) => {
  const got = await answered(textAnswer(200, body), { headers });
  expect(got.headers).not.toHaveProperty("content-encoding");
  expect([got.text, got.headers["vary"]]).toEqual([body, vary]);
});

test.each([
  [{}, String(long.length)],
  [{ "Accept-Encoding": "gzip" }, undefined],
])("HEAD gets the head of GET and no body, with %j", async (headers, length) => {
  const got = await answered(textAnswer(200, long), { method: "HEAD", headers });
  const whole = await ask(running?.port ?? 0, "/", { headers });
  expect(got.body.length).toBe(0);
  expect(got.headers["content-length"]).toBe(length ?? String(whole.body.length));
  expect({ ...got.headers, date: "" }).toEqual({ ...whole.headers, date: "" });
});

test.each([
  [99, 500],
  [100, 200],
])("with at most %d bytes, 100 bytes are answered with %d", async (maxAnswerBytes, status) => {
  const got = await answered(textAnswer(200, "é".repeat(50)), {}, maxAnswerBytes);
  expect(got.status).toBe(status);
  expect(got.text === "é".repeat(50)).toBe(status === 200);
});
