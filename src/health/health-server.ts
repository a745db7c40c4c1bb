// The server of /healthz and /livez. In: an address, a HealthTracker. Out: a running server.
import { textAnswer, type Handler } from "../http/answer.ts";
import type { BindAddress } from "../http/bind-address.ts";
import { listen, type ListenSettings, type Running } from "../http/listen.ts";
import { healthzAnswer, livezAnswer } from "./health.ts";
import type { HealthTracker } from "./health-tracker.ts";

export type HealthServer = {
  readonly at: BindAddress;
  readonly tracker: HealthTracker;
  /** Told of each answer, to be counted. */
  readonly onProbe: (probe: "healthz" | "livez", code: number) => void;
};

/** Starts the server. Any method is answered, as kube-proxy does: HAProxy checks with OPTIONS. Throws BindError; `keepTrying` is for that. */
export function startHealthServer(server: HealthServer, settings: ListenSettings = {}): Promise<Running> {
  return listen(server.at, healthHandler(server), settings);
}

function healthHandler({ tracker, onProbe }: HealthServer): Handler {
  return ({ path }) => {
    if (path !== "/healthz" && path !== "/livez") return textAnswer(404, "404 page not found\n");
    const now = tracker.now().wall;
    const answer =
      path === "/healthz" ? healthzAnswer(tracker.health(), tracker.node(), now) : livezAnswer(tracker.health(), now);
    onProbe(path === "/healthz" ? "healthz" : "livez", answer.status);
    return answer;
  };
}
