// Tests of rules/model/problems.ts.
import { expect, test } from "@jest/globals";
import { findProblems } from "../../../rules/model/problems.ts";
import { aCluster, aService, type ServiceFields } from "../../make/objects.ts";
import { aView, modelOf, type ViewFields } from "../../make/node.ts";

const found = (services: ServiceFields[], view: ViewFields = {}) =>
  findProblems(modelOf(aCluster(...services.map((fields) => aService(fields))), aView(view))).map(
    ({ code, object, severity }) => `${severity} ${code} ${object}`,
  );

const [a, b] = [
  { name: "a", clusterIps: ["10.96.0.1"] },
  { name: "b", clusterIps: ["10.96.0.2"] },
];
const exposed = { type: "LoadBalancer", loadBalancerIps: ["203.0.113.1"] } as const;

test.each<[string, ServiceFields[], ViewFields, string[]]>([
  ["nothing of Services that get on", [a, b], {}, []],
  [
    "an address that two claim",
    [
      { ...a, externalIps: ["192.0.2.1"] },
      { ...b, externalIps: ["192.0.2.1"] },
    ],
    {},
    ["warning frontend-conflict Service default/b"],
  ],
  [
    "a node port that two claim",
    [a, b].map((each) => ({ ...each, type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] })),
    {},
    ["warning frontend-conflict Service default/b"],
  ],
  ["nothing of one Service that claims an address twice", [{ ...a, ...exposed, externalIps: ["203.0.113.1"] }], {}, []],
  [
    "ranges of the other family only",
    [{ ...a, ...exposed, sourceRanges: ["2001:db8::/32"] }],
    {},
    ["warning source-ranges-of-other-family Service default/a"],
  ],
  [
    "nothing where no address is open to the family",
    [{ ...a, ...exposed, sourceRanges: ["2001:db8::/32"] }],
    { family: 6 },
    [],
  ],
  ["nothing of ranges of both", [{ ...a, ...exposed, sourceRanges: ["2001:db8::/32", "198.51.100.0/24"] }], {}, []],
  [
    "a Local policy on a node without a name, once a Service",
    [
      {
        ...a,
        internalTrafficPolicy: "Local",
        ports: [
          { name: "x", port: 1 },
          { name: "y", port: 2 },
        ],
      },
    ],
    { node: { name: undefined } },
    ["warning node-name-unknown Service default/a"],
  ],
  ["nothing of it with a name", [{ ...a, internalTrafficPolicy: "Local" }], {}, []],
])("finds %s", (_, services, view, expected) => {
  expect(found(services, view)).toEqual(expected);
});
