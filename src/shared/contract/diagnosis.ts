/** What accompanies a reason: who must act, how far a start has come, and the evidence from Kubernetes. */

import { z } from 'zod';

import { isoDateTimeSchema } from './fields.ts';

/** Who must act before the project can continue. `owner` is the owner of the project. */
export const actorSchema = z.enum(['nobody', 'owner', 'administrator']);
export type Actor = z.infer<typeof actorSchema>;

/** The steps of a start, in order. */
export const startStepNameSchema = z.enum(['queued', 'volume', 'node', 'images', 'containers', 'ready']);
export type StartStepName = z.infer<typeof startStepNameSchema>;

const startStepSchema = z.object({
  name: startStepNameSchema,
  /** `failed`: something must be fixed before this step can end. */
  state: z.enum(['waiting', 'active', 'done', 'failed']),
  /** How many parts are done: attempts (`queued`), images or containers; `null` for a step without parts. */
  done: z.int().nonnegative().nullable(),
  total: z.int().nonnegative().nullable(),
  startedAt: isoDateTimeSchema.nullable(),
  finishedAt: isoDateTimeSchema.nullable(),
});
export type StartStep = z.infer<typeof startStepSchema>;

export const startProgressSchema = z.object({
  /** When the start was requested, or when the previous pod was lost. */
  startedAt: isoDateTimeSchema,
  /** When every container was ready; `null` while it is still starting. */
  readyAt: isoDateTimeSchema.nullable(),
  /** One entry for each step, in order. */
  steps: z.array(startStepSchema),
});
export type StartProgress = z.infer<typeof startProgressSchema>;

/**
 * The progress of a start that was just requested.
 * @param startedAt an ISO time
 * @param attempts how many attempts are allowed
 */
export function initialProgress(startedAt: string, attempts: number): StartProgress {
  return {
    startedAt,
    readyAt: null,
    steps: startStepNameSchema.options.map((name, index) => ({
      name,
      state: index === 0 ? 'active' : 'waiting',
      done: index === 0 ? 1 : null,
      total: index === 0 ? attempts : null,
      startedAt: index === 0 ? startedAt : null,
      finishedAt: null,
    })),
  };
}

/** The largest number of evidence entries of a project. */
export const maxEvidence = 8;
/** The longest text of one entry, in characters. */
export const maxEvidenceText = 1_000;

/** What Kubernetes itself said. The text is unchanged, except that long texts are cut off. */
export const evidenceSchema = z.object({
  source: z.enum(['pod', 'container', 'event', 'volume', 'cluster']),
  /** What it is about, for example the name of a container. */
  subject: z.string(),
  /** The reason in Kubernetes, for example `ImagePullBackOff`. */
  reason: z.string().nullable(),
  text: z.string(),
  at: isoDateTimeSchema.nullable(),
  /** How often the event occurred; `null` when the source is not an event. */
  count: z.int().positive().nullable(),
});
export type Evidence = z.infer<typeof evidenceSchema>;

/** How long starts usually take in this installation. */
export const usualStartSchema = z.object({
  /** The median duration of recent starts, in milliseconds; `null` when there were none. */
  medianMs: z.number().nonnegative().nullable(),
});
export type UsualStart = z.infer<typeof usualStartSchema>;
