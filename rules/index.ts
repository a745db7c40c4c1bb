// The pure core, in pipeline order: decode, resolve what manifests leave open, model, ruleset, diff, text; then what reads rules: trace, compare, graph.
export { renderPath, renderProblem, type Problem } from "./problem.ts";
export { parseIp, familyOf, hostPort, type Family, type Ip } from "./net/ip.ts";
export { parseCidr, cidrFamily, type Cidr } from "./net/cidr.ts";

export { decodeService, type Service, type ServicePortSpec } from "./decode/service.ts";
export {
  decodeEndpointSlice,
  type EndpointPort,
  type EndpointSlice,
  type SliceEndpoint,
} from "./decode/endpoint-slice.ts";
export { decodeNode, type Node } from "./decode/node.ts";
export type { Decoded } from "./decode/decoded.ts";
export type { Protocol } from "./decode/protocol.ts";

export {
  resolve,
  type OfflineObjects,
  type Placeholder,
  type PlaceholderRanges,
  type Resolved,
} from "./offline/resolve.ts";

export { defaultSettings, type DetectLocal, type NodeView, type Settings } from "./model/settings.ts";
export {
  buildCluster,
  emptyCluster,
  removeService,
  removeSlice,
  setService,
  setSlice,
  type Cluster,
  type ClusterService,
} from "./model/cluster.ts";
export { buildView, needsRouteLocalnet, type LocalPods, type View } from "./model/view.ts";
export type { Endpoint } from "./model/endpoints.ts";
export type { Fate, Verdict } from "./model/fates.ts";
export type { Frontend, FrontendKind, ServicePort, ServicePortName, SourceRanges } from "./model/service-port.ts";
export {
  buildModel,
  isServed,
  servicePorts,
  type HealthCheckPort,
  type Model,
  type ServiceModel,
} from "./model/model.ts";

export { findProblems } from "./model/problems.ts";

export { buildRuleset, type Build } from "./iptables/ruleset/build.ts";
export {
  emptyRuleset,
  type BuiltInChain,
  type Chain,
  type Jump,
  type Ruleset,
  type Table,
  type TableName,
} from "./iptables/ruleset/chain.ts";
export { type ChainName } from "./iptables/ruleset/chain-name.ts";
export type { Match, Negatable, RecentMatch, Rule, Target } from "./iptables/ruleset/rule.ts";
export { buildServiceChains, entryChain, servicePortChain } from "./iptables/ruleset/service-chains.ts";

export { renderRuleset } from "./iptables/text/render-ruleset.ts";
export { renderRule, ruleLine } from "./iptables/text/render-rule.ts";
export { parseEvent, type RulesetEvent } from "./iptables/text/parse-event.ts";
export { ownedByUs, ownedByUsOrKubeProxy, parseRuleset, type Ownership } from "./iptables/text/parse.ts";

export { chainOf, type Change } from "./iptables/diff/change.ts";
export { diffRulesets } from "./iptables/diff/diff.ts";
export { createCheck, type Check, type Checked, type Verified } from "./iptables/diff/check.ts";
export { findOvertaken, placesAfter, putBack, type Overtaken, type Places } from "./iptables/diff/places.ts";
export { causeOf, type Cause } from "./iptables/diff/cause.ts";

export { orderChanges, type Batch } from "./iptables/script/order.ts";
export { changeOfLine, renderBatch, renderScript } from "./iptables/script/render-script.ts";

export { parseDump, type Dump, type DumpChain, type DumpProblem, type DumpRule } from "./iptables/text/parse-dump.ts";
export { parseSets } from "./ipset/parse.ts";
export { type IpSet } from "./ipset/set.ts";
export { setHolds, type SetValue } from "./ipset/holds.ts";
export { parseSetTable } from "./ipset/read-table.ts";
export { type KeptSet, type SetTable } from "./ipset/set-table.ts";
export { type SetChange } from "./ipset/diff-sets.ts";
export { renderSetChanges, setChangeOfLine } from "./ipset/render-sets.ts";

export {
  renderAddressChanges,
  serviceDevice,
  type AddressChange,
  type Addresses,
  type HeldAddress,
} from "./addresses/addresses.ts";
export { parseAddresses, type ParsedAddresses } from "./addresses/parse.ts";

export { defaultScheduler, parseScheduler, schedulerNames, type Scheduler } from "./ipvs/scheduler.ts";
export { buildIpvsNode, type IpvsNode, type IpvsSettings } from "./ipvs/node.ts";
export { realKey, serverKey, type IpvsTable, type RealServer, type VirtualServer } from "./ipvs/virtual-server.ts";
export { ownSetTypes, setName, type SetKey } from "./ipvs/set-names.ts";
export { emptyState, type IpvsState } from "./ipvs/state.ts";
export { buildIpvs, type IpvsBuild } from "./ipvs/build.ts";
export { parseServers, type ParsedServers, type ServerOwnership } from "./ipvs/parse.ts";
export { connectionKey, parseConnections, type Connections } from "./ipvs/connections.ts";
export { ownedByIpvs, ownedServers } from "./ipvs/ownership.ts";
export { type DrainView, type ServerChange } from "./ipvs/diff-servers.ts";
export { renderServerChanges, renderServers } from "./ipvs/render.ts";
export { undoneChanges } from "./ipvs/undone.ts";
export { diffStates, type IpvsChange, type IpvsDiff, type IpvsStep } from "./ipvs/steps.ts";
export { remaining, type Drain } from "./ipvs/remaining.ts";
export { causeOfIpvs } from "./ipvs/cause.ts";
export { findIpvsProblems } from "./ipvs/problems.ts";

export { dnsRecords, type DnsRecord } from "./dns/records.ts";

export { looksLikeFirewall, parseFirewalls, type Firewall, type ParsedFirewalls } from "./trace/firewall.ts";
export type { ConnectionState, Packet, TraceNode } from "./trace/packet.ts";
export { buildTracer, type Branch, type TraceOptions, type Tracer } from "./trace/trace.ts";
export type { Condition, Hop } from "./trace/traveller.ts";
export type { End, SourceFate } from "./trace/end.ts";
export { toNumber, type Fraction } from "./trace/fraction.ts";

export { applyToDump } from "./compare/graft.ts";
export { compareRulesets, type Comparison, type Difference, type Sides } from "./compare/compare.ts";
export { endText, fateOf, isSameFate, type Fate as PacketFate } from "./compare/fate.ts";

export { buildGraph } from "./graph/build-graph.ts";
export type { Graph, GraphEdge, GraphNode } from "./graph/graph.ts";
