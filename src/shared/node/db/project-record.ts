/** A row of `projects`, parsed: times as ISO strings, bigints as numbers, JSON validated. */

import { z } from 'zod';

import { actorSchema, evidenceSchema, startProgressSchema } from '../../contract/diagnosis.ts';
import { idleStops } from '../../contract/idle-stop.ts';
import { memberMapSchema } from '../../contract/members.ts';
import { containerSummarySchema, type PublishedProject } from '../../contract/project.ts';
import { reasonCodeSchema } from '../../contract/reason-code.ts';
import { desiredStateSchema, podPhaseSchema, projectStatusSchema } from '../../contract/states.ts';

const time = z.date().transform((date) => date.toISOString());
/** A time that PostgreSQL can store and JavaScript cannot, such as `infinity`, must not make the row unreadable. */
const optionalTime = time.nullable().catch(null);
const requiredTime = time.catch('1970-01-01T00:00:00.000Z');
/** pg returns a string, because a bigint may exceed 2^53. Versions and sequences never become that large. */
const bigint = z.coerce.number().int();
/** What the diagnosis of a failed attempt advises. */
const failureAdviceSchema = z.object({
  /** The failure that it belongs to. It counts only while `podError` is the same. */
  message: z.string(),
  nextStep: z.string(),
  actor: actorSchema,
});

export const projectRecordSchema = z.object({
  id: z.string(),
  seq: bigint,
  ownerId: z.string(),
  idempotencyKey: z.string().nullable(),
  name: z.string(),
  description: z.string(),
  repoUrl: z.string().nullable(),
  /** `null`: the default of the installation. See `sizes/size-rules.ts`. */
  size: z.string().nullable(),
  /** The size that the pod was created with, as far as it is known. */
  podSize: z.string().nullable(),
  /** How large the volume was asked for; `null`: as the worker says. */
  storage: z.string().nullable(),
  desiredState: desiredStateSchema,
  status: projectStatusSchema,
  generation: z.int(),
  observedGeneration: z.int(),
  /** The pod must have been created for this generation or a later one; a restart raises it. */
  podGeneration: z.int(),
  /** The generation whose attempts are exhausted; it waits for the command `retry`. */
  failedGeneration: z.int().nullable(),
  namespace: z.string(),
  podName: z.string(),
  workspacePvcName: z.string(),
  phase: podPhaseSchema.nullable(),
  reason: reasonCodeSchema.nullable().catch(null),
  message: z.string().nullable(),
  nextStep: z.string().nullable(),
  actor: actorSchema.catch('nobody'),
  retryable: z.boolean(),
  reasonSince: optionalTime,
  progress: startProgressSchema.nullable().catch(null),
  evidence: z.array(evidenceSchema).catch([]),
  containers: z.array(containerSummarySchema).catch([]),
  podUid: z.string().nullable(),
  podCreatedAt: optionalTime,
  /** The address at which server and gateway reach the pod. */
  podIp: z.string().nullable(),
  /** The key that the credentials of the pod are derived with; see `access/credentials.ts`. */
  accessKeyId: z.string().nullable(),
  podError: z.string().nullable(),
  podErrorCode: reasonCodeSchema.nullable().catch(null),
  podErrorAdvice: failureAdviceSchema.nullable().catch(null),
  /** The number of the newest attempt. An older attempt may write nothing. */
  attempt: z.int(),
  /** Attempts in a row that did not end, because their worker died or froze. */
  unfinishedAttempts: z.int(),
  /** The newest version of the configuration of OpenCode; 0: none was saved. */
  configVersion: z.int(),
  /** The version that a person wants to be applied to the pod that runs, until that was done. */
  configApplyVersion: z.int().nullable(),
  /** After this time a run that waits for an answer is shown to everybody who looks at any page. */
  answerLimitMinutes: z.int(),
  /** Runs whose agent waits for an answer of a person now, and since when the first of them waits. */
  waitingRuns: z.int(),
  waitingSince: optionalTime,
  /** When it is stopped because nobody uses it. */
  idleStop: z.enum(idleStops),
  /** Counts down to that stop. */
  idleStopInMinutes: z.int().nullable(),
  /** Set while that was the reason of the last stop. */
  idleStoppedAfterMinutes: z.int().nullable(),
  /** When it was put into the trash; `null`: it is not there. */
  trashedAt: optionalTime,
  /** For how long workers have observed it there. */
  trashSeconds: bigint,
  /** What people see of it. */
  trashDaysLeft: z.int().nullable(),
  statusVersion: bigint,
  createdAt: requiredTime,
  updatedAt: requiredTime,
  /** An agent reviews what the agents of its tasks have changed. */
  aiReview: z.boolean(),
  deletedAt: optionalTime,
  /** With whom it is shared. Whoever cannot be read has no access. */
  members: memberMapSchema.catch({}),
});
export type ProjectRecord = z.infer<typeof projectRecordSchema>;

/** Whether the attempts of the current generation are exhausted: no further attempt follows until the owner retries. */
export function hasFailedPermanently({
  generation,
  failedGeneration,
}: Pick<ProjectRecord, 'generation' | 'failedGeneration'>): boolean {
  return failedGeneration === generation;
}

/** The part of a record that servers and workers publish. `projectFor` makes of it what one person may read. */
export function toPublished(record: ProjectRecord): PublishedProject {
  const {
    seq: _,
    idempotencyKey: _r,
    podGeneration: _g,
    failedGeneration: _p,
    podUid: _u,
    podIp: _i,
    accessKeyId: _k,
    podErrorCode: _c,
    podErrorAdvice: _a,
    attempt: _t,
    unfinishedAttempts: _f,
    trashSeconds: _s,
    ...project
  } = record;
  return project;
}
