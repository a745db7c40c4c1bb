// What a health-check node port says. In: a Service's local endpoints, the agent's health. Out: kube-proxy's answer to the byte.
import { jsonAnswer, type Answer } from "../http/answer.ts";

/** What a load balancer asks a health-check node port about. */
export type HealthPort = {
  /** `namespace/name`. */
  readonly service: string;
  /** Unique addresses of ready endpoints on this node; terminating ones do not count, so that the load balancer drains. */
  readonly localEndpoints: number;
};

/** 200 where there are local endpoints and the agent is healthy, else 503. Source: kube-proxy pkg/proxy/healthcheck service_health. */
export function portAnswer({ service, localEndpoints }: HealthPort, serviceProxyHealthy: boolean): Answer {
  const slash = service.indexOf("/");
  const body = {
    service: { namespace: service.slice(0, slash), name: service.slice(slash + 1) },
    localEndpoints,
    serviceProxyHealthy,
  };
  return jsonAnswer(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, JSON.stringify(body, undefined, "\t"), {
    "X-Load-Balancing-Endpoint-Weight": String(localEndpoints),
  });
}
