/** A time of Kubernetes: lists carry `Date`, watches carry strings. Always a string here. */

import { z } from 'zod';

export const kubernetesTime = z.union([z.string(), z.date().transform((date) => date.toISOString())]);

/** Milliseconds since the epoch; `null` for what is no time. */
export function timeOf(text: string | null | undefined): number | null {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? null : ms;
}
