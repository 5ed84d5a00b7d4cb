/** The project as every reader sees it, and the inputs of the procedures that work on it. */

import { z } from 'zod';

import { actorSchema, evidenceSchema, startProgressSchema } from './diagnosis.ts';
import {
  isoDateTimeSchema,
  projectDescriptionSchema,
  projectIdSchema,
  projectNameSchema,
  repoUrlSchema,
} from './fields.ts';
import { reasonCodeSchema } from './reason-code.ts';
import { desiredStateSchema, podPhaseSchema, projectStatusSchema } from './states.ts';

/** One container of the pod. `lastExit` is the end of its previous run, in words. */
export const containerSummarySchema = z.object({
  name: z.string(),
  ready: z.boolean(),
  state: z.enum(['waiting', 'running', 'terminated']),
  /** Kubernetes' own reason for waiting or terminated, such as `CrashLoopBackOff`. */
  reason: z.string().nullable(),
  restarts: z.int().nonnegative(),
  lastExit: z.string().nullable(),
});
export type ContainerSummary = z.infer<typeof containerSummarySchema>;

export const projectSchema = z.object({
  id: z.string(),
  ownerId: z.string(),
  name: z.string(),
  description: z.string(),
  repoUrl: z.string().nullable(),
  status: projectStatusSchema,
  desiredState: desiredStateSchema,
  podName: z.string(),
  namespace: z.string(),
  phase: podPhaseSchema.nullable(),
  reason: reasonCodeSchema.nullable(),
  /** One sentence for people: what is happening and what to do, if anything. */
  message: z.string().nullable(),
  /** One sentence: what happens next by itself, or what to do. */
  nextStep: z.string().nullable(),
  /** Who must act before it can go on. */
  actor: actorSchema,
  /** Whether "Retry" is worth a try now. */
  retryable: z.boolean(),
  /** Since when the reason is this one. */
  reasonSince: isoDateTimeSchema.nullable(),
  /** How far the start has come; that of the last start once it is ready; `null` before the first look and while stopped. */
  progress: startProgressSchema.nullable(),
  /** What Kubernetes itself says of it, for administrators; empty while there is no trouble. */
  evidence: z.array(evidenceSchema),
  containers: z.array(containerSummarySchema),
  podCreatedAt: isoDateTimeSchema.nullable(),
  workspacePvcName: z.string(),
  /** The last failure of a job in one sentence, until a later attempt succeeds. */
  podError: z.string().nullable(),
  /** Rises with each wish of the owner; `observedGeneration` follows when the cluster has been told. */
  generation: z.int(),
  observedGeneration: z.int(),
  /** Rises with each visible change. Whoever holds a higher one may drop what arrives with a lower one. */
  statusVersion: z.int(),
  createdAt: isoDateTimeSchema,
  updatedAt: isoDateTimeSchema,
  deletedAt: isoDateTimeSchema.nullable(),
});
export type Project = z.infer<typeof projectSchema>;

const idempotencyKeySchema = z
  .string()
  .min(1, 'Use 1 to 100 characters.')
  .max(100, 'Use 1 to 100 characters.')
  .regex(/^[A-Za-z0-9_.:-]+$/, 'Use letters, digits, ".", ":", "-" and "_".');

export const createProjectInputSchema = z.strictObject({
  name: projectNameSchema,
  description: projectDescriptionSchema.optional(),
  repoUrl: repoUrlSchema.nullish(),
  /** Chosen by the caller. A repeated create with the same one returns the project that the first one made. */
  idempotencyKey: idempotencyKeySchema.optional(),
});
export type CreateProjectInput = z.infer<typeof createProjectInputSchema>;

export const updateProjectInputSchema = z.strictObject({
  id: projectIdSchema,
  name: projectNameSchema.optional(),
  description: projectDescriptionSchema.optional(),
  repoUrl: repoUrlSchema.nullish(),
});
export type UpdateProjectInput = z.infer<typeof updateProjectInputSchema>;

export const projectIdInputSchema = z.strictObject({ id: projectIdSchema });

const projectSortSchema = z.enum(['createdAt', 'name']);
export type ProjectSort = z.infer<typeof projectSortSchema>;

export const listProjectsInputSchema = z.strictObject({
  limit: z.int().min(1, 'Ask for 1 to 100 projects.').max(100, 'Ask for 1 to 100 projects.').default(50),
  /** `nextCursor` of the page before, with the same sort. */
  cursor: z.string().max(500, 'This is not a cursor of this list.').nullish(),
  search: z
    .string()
    .trim()
    .max(100, 'Search for at most 100 characters.')
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'Remove the control characters.') // PostgreSQL takes none
    .optional(),
  status: projectStatusSchema.optional(),
  /** `createdAt`: newest first (the default). `name`: A to Z, without regard to case. */
  sort: projectSortSchema.default('createdAt'),
});
export type ListProjectsInput = z.infer<typeof listProjectsInputSchema>;

export const projectPageSchema = z.object({ items: z.array(projectSchema), nextCursor: z.string().nullable() });
export type ProjectPage = z.infer<typeof projectPageSchema>;
