const firstBackOffMs = 500;
const longestBackOffMs = 15_000;

/** Half fixed, half random, over an exponential step: many projects that failed together do not come back together. */
export function backOffMs(attempt: number, random: () => number): number {
  const step = Math.min(firstBackOffMs * 2 ** (attempt - 1), longestBackOffMs);
  return Math.round(step / 2 + (random() * step) / 2);
}
