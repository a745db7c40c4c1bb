// The sections of a KubeProxyConfiguration. In: unknown. Out: one schema per section, defaults filled in as kube-proxy does.
import * as z from "zod";
import { list, optional, wholeNumber } from "../../rules/decode/fields.ts";
import { parseScheduler, schedulerNames } from "../../rules/ipvs/scheduler.ts";
import type { Cidr } from "../../rules/net/cidr.ts";
import {
  nonNegativeDuration,
  count,
  durationOrNanoseconds,
  flag,
  int32,
  section,
  strictCidr,
  text,
  word,
} from "./fields.ts";

export type IptablesSection = {
  /** 0 to 31. */
  readonly masqueradeBit: number;
  readonly masqueradeAll: boolean;
  readonly localhostNodePorts: boolean;
  readonly syncPeriodSeconds: number;
  /** Never 0: a configured 0 is 1 s. */
  readonly minSyncPeriodSeconds: number;
};

/** Has effect in mode ipvs. */
export type IpvsSection = {
  readonly syncPeriodSeconds: number;
  readonly minSyncPeriodSeconds: number;
  /** What `parseScheduler` takes. */
  readonly scheduler: string;
  readonly excludeCidrs: readonly Cidr[];
  readonly strictArp: boolean;
  /** 0 leaves the system's value, here and in the next two. */
  readonly tcpTimeoutSeconds: number;
  readonly tcpFinTimeoutSeconds: number;
  readonly udpTimeoutSeconds: number;
};

/** Read and checked, but without effect: rules are made in iptables mode. */
export type NftablesSection = Omit<IptablesSection, "localhostNodePorts">;

/** Sysctls of connection tracking; 0 leaves the system's value. */
export type ConntrackSection = {
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpEstablishedTimeoutSeconds: number;
  readonly tcpCloseWaitTimeoutSeconds: number;
  readonly tcpBeLiberal: boolean;
  readonly udpTimeoutSeconds: number;
  readonly udpStreamTimeoutSeconds: number;
};

export type ClientConnectionSection = {
  /** Path of a kubeconfig file; "" is the Pod's service account. */
  readonly kubeconfig: string;
  readonly acceptContentTypes: string;
  readonly contentType: string;
  readonly qps: number;
  readonly burst: number;
};

export type LoggingSection = {
  readonly format: "text" | "json";
  readonly flushFrequencySeconds: number;
  readonly verbosity: number;
  readonly vmodule: readonly { readonly filePattern: string; readonly verbosity: number }[];
};

export const iptablesSection: z.ZodType<IptablesSection> = section({
  masqueradeBit: optional(wholeNumber(0, 31), 14),
  masqueradeAll: flag,
  localhostNodePorts: optional(z.boolean("must be true or false"), true),
  syncPeriod: nonNegativeDuration,
  minSyncPeriod: nonNegativeDuration,
}).transform(({ syncPeriod, minSyncPeriod, ...rest }, context) => ({
  ...rest,
  ...periods({ syncPeriod, minSyncPeriod, minimum: 1 }, context),
}));

export const nftablesSection: z.ZodType<NftablesSection> = section({
  masqueradeBit: optional(wholeNumber(0, 31), 14),
  masqueradeAll: flag,
  syncPeriod: nonNegativeDuration,
  minSyncPeriod: nonNegativeDuration,
}).transform(({ syncPeriod, minSyncPeriod, ...rest }, context) => ({
  ...rest,
  ...periods({ syncPeriod, minSyncPeriod, minimum: 1 }, context),
}));

const scheduler = text.refine((value) => value === "" || parseScheduler(value) !== undefined, {
  message: `must be one of ${schedulerNames.join(", ")}; sh and mh may have flags, e.g. mh,mh-fallback,mh-port`,
  params: { code: "unknown-scheduler" },
});

export const ipvsSection: z.ZodType<IpvsSection> = section({
  syncPeriod: nonNegativeDuration,
  minSyncPeriod: nonNegativeDuration,
  scheduler,
  excludeCIDRs: list(strictCidr),
  strictARP: flag,
  tcpTimeout: nonNegativeDuration,
  tcpFinTimeout: nonNegativeDuration,
  udpTimeout: nonNegativeDuration,
}).transform(({ syncPeriod, minSyncPeriod, ...rest }, context) => ({
  ...periods({ syncPeriod, minSyncPeriod, minimum: 0 }, context),
  scheduler: rest.scheduler === "" ? "rr" : rest.scheduler,
  excludeCidrs: rest.excludeCIDRs,
  strictArp: rest.strictARP,
  tcpTimeoutSeconds: rest.tcpTimeout,
  tcpFinTimeoutSeconds: rest.tcpFinTimeout,
  udpTimeoutSeconds: rest.udpTimeout,
}));

/** Here 0 is not the default but "leave the system's value": kube-proxy's fields are pointers. */
export const conntrackSection: z.ZodType<ConntrackSection> = section({
  maxPerCore: count(32768),
  min: count(131072),
  tcpEstablishedTimeout: optional(z.unknown(), "24h").pipe(nonNegativeDuration),
  tcpCloseWaitTimeout: optional(z.unknown(), "1h").pipe(nonNegativeDuration),
  tcpBeLiberal: flag,
  udpTimeout: nonNegativeDuration,
  udpStreamTimeout: nonNegativeDuration,
}).transform((fields) => ({
  maxPerCore: fields.maxPerCore,
  min: fields.min,
  tcpEstablishedTimeoutSeconds: fields.tcpEstablishedTimeout,
  tcpCloseWaitTimeoutSeconds: fields.tcpCloseWaitTimeout,
  tcpBeLiberal: fields.tcpBeLiberal,
  udpTimeoutSeconds: fields.udpTimeout,
  udpStreamTimeoutSeconds: fields.udpStreamTimeout,
}));

export const clientConnectionSection: z.ZodType<ClientConnectionSection> = section({
  kubeconfig: text,
  acceptContentTypes: text,
  contentType: text.transform((value) => value || "application/vnd.kubernetes.protobuf"),
  qps: optional(z.number("must be a number"), 0).transform((value) => value || 5),
  burst: count(0).transform((value) => value || 10),
});

const loggingOutput = section({
  splitStream: flag,
  infoBufferSize: optional(z.union([z.string(), int32], "must be a quantity"), "0"),
});

export const loggingSection: z.ZodType<LoggingSection> = section({
  format: word("text", ["json"]),
  flushFrequency: durationOrNanoseconds,
  verbosity: count(0),
  vmodule: list(section({ filePattern: text, verbosity: count(0) })),
  options: section({ text: loggingOutput, json: loggingOutput }),
}).transform(({ format, flushFrequency, verbosity, vmodule }) => ({
  format,
  flushFrequencySeconds: flushFrequency === 0 ? 5 : flushFrequency,
  verbosity,
  vmodule,
}));

/** Windows only: known, so that it is not reported, and left out. */
export const winkernelSection = section({
  networkName: text,
  sourceVip: text,
  enableDSR: flag,
  rootHnsEndpointName: text,
  forwardHealthCheckVip: flag,
});

export const detectLocalSection = section({ bridgeInterface: text, interfaceNamePrefix: text });

/** Fills the two periods and reports, at the field that is written, a minimum over the period itself. */
function periods(
  written: { syncPeriod: number; minSyncPeriod: number; minimum: number },
  context: z.core.$RefinementCtx,
): { syncPeriodSeconds: number; minSyncPeriodSeconds: number } {
  const syncPeriodSeconds = written.syncPeriod || 30;
  const minSyncPeriodSeconds = written.minSyncPeriod || written.minimum;
  if (minSyncPeriodSeconds > syncPeriodSeconds) {
    const [field, message] =
      written.minSyncPeriod > 0
        ? ["minSyncPeriod", `must be at most syncPeriod (${syncPeriodSeconds} s)`]
        : ["syncPeriod", `must be at least minSyncPeriod (${minSyncPeriodSeconds} s)`];
    context.addIssue({ code: "custom", path: [field], message, params: { code: "out-of-range" } });
  }
  return { syncPeriodSeconds, minSyncPeriodSeconds };
}
