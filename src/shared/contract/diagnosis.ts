/** What goes with a reason: who must act, how far a start has come, and the raw text of Kubernetes that the words stand on. */

import { z } from 'zod';

import { isoDateTimeSchema } from './fields.ts';

/** Who must act so that it goes on. `owner`: whoever owns the project. */
export const actorSchema = z.enum(['nobody', 'owner', 'administrator']);
export type Actor = z.infer<typeof actorSchema>;

/** The steps of a start, in their order. */
export const startStepNameSchema = z.enum(['queued', 'volume', 'node', 'images', 'containers', 'ready']);
export type StartStepName = z.infer<typeof startStepNameSchema>;

const startStepSchema = z.object({
  name: startStepNameSchema,
  /** `trouble`: something must be mended before this step can end. */
  state: z.enum(['waiting', 'active', 'done', 'failed']),
  /** How many of how many: attempts (`queued`), images, containers; `null` for a step that has no parts. */
  done: z.int().nonnegative().nullable(),
  total: z.int().nonnegative().nullable(),
  startedAt: isoDateTimeSchema.nullable(),
  finishedAt: isoDateTimeSchema.nullable(),
});
export type StartStep = z.infer<typeof startStepSchema>;

export const startProgressSchema = z.object({
  /** When the start was asked for, or the pod before was lost. */
  startedAt: isoDateTimeSchema,
  /** When every container was ready; `null` while it is still starting. */
  readyAt: isoDateTimeSchema.nullable(),
  /** One for each step, in their order. */
  steps: z.array(startStepSchema),
});
export type StartProgress = z.infer<typeof startProgressSchema>;

/** A start that has just been asked for; an ISO time. */
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

/** At most so many pieces of evidence, each with a text of at most so many characters. */
export const maxEvidence = 8;
export const maxEvidenceText = 1_000;

/** A piece of what Kubernetes itself said, word for word but for its length. */
export const evidenceSchema = z.object({
  source: z.enum(['pod', 'container', 'event', 'volume', 'cluster']),
  /** What it speaks of, such as the name of the container. */
  subject: z.string(),
  /** Kubernetes' own reason, such as `ImagePullBackOff`. */
  reason: z.string().nullable(),
  text: z.string(),
  at: isoDateTimeSchema.nullable(),
  /** How often the event was seen; `null` for what is no event. */
  count: z.int().positive().nullable(),
});
export type Evidence = z.infer<typeof evidenceSchema>;

/** How long starts usually take in this installation. */
export const usualStartSchema = z.object({
  /** Of how many starts of the last days this is known; 0 at first. */
  samples: z.int().nonnegative(),
  /** Half of them took at most so long, in milliseconds; `null` without samples. */
  medianMs: z.number().nonnegative().nullable(),
  /** Nine of ten took at most so long, in milliseconds. */
  slowMs: z.number().nonnegative().nullable(),
});
export type UsualStart = z.infer<typeof usualStartSchema>;
