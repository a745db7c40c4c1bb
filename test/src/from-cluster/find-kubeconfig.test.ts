// Tests of src/from-cluster/find-kubeconfig.ts.
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { findKubeconfig } from "../../../src/from-cluster/find-kubeconfig.ts";
import { aFolder } from "../golden/a-case.ts";

const home = await aFolder({ ".kube/config": "", a: "", b: "" });
const [a, b, usual, none] = [join(home, "a"), join(home, "b"), join(home, ".kube/config"), join(home, "none")];
const empty = await aFolder();
const inPod = { KUBERNETES_SERVICE_HOST: "10.96.0.1" };

describe("the kubeconfig is", () => {
  test.each<[string, string | undefined, Readonly<Record<string, string>>, string, readonly string[] | undefined]>([
    ["the option's before all others, there or not", none, { KUBECONFIG: a }, home, [none]],
    ["KUBECONFIG's before the home directory's", undefined, { KUBECONFIG: a }, home, [a]],
    ["those of KUBECONFIG's that are there", undefined, { KUBECONFIG: `${b}::${none}:${a}` }, home, [b, a]],
    ["the home directory's before a Pod's account", undefined, { KUBECONFIG: "", ...inPod }, home, [usual]],
    ["none in a Pod without any", undefined, inPod, empty, undefined],
  ])("%s", (_, option, env, at, expected) => {
    expect(findKubeconfig(option, { env, home: at })).toEqual(expected);
  });
});

test.each([
  ["nothing says", {}],
  ["KUBECONFIG names no file that is there", { KUBECONFIG: none }],
])("refused where %s", (_, env) => {
  expect(() => findKubeconfig(undefined, { env, home: empty })).toThrow(
    expect.objectContaining({ name: "InputError" }),
  );
});
