/** Times of Kubernetes: the client library's lists contain `Date` objects, watches contain strings. */

import { z } from 'zod';

/** Always parsed to a string. */
export const kubernetesTime = z.union([z.string(), z.date().transform((date) => date.toISOString())]);

/** Milliseconds since the epoch; `null` when `text` is not a time. */
export function timeOf(text: string | null | undefined): number | null {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? null : ms;
}

/** The time in ISO form, with milliseconds and in UTC; `null` when `text` is not a time. */
export function isoTimeOf(text: string | null | undefined): string | null {
  const ms = timeOf(text);
  return ms === null ? null : new Date(ms).toISOString();
}
