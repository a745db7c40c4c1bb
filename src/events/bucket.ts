// A token bucket. In: how full, the time. Out: whether a token could be taken, and the bucket after that.

/** `tokens` at the time `at`, in milliseconds. */
export type Bucket = { readonly tokens: number; readonly at: number };

/** Never more than `burst` tokens; one comes every `seconds`. */
export type Rate = { readonly burst: number; readonly seconds: number };

/** The bucket that is full. */
export function fullBucket({ burst }: Rate, at: number): Bucket {
  return { tokens: burst, at };
}

/** Takes a token, if there is one. A clock that goes back brings none. */
export function take(bucket: Bucket, rate: Rate, now: number): { readonly taken: boolean; readonly bucket: Bucket } {
  const { tokens } = filled(bucket, rate, now);
  return tokens >= 1
    ? { taken: true, bucket: { tokens: tokens - 1, at: now } }
    : { taken: false, bucket: { tokens, at: now } };
}

/** Milliseconds until there is a token; 0 where there is one. */
export function waitMs(bucket: Bucket, rate: Rate, now: number): number {
  const { tokens } = filled(bucket, rate, now);
  return tokens >= 1 ? 0 : Math.ceil((1 - tokens) * rate.seconds * 1000);
}

/** Whether the bucket is as good as a new one. */
export function isFull(bucket: Bucket, rate: Rate, now: number): boolean {
  return filled(bucket, rate, now).tokens >= rate.burst;
}

function filled({ tokens, at }: Bucket, { burst, seconds }: Rate, now: number): Bucket {
  return { tokens: Math.min(burst, tokens + Math.max(0, now - at) / (seconds * 1000)), at: now };
}
