/** Times of Kubernetes: the client library's lists contain `Date` objects, watches contain strings. */

import { z } from 'zod';

/** PostgreSQL reads no year before the first in this form, and none after this. */
const lastYear = 9_999;

/** Always parsed to a string that is a time. */
export const kubernetesTime = z
  .union([z.string(), z.date().transform((date) => (Number.isNaN(date.getTime()) ? '' : date.toISOString()))])
  .refine((text) => {
    const year = new Date(text).getUTCFullYear();
    return year >= 1 && year <= lastYear;
  }, 'Not a time.');

/** A time without which the object can still be read: `null` when it is no time. */
export const optionalTime = kubernetesTime.nullish().catch(null);

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
