/** Status updates on their way from the worker to the client: entries of the Redis stream, and events of the subscription. */

import { z } from 'zod';

import { isoDateTimeSchema, projectIdSchema } from './fields.ts';
import { projectSchema, publishedProjectSchema } from './project.ts';

/**
 * - `live`: the statuses are current.
 * - `delayed`: no worker has reported for a while. The statuses are as of `asOf`.
 * - `unreachable`: the cluster does not answer.
 */
const freshnessSchema = z.object({
  state: z.enum(['live', 'delayed', 'unreachable']),
  /** When a worker last observed the cluster; `null` when no worker ever did. */
  asOf: isoDateTimeSchema.nullable(),
});
export type Freshness = z.infer<typeof freshnessSchema>;

/** One entry of the status stream in Redis. Servers and workers append; servers read. */
export const streamEntrySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('project'), project: publishedProjectSchema }),
  /** Tasks or runs of this project have changed. Who shows them reads them. */
  z.object({ type: z.literal('tasks'), projectId: z.string() }),
  z.object({ type: z.literal('heartbeat'), reachable: z.boolean(), asOf: isoDateTimeSchema.nullable() }),
]);
export type StreamEntry = z.infer<typeof streamEntrySchema>;

const projectEventSchema = z.discriminatedUnion('type', [
  /** All projects of the subscriber. They replace what the client has. */
  z.object({ type: z.literal('snapshot'), projects: z.array(projectSchema), freshness: freshnessSchema }),
  z.object({ type: z.literal('changed'), project: projectSchema }),
  /** The project was deleted, and this is its last state. Or it is not shared any more, and its role is `none`. Its status is `archived`. */
  z.object({ type: z.literal('removed'), project: projectSchema }),
  z.object({ type: z.literal('freshness'), freshness: freshnessSchema }),
  /** Events may have been missed. A snapshot follows. */
  z.object({ type: z.literal('reset'), message: z.string() }),
]);
export type ProjectEvent = z.infer<typeof projectEventSchema>;

/** One event, with the id after which a client may resume. */
const polledEventSchema = z.object({ id: z.string(), event: projectEventSchema });
export type PolledEvent = z.infer<typeof polledEventSchema>;

/** The events since the last poll, oldest first: at least one, unless the caller's credential expires now. */
export const projectPollSchema = z.object({ events: z.array(polledEventSchema) });
export type ProjectPoll = z.infer<typeof projectPollSchema>;

export const pollInputSchema = z.strictObject({
  projectId: projectIdSchema.optional(),
  /** The id of the last event that the caller has received; without it the answer is a snapshot. */
  lastEventId: z.string().max(100).nullish(),
});

export const onChangeInputSchema = z.strictObject({
  projectId: projectIdSchema.optional(),
  /** Set by the tRPC client when it resumes a subscription. Callers never set it. */
  lastEventId: z.string().max(100).nullish(),
});
