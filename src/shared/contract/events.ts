/** What travels from the worker to the screen: entries of the Redis stream, and events of the subscription. */

import { z } from 'zod';

import { isoDateTimeSchema, projectIdSchema } from './fields.ts';
import { projectSchema } from './project.ts';

/** `live`: as seen now. `delayed`: nothing heard for a while, as of `asOf`. `unreachable`: the cluster does not answer. */
const freshnessSchema = z.object({
  state: z.enum(['live', 'delayed', 'unreachable']),
  /** When the cluster was last seen; `null` when it never was. */
  asOf: isoDateTimeSchema.nullable(),
});
export type Freshness = z.infer<typeof freshnessSchema>;

/** One entry of the status stream in Redis. Server and worker both append; servers read. */
export const streamEntrySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('project'), project: projectSchema }),
  z.object({ type: z.literal('heartbeat'), reachable: z.boolean(), asOf: isoDateTimeSchema.nullable() }),
]);
export type StreamEntry = z.infer<typeof streamEntrySchema>;

const projectEventSchema = z.discriminatedUnion('type', [
  /** Everything that the subscriber may see: replaces what it holds. */
  z.object({ type: z.literal('snapshot'), projects: z.array(projectSchema), freshness: freshnessSchema }),
  z.object({ type: z.literal('changed'), project: projectSchema }),
  /** The project was deleted; this is its last state (`archived`). */
  z.object({ type: z.literal('removed'), project: projectSchema }),
  z.object({ type: z.literal('freshness'), freshness: freshnessSchema }),
  /** Continuity is lost: a snapshot follows. */
  z.object({ type: z.literal('reset'), message: z.string() }),
]);
export type ProjectEvent = z.infer<typeof projectEventSchema>;

export const onChangeInputSchema = z.strictObject({
  projectId: projectIdSchema.optional(),
  /** Set by the client library when it resumes; never by hand. */
  lastEventId: z.string().max(100).nullish(),
});
