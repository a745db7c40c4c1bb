// Tests of rules/explain/reason/question-reason.ts.
import { expect, test } from "@jest/globals";
import { renderQuestionReason, type QuestionReason } from "../../../../rules/explain/reason/question-reason.ts";

test.each<[QuestionReason, string[]]>([
  [{ code: "service-not-found", service: "a/b", near: ["a/c"] }, ["a/b", "did you mean a/c?"]],
  [{ code: "port-not-found", service: "a/b", port: "81", ports: ["80/TCP (http)"] }, ["a/b", "81", "80/TCP (http)"]],
  [{ code: "needs-manifests", asked: "pod a/b" }, ["pod a/b", "-f"]],
])("%j names what it is about", (reason, words) => {
  for (const word of words) expect(renderQuestionReason(reason)).toContain(word);
});
