// Questions whose answers rules give. In: nothing. Out: Row[].
import { expect } from "@jest/globals";
import { aContext, aPlan, endpoints } from "./a-context.ts";
import { above, below, dockerFilter, dockerNat, portmap } from "./foreign.ts";
import { keptPlan, live, liveKept, one, only, plan, ranged, svc, vip, web, nodePort, type Row } from "./subjects.ts";

const dropAll = "-A FORWARD -j DROP";

export const ruleQuestions: readonly Row[] = [
  [
    "goes-to",
    "node",
    svc,
    aContext([web, one]),
    { to: [{ at: "10.1.0.1:8080", share: undefined }], service: "default/web" },
  ],
  [
    "goes-to",
    "10.1.0.1",
    svc,
    aContext([web, endpoints({ ip: "10.1.0.1", nodeName: "here" }, "10.1.0.2")]),
    {
      to: [
        { at: "10.1.0.1:8080", share: "50%" },
        { at: "10.1.0.2:8080", share: "50%" },
      ],
      source: { kind: "mixed", as: undefined },
    },
  ],
  ["not-translated", "outside", "198.51.100.99:80", only(plan), { at: "198.51.100.99:80", here: false }],
  ["not-translated", "outside", "192.168.0.2:22", aContext([web, one]), { here: true }],
  ["refused", "node", svc, aContext([web]), { with: "icmp-port-unreachable", service: "default/web" }],
  ["dropped", "203.0.113.7", svc, aContext([ranged, one]), { service: "default/web" }],
  [
    "undecided",
    "outside",
    vip,
    liveKept(below(keptPlan, "filter", ["-A FORWARD -j NFQUEUE --queue-num 0"])),
    { on: "-j NFQUEUE --queue-num 0" },
  ],
  [
    "depends-on",
    "outside",
    vip,
    live(above(plan, "filter", ["-A FORWARD -i eth7 -j DROP"])),
    { on: [expect.objectContaining({ text: "-i eth7" })] },
  ],
  [
    "foreign-translates",
    "outside",
    nodePort,
    live(above(plan, "nat", portmap(30080))),
    {
      before: true,
      rule: expect.objectContaining({ chain: "CNI-DN-0123456789abcdef01234", whose: "the CNI plugin portmap" }),
    },
  ],
  [
    "foreign-translates",
    "outside",
    nodePort,
    live(above(plan, "nat", dockerNat(30080))),
    { before: true, rule: expect.objectContaining({ chain: "DOCKER", whose: "Docker" }) },
  ],
  ["foreign-translates", "outside", "nodeport:8000", live(below(plan, "nat", portmap(8000))), { before: false }],
  [
    "foreign-translates",
    "outside",
    vip,
    live(above(plan, "nat", ["-A PREROUTING -d 198.51.100.10/32 -j DNAT --to-destination 10.1.9.9"])),
    { before: true },
  ],
  [
    "foreign-ends-nat",
    "outside",
    vip,
    live(above(plan, "nat", ["-A PREROUTING -p tcp -j ACCEPT"])),
    { hook: "PREROUTING" },
  ],
  ["foreign-ends-nat", "node", svc, live(above(plan, "nat", ["-A OUTPUT -p tcp -j RETURN"])), { hook: "OUTPUT" }],
  [
    "foreign-ends-nat",
    "outside",
    vip,
    live(above(plan, "nat", ["-A POSTROUTING -d 10.1.0.0/16 -j ACCEPT"])),
    { hook: "POSTROUTING" },
  ],
  [
    "foreign-drops",
    "outside",
    vip,
    liveKept(below(keptPlan, "filter", ["-A FORWARD -d 10.1.0.0/16 -j DROP"])),
    { rule: expect.objectContaining({ chain: "FORWARD", text: "-A FORWARD -d 10.1.0.0/16 -j DROP" }) },
  ],
  [
    "foreign-drops",
    "outside",
    vip,
    live(above(plan, "filter", dockerFilter("ACCEPT", ["-A DOCKER-USER -s 203.0.113.0/24 -j DROP"]))),
    { rule: expect.objectContaining({ chain: "DOCKER-USER", whose: "Docker" }) },
  ],
  [
    "foreign-refuses",
    "outside",
    vip,
    liveKept(below(keptPlan, "filter", ["-A FORWARD -j REJECT --reject-with icmp-host-prohibited"])),
    {},
  ],
  [
    "foreign-accepts",
    "203.0.113.7",
    "svc/default/web",
    aContext([ranged, one], { dumps: [above(aPlan([ranged, one]), "filter", ["-A FORWARD -j ACCEPT"])] }),
    {},
  ],
  [
    "foreign-rewrites-source",
    "10.1.0.9",
    "10.96.0.1:80",
    live(above(plan, "nat", ["-A POSTROUTING -s 10.1.0.0/16 -j SNAT --to-source 192.168.0.2"])),
    {},
  ],
  [
    "policy-drops",
    "10.1.0.9",
    "10.96.0.1:80",
    live(above(plan, "filter", dockerFilter("DROP"))),
    { table: "filter", chain: "FORWARD" },
  ],
  [
    "kernel-drops-loopback",
    "203.0.113.7",
    "127.0.0.1:80",
    aContext([web, one], { routeLocalnet: false }),
    { ip: "127.0.0.1" },
  ],
  ["no-service-rules", "node", svc, live("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n")],
  ["no-jump", "outside", vip, live(plan.replaceAll(/^-[AI] PREROUTING .*\n/gm, "")), { chain: "PREROUTING" }],
  ["service-not-in-rules", "node", svc, live(aPlan([])), { service: "default/web" }],
  ["no-rules-of-family", "node", "[fd00:10:96::1]:80", live(plan), { family: 6 }],
  ["sources-agree", "outside", vip, live(plan)],
  [
    "sources-part",
    "outside",
    nodePort,
    live(above(plan, "nat", portmap(30080))),
    { outcome: expect.objectContaining({ first: "100%", second: "0%" }) },
  ],
  ["sources-part", "outside", vip, liveKept(below(keptPlan, "filter", [dropAll])), {}],
];
