// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next attempt: doubles from half a second to fifteen, spread by
// jitter so that the viewers of one engine do not all come back in the same instant.

export interface BackoffLimits {
  readonly first_ms: number;
  readonly max_ms: number;
  /** Fraction of the delay that is random, both ways. */
  readonly jitter: number;
}

export const default_backoff: BackoffLimits = { first_ms: 500, max_ms: 15_000, jitter: 0.2 };

/** The delay before attempt `attempt` (1 is the first one after a loss), in whole milliseconds. */
export function backoff_delay(
  attempt: number,
  random: () => number,
  limits: BackoffLimits = default_backoff,
): number {
  const exponent = Math.min(Math.max(attempt - 1, 0), 30);
  const plain = Math.min(limits.first_ms * 2 ** exponent, limits.max_ms);
  return Math.round(plain * (1 + limits.jitter * (2 * random() - 1)));
}
