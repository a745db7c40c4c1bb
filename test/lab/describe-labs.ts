// Declares one jest block per iptables variant, each with a lab of its own. In: a title, tests. Out: blocks, or skipped ones that say why.
import { afterAll, beforeAll, beforeEach } from "@jest/globals";
import { describeWhere } from "./describe-where.ts";
import { createLab, type Lab, type LabOptions } from "./lab.ts";
import { canMakeLab } from "./probe.ts";
import type { Variant } from "./tables.ts";

/**
 * Declares `title (nft)` and `title (legacy)`. Each makes one lab before its tests, resets it before each test and destroys it
 * at the end. `declare` gets a function, since the lab is there only when a test runs. Where a lab cannot be made the block
 * is skipped and its title says why. To be awaited at the top level of a test file.
 */
export async function describeLabs(
  title: string,
  declare: (lab: () => Lab, variant: Variant) => void,
  options: Omit<LabOptions, "variant"> = {},
): Promise<void> {
  for (const variant of ["nft", "legacy"] as const) {
    describeWhere(`${title} (${variant})`, await canMakeLab(variant), () => {
      declareWithLab(declare, { ...options, variant });
    });
  }
}

function declareWithLab(declare: (lab: () => Lab, variant: Variant) => void, options: LabOptions): void {
  let lab: Lab | undefined;
  const current = () => lab ?? noLab();
  beforeAll(async () => {
    lab = await createLab(options);
  });
  beforeEach(() => current().reset());
  afterAll(async () => {
    await lab?.destroy();
  });
  declare(current, options.variant);
}

function noLab(): never {
  throw new Error("bug: the lab exists only while a test runs");
}
