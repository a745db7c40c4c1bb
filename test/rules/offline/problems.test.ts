// Tests of rules/offline/problems.ts.
import { expect, test } from "@jest/globals";
import { namedPortNotFound, noRange, tooManyReplicas } from "../../../rules/offline/problems.ts";
import { aService, aWorkload } from "./an.ts";

const service = aService({ ports: [{ port: 80, targetPort: "http" }] });
const [port] = service.ports;
if (port === undefined) throw new Error("bug: no port");

test.each([
  [noRange(service, ["spec", "clusterIP"], "cluster IP"), "no-range-for-placeholder", "error", "Service default/web"],
  [namedPortNotFound(service, port, 0), "named-port-not-found", "warning", "Service default/web"],
  [tooManyReplicas(aWorkload("Deployment"), 5), "too-many-replicas", "error", "Deployment default/web"],
])("names code, severity and object (%#)", (problem, code, severity, object) => {
  expect(problem).toMatchObject({ code, severity, object });
});

test("a port that is not found is located at its targetPort", () => {
  expect(namedPortNotFound(service, port, 0).path).toEqual(["spec", "ports", 0, "targetPort"]);
});
