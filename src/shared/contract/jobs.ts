/** The queue between server and worker. A job carries a project id and nothing else that matters. */

import { z } from 'zod';

import type { DesiredState } from './states.ts';

export const projectQueueName = 'projects';

/** Attempts before a project is parked; together with the consumer's back-off about a minute and a half. */
export const projectJobAttempts = 10;

/** Names for people who read the queue: the worker does whatever the project needs, whichever name it reads. */
const projectJobNameSchema = z.enum(['create-pod', 'delete-pod']);
export type ProjectJobName = z.infer<typeof projectJobNameSchema>;

/** The name under which a wish goes into the queue. */
export function projectJobNameFor(desiredState: DesiredState): ProjectJobName {
  return desiredState === 'running' ? 'create-pod' : 'delete-pod';
}

export const projectJobSchema = z.object({
  projectId: z.uuid(),
  /** Follows a mutation through the logs, from the request to the pod. */
  requestId: z.string().optional(),
  /** The trace of that mutation in W3C's form, where traces are recorded. */
  traceparent: z.string().optional(),
});
export type ProjectJob = z.infer<typeof projectJobSchema>;
