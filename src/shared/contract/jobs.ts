/** The queue between server and worker. A job names a project; the worker reads everything else from the database. */

import { z } from 'zod';

import type { DesiredState } from './states.ts';

export const projectQueueName = 'projects';

/** Attempts before a project has failed permanently. With the consumer's back-off they take about a minute and a half. */
export const projectJobAttempts = 10;

/** Names for people who inspect the queue. The worker ignores the name and does what the project needs. */
const projectJobNameSchema = z.enum(['create-pod', 'delete-pod']);
export type ProjectJobName = z.infer<typeof projectJobNameSchema>;

/** The name of the job for a desired state. */
export function projectJobNameFor(desiredState: DesiredState): ProjectJobName {
  return desiredState === 'running' ? 'create-pod' : 'delete-pod';
}

export const projectJobSchema = z.object({
  projectId: z.uuid(),
  /** The id of the mutation's request in the logs of server and worker. */
  requestId: z.string().optional(),
  /** The mutation's trace context in W3C format, when tracing is enabled. */
  traceparent: z.string().optional(),
});
export type ProjectJob = z.infer<typeof projectJobSchema>;

/** The queue of runs. A job names a run, and lasts until the run has ended or waits for its project. */
export const runQueueName = 'runs';

export const runJobSchema = z.object({ runId: z.uuid() });
export type RunJob = z.infer<typeof runJobSchema>;
