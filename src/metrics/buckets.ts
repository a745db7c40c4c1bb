// The buckets of kube-proxy's histograms. In: nothing. Out: upper bounds in seconds, rising.

/** Of every sync and conntrack duration: 1 ms to 16.384 s, each twice the one before. Source: kube-proxy pkg/proxy/metrics. */
export const syncBuckets: readonly number[] = series(15, (step) => 2 ** step / 1000);

/**
 * Of the time from a change in the API to rules in force: 0, 0.25, 0.5, 1 to 59 by 1, 60 to 115 by 5, 120 to 300 by 30. The 0 is a slip
 * in kube-proxy's code, kept because a query that names a bucket must find the same ones. Source: kube-proxy pkg/proxy/metrics, `merge`.
 */
export const networkProgrammingBuckets: readonly number[] = [
  ...[0, 0.25, 0.5],
  ...series(59, (step) => step + 1),
  ...series(12, (step) => 60 + 5 * step),
  ...series(7, (step) => 120 + 30 * step),
];

function series(length: number, at: (step: number) => number): number[] {
  return Array.from({ length }, (_, step) => at(step));
}
