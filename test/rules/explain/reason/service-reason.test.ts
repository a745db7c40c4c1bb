// Tests of rules/explain/reason/service-reason.ts.
import { expect, test } from "@jest/globals";
import { renderServiceReason, type ServiceReason } from "../../../../rules/explain/reason/service-reason.ts";
import { anIp } from "../../../make/objects.ts";

const service = "default/web";

test.each<[ServiceReason, string]>([
  [{ code: "external-name", service, alias: "example.com" }, "its name is an alias of example.com."],
  [
    { code: "headless", service, ips: ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(anIp) },
    "its name resolves to these 3 addresses: 10.0.0.1, 10.0.0.2 and 10.0.0.3.",
  ],
  [{ code: "headless", service, ips: [anIp("10.0.0.1")] }, "its name resolves to 10.0.0.1."],
  [
    { code: "named-port-not-found", service, port: 80, targetPort: "http" },
    "The targetPort http of port 80 of default/web is named by no container port",
  ],
  [{ code: "balancer-without-address", service, nodePorts: [30080] }, "node port 30080 is served."],
])("%j", (reason, words) => {
  expect(renderServiceReason(reason)).toContain(words);
});

test("a balancer without node ports leaves them out", () => {
  expect(renderServiceReason({ code: "balancer-without-address", service, nodePorts: [] })).not.toContain("node port");
});
