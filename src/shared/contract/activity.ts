/** The timeline of a project: append-only, newest first when read. */

import { z } from 'zod';

import { isoDateTimeSchema, projectIdSchema } from './fields.ts';
import { reasonCodeSchema } from './reason-code.ts';

export const activityKindSchema = z.enum([
  'created',
  'updated',
  'start-requested',
  'stop-requested',
  'restart-requested',
  'retry-requested',
  'trash-requested',
  'restore-requested',
  'delete-requested',
  'shared',
  'unshared',
  'job-failed',
  'status-changed',
  /** The comparison of rows and cluster found a difference that no event had reported, and corrected it. */
  'corrected',
  'archived',
]);
export type ActivityKind = z.infer<typeof activityKindSchema>;

const activityEntrySchema = z.object({
  id: z.string(),
  at: isoDateTimeSchema,
  kind: activityKindSchema,
  /** The user who did it; `null` when the system did. */
  actor: z.string().nullable(),
  message: z.string(),
  /** `null` for what a user did. */
  reason: reasonCodeSchema.nullable(),
});
export type ActivityEntry = z.infer<typeof activityEntrySchema>;

export const listActivityInputSchema = z.strictObject({
  id: projectIdSchema,
  cursor: z.string().max(100, 'This is not a cursor of this timeline.').nullish(),
});

export const activityPageSchema = z.object({ items: z.array(activityEntrySchema), nextCursor: z.string().nullable() });
export type ActivityPage = z.infer<typeof activityPageSchema>;
