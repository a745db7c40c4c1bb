// Tests of rules/explain/reason/destination-reason.ts.
import { expect, test } from "@jest/globals";
import {
  renderDestinationReason,
  type DestinationReason,
} from "../../../../rules/explain/reason/destination-reason.ts";
import { anIp } from "../../../make/objects.ts";

const check = { code: "health-check-port", port: 32000, service: "default/web" } as const;

test.each<[DestinationReason, string[]]>([
  [
    { code: "endpoint-itself", ip: anIp("fd00::1"), port: 80, services: ["a/b", "a/c"] },
    ["[fd00::1]:80", "a/b and a/c"],
  ],
  [{ code: "node-port-of-nobody", port: "30080/UDP", other: "a/b" }, ["30080/UDP", "a/b has it with another protocol"]],
  [
    { ...check, local: 2, answer: 200 },
    ["32000", "default/web", "2 ready local endpoints", "200", "sends its traffic here"],
  ],
  [{ ...check, local: 0, answer: 503 }, ["0 ready local endpoints", "503", "other nodes"]],
])("%j", (reason, words) => {
  for (const word of words) expect(renderDestinationReason(reason)).toContain(word);
});
