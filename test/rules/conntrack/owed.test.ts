// Tests of rules/conntrack/owed.ts.
import { describe, expect, test } from "@jest/globals";
import { owe, type Owed } from "../../../rules/conntrack/owed.ts";
import type { Cluster } from "../../../rules/model/cluster.ts";
import { buildModel, type Model } from "../../../rules/model/model.ts";
import { aView } from "../../make/node.ts";
import { aCluster, aService, aSlice, type ServiceFields } from "../../make/objects.ts";

const view = aView();
const nothing: Owed = { formerly: new Map() };

function cluster(
  endpoints: readonly string[],
  fields: ServiceFields = {},
  protocol: "UDP" | "TCP" | "SCTP" = "UDP",
): Cluster {
  return aCluster(
    aService({ ports: [{ protocol, port: 53 }], ...fields }),
    aSlice({ ports: [{ protocol, port: 5353 }], endpoints }),
  );
}

/** What is owed after these clusters were in force one after the other, the first of them cleaned up after. */
function owedAfter(clusters: readonly Cluster[], tracked: readonly ("UDP" | "SCTP")[] = ["UDP"]) {
  let before: Model | undefined;
  let owed: Owed | undefined;
  for (const each of clusters) {
    const after = buildModel(each, view, before);
    owed = before === undefined ? undefined : owe(owed, { before, after, tracked });
    before = after;
  }
  return owed && [...owed.formerly].map(([key, targets]) => `${key} ${[...targets].join(" ")}`);
}

const key = "0a600001u0035";

describe("what is owed", () => {
  test.each([
    ["nothing changed", [cluster(["10.1.0.1"]), cluster(["10.1.0.1"])], undefined],
    ["only other fields changed", [cluster(["10.1.0.1"]), cluster(["10.1.0.1"], { affinitySeconds: 9 })], undefined],
    ["the first endpoint came", [cluster([]), cluster(["10.1.0.1"])], [`${key} `]],
    ["an endpoint was replaced", [cluster(["10.1.0.1"]), cluster(["10.1.0.2"])], [`${key} 10.1.0.1:5353`]],
    ["the Service went", [cluster(["10.1.0.1"]), aCluster()], [`${key} 10.1.0.1:5353`]],
    ["a Service came", [aCluster(), cluster(["10.1.0.1"])], []],
    [
      "endpoints changed twice, and then the Service went",
      [cluster(["10.1.0.1"]), cluster(["10.1.0.2"]), cluster(["10.1.0.3"]), aCluster()],
      [`${key} 10.1.0.1:5353 10.1.0.2:5353 10.1.0.3:5353`],
    ],
    ["something, and then nothing", [cluster(["10.1.0.1"]), cluster([]), cluster([])], [`${key} 10.1.0.1:5353`]],
    ["TCP changed", [cluster(["10.1.0.1"], {}, "TCP"), cluster(["10.1.0.2"], {}, "TCP")], undefined],
    ["SCTP changed", [cluster(["10.1.0.1"], {}, "SCTP"), cluster(["10.1.0.2"], {}, "SCTP")], undefined],
  ])("after %s", (_, clusters, owed) => {
    expect(owedAfter(clusters)).toEqual(owed);
  });

  test("includes SCTP where it is asked for", () => {
    const clusters = [cluster(["10.1.0.1"], {}, "SCTP"), cluster(["10.1.0.2"], {}, "SCTP")];
    expect(owedAfter(clusters, ["UDP", "SCTP"])).toEqual(["0a600001s0035 10.1.0.1:5353"]);
  });

  test("a look at everything after the first pass, also where that came after a failure", () => {
    const after = buildModel(cluster([]), view);
    expect(owe(undefined, { before: undefined, after, tracked: ["UDP"] })).toEqual(nothing);
    const owed: Owed = { formerly: new Map([[key, new Set(["10.1.0.1:5353"])]]) };
    expect(owe(owed, { before: undefined, after, tracked: ["UDP"] })).toBe(owed);
  });

  test("a look at everything where the node has changed", () => {
    const [before, after] = [view, aView()].map((each) => buildModel(cluster(["10.1.0.1"]), each)) as [Model, Model];
    expect(owe(undefined, { before, after, tracked: ["UDP"] })).toEqual(nothing);
  });
});
