// Why a packet fares as it does. In: ExplainContext, From, To. Out: Explanation: reasons, what each source's rules do, where two part, DNS.
import { dnsRecords, type DnsRecord } from "../dns/records.ts";
import type { Firewall } from "../trace/firewall.ts";
import { isOwn, type TraceNode } from "../trace/packet.ts";
import { buildTracer, type Branch, type Tracer } from "../trace/trace.ts";
import { aboutDestination } from "./about-destination.ts";
import { aboutFrontend } from "./about-frontend.ts";
import { aboutWalk, type Expected } from "./about-walk.ts";
import { modelOf, type ExplainContext, type Source } from "./context.ts";
import { findService, servedPort } from "./lookup.ts";
import { findParting } from "./parting.ts";
import { findProbes, type Probe } from "./probes.ts";
import type { From, To } from "./question.ts";
import type { Reason } from "./reason/reason.ts";
import { findCases, type Case } from "./outcomes.ts";
import { buildWalk, type WalkStep } from "./walk-tree.ts";

export type Explanation =
  /** The question itself cannot be answered. */
  | { readonly kind: "refused"; readonly reason: Reason }
  | {
      readonly kind: "answered";
      /** What holds of the Service as a whole. */
      readonly about: readonly Reason[];
      /** One for each packet that was followed; none where a Service has no rules by design. */
      readonly answers: readonly ProbeAnswer[];
      /** What cluster DNS has for the Service that was asked for; empty where that was none, or no object tells. */
      readonly dns: readonly DnsRecord[];
    };

export type ProbeAnswer = {
  readonly probe: Probe;
  /** In the API's terms, as the objects have it. */
  readonly reasons: readonly Reason[];
  /** What that leads to expect of the rules; undefined where the objects are not known or say nothing of this address. */
  readonly expected: Expected;
  /** One for each source that holds rules of the family. */
  readonly walks: readonly Walk[];
  /** Where two sources were given: whether they do the same, and where not. */
  readonly parting: Reason | undefined;
};

/** What one source's rules do with the packet. */
export type Walk = {
  readonly source: string;
  readonly reasons: readonly Reason[];
  readonly cases: readonly Case[];
  readonly steps: readonly WalkStep[];
};

/** `zone` is the domain of cluster DNS. */
export type Question = { readonly from: From; readonly to: To; readonly zone: string };

/** Answers one question. What is not known is left open and said. */
export function explain({ from, to, zone }: Question, context: ExplainContext): Explanation {
  const found = findProbes(from, to, context);
  if ("code" in found) return { kind: "refused", reason: found };
  const tracers = tracerKeeper();
  const answers = found.probes.map((probe) => answer(probe, context, tracers));
  return { kind: "answered", about: found.about, answers, dns: recordsOf(to, zone, context) };
}

function recordsOf(to: To, zone: string, { objects }: ExplainContext): readonly DnsRecord[] {
  if (to.kind !== "service" || objects === undefined) return [];
  const held = findService(objects, to.namespace, to.name);
  return held === undefined ? [] : dnsRecords(held, zone);
}

function answer(probe: Probe, context: ExplainContext, tracerOf: TracerKeeper): ProbeAnswer {
  const { reasons, expected } = fromObjects(probe, context);
  const walked = context.sources.flatMap((source) => {
    const firewall = source.firewalls[probe.family];
    if (firewall === undefined) return [];
    const branches = tracerOf(source, firewall, probe).trace(probe.packet);
    return [{ source: source.name, firewall, branches }];
  });
  return {
    probe,
    reasons: [...standIns(probe), ...elsewhere(probe, context), ...reasons],
    expected,
    walks: walked.map((each) => walkOf(each, probe, expected)),
    parting: partingOf(walked, probe, context),
  };
}

type Walked = { readonly source: string; readonly firewall: Firewall; readonly branches: readonly Branch[] };

function walkOf({ source, firewall, branches }: Walked, probe: Probe, expected: Expected): Walk {
  return {
    source,
    reasons: aboutWalk(branches, probe, { firewall, expected }),
    cases: findCases(branches),
    steps: buildWalk(branches),
  };
}

function partingOf(walked: readonly Walked[], probe: Probe, { sources }: ExplainContext): Reason | undefined {
  const [first, second] = walked;
  const lacking = sources.find(({ firewalls }) => firewalls[probe.family] === undefined);
  if (lacking !== undefined) return { code: "no-rules-of-family", source: lacking.name, family: probe.family };
  return first === undefined || second === undefined ? undefined : findParting(first, second);
}

function fromObjects(
  probe: Probe,
  context: ExplainContext,
): { readonly reasons: readonly Reason[]; readonly expected: Expected } {
  const { objects } = context;
  const model = modelOf(objects, probe.family);
  if (objects === undefined || model === undefined) return { reasons: [], expected: undefined };
  const { frontend } = probe.destination;
  if (frontend === undefined) return { reasons: aboutDestination(probe, context, objects), expected: undefined };
  const served = servedPort(model, frontend);
  return served === undefined ? { reasons: [], expected: undefined } : aboutFrontend(probe, served, objects);
}

function standIns({ client, assumedNodeIp }: Probe): Reason[] {
  if (client.standsFor === "outside") {
    const outside: Reason = { code: "outside-stand-in", ip: client.source };
    return assumedNodeIp === undefined ? [outside] : [outside, { code: "node-stand-in", ip: assumedNodeIp }];
  }
  return assumedNodeIp === undefined ? [] : [{ code: "node-stand-in", ip: assumedNodeIp }];
}

/** A pod's packets are balanced where the pod is. */
function elsewhere({ client: { pod }, family }: Probe, { objects }: ExplainContext): Reason[] {
  const here = modelOf(objects, family)?.view.nodeName;
  if (pod?.nodeName === undefined || here === undefined || pod.nodeName === here) return [];
  return [{ code: "client-on-other-node", pod: pod.name, node: pod.nodeName, here }];
}

type TracerKeeper = (source: Source, firewall: Firewall, probe: Probe) => Tracer;

/** Tracers are dear to make where there are many rules: one for each source, family and node serves all probes. */
function tracerKeeper(): TracerKeeper {
  const kept = new Map<string, Tracer>();
  return (source, firewall, { family, assumedNodeIp }) => {
    const key = `${source.name} ${family} ${assumedNodeIp ?? ""}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = buildTracer(firewall, withOwn(source.node, assumedNodeIp));
    kept.set(key, made);
    return made;
  };
}

function withOwn(node: TraceNode, ip: Probe["assumedNodeIp"]): TraceNode {
  return ip === undefined || isOwn(node, ip) ? node : { ...node, localIps: [...node.localIps, ip] };
}
