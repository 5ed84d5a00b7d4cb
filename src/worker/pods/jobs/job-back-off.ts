/** The delays between the attempts of a job. Ten attempts together take about a minute and a half. */

import { backOffMs } from '../../../shared/back-off.ts';

/** @param attempt counted from 1 */
export function jobBackOffMs(attempt: number, random: () => number): number {
  return backOffMs(attempt, { firstMs: 500, longestMs: 15_000, random });
}
