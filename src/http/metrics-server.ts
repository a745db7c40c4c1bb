// The server of the metrics port. In: what to tell, further routes. Out: a running server.
import { jsonAnswer, textAnswer } from "./answer.ts";
import type { Guard } from "./authorization.ts";
import type { BindAddress } from "./bind-address.ts";
import { listen, type ListenSettings, type Running } from "./listen.ts";
import { routeHandler, type Route } from "./routes.ts";

/** What the routes of kube-proxy's metrics port tell. */
export type Told = {
  readonly metrics: { readonly render: () => Promise<string>; readonly contentType: string };
  /** The configuration in force, without secrets: anybody who reaches the port may read it. */
  readonly configz: () => unknown;
  readonly proxyMode: string;
};

/** `/healthz`, `/metrics`, `/configz` and `/proxyMode`. Source: kube-proxy cmd/kube-proxy/app serveMetrics. */
export function metricsRoutes({ metrics, configz, proxyMode }: Told): readonly Route[] {
  return [
    { path: "/healthz", answer: () => textAnswer(200, "ok") },
    {
      path: "/metrics",
      answer: async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.render() }),
    },
    { path: "/configz", answer: () => jsonAnswer(200, JSON.stringify({ "kubeproxy.config.k8s.io": configz() })) },
    { path: "/proxyMode", answer: () => textAnswer(200, proxyMode) },
  ];
}

export type MetricsServer = {
  readonly at: BindAddress;
  readonly routes: readonly Route[];
  readonly guard: Guard;
};

/** Starts the server. Throws BindError; `keepTrying` is for that. */
export function startMetricsServer(server: MetricsServer, settings: ListenSettings = {}): Promise<Running> {
  return listen(server.at, routeHandler(server.routes, server.guard), settings);
}
