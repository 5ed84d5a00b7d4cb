import process from 'node:process';

/**
 * A bound in milliseconds as it is promised; in CI, where images are built beside the tests, two seconds more. What it is
 * to catch takes far longer than both.
 */
export const crowded = (ms: number): number => ms + (process.env['CI'] === 'true' ? 2_000 : 0);
