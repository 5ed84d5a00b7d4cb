/** The project as the API returns it, and the inputs of the procedures about projects. */

import { z } from 'zod';

import { actorSchema, evidenceSchema, startProgressSchema } from './diagnosis.ts';
import {
  idempotencyKeySchema,
  isoDateTimeSchema,
  projectDescriptionSchema,
  projectIdSchema,
  projectNameSchema,
  repoUrlSchema,
} from './fields.ts';
import { idleStops, installationIdleStops } from './idle-stop.ts';
import { memberMapSchema, projectRoleSchema } from './members.ts';
import { reasonCodeSchema } from './reason-code.ts';
import { sizeNameSchema } from './sizes.ts';
import { desiredStateSchema, podPhaseSchema, projectStatusSchema } from './states.ts';

/** One container of the pod. */
export const containerSummarySchema = z.object({
  name: z.string(),
  ready: z.boolean(),
  state: z.enum(['waiting', 'running', 'terminated']),
  /** Why it waits or has terminated, as in Kubernetes, for example `CrashLoopBackOff`. */
  reason: z.string().nullable(),
  restarts: z.int().nonnegative(),
  /** How its previous run ended, for example "ended with exit code 1". */
  lastExit: z.string().nullable(),
});
export type ContainerSummary = z.infer<typeof containerSummarySchema>;

const defaultAnswerLimitMinutes = 30;
/** A week. */
export const longestAnswerLimitMinutes = 10_080;

export const projectSchema = z.object({
  id: z.string(),
  ownerId: z.string(),
  name: z.string(),
  description: z.string(),
  repoUrl: z.string().nullable(),
  /** The name of its size, see `projects.quota`; `null`: the default of the installation. A size that it no longer has is the default, too. */
  size: z.string().nullable().default(null),
  /** The size of its pod, which may differ from `size` until the next restart; `null`: as `size`. The larger of both counts for a quota. */
  podSize: z.string().nullable().default(null),
  /** The size that its volume was created with, such as `10Gi`; `null`: as the installation has it. It never changes. */
  storage: z.string().nullable().default(null),
  status: projectStatusSchema,
  desiredState: desiredStateSchema,
  podName: z.string(),
  namespace: z.string(),
  phase: podPhaseSchema.nullable(),
  reason: reasonCodeSchema.nullable(),
  /** What is happening. */
  message: z.string().nullable(),
  /** What happens next by itself, or what to do. */
  nextStep: z.string().nullable(),
  /** Who must act before the project can continue. */
  actor: actorSchema,
  /** Whether a retry can help now. */
  retryable: z.boolean(),
  /** Since when the reason holds. */
  reasonSince: isoDateTimeSchema.nullable(),
  /** How far the current or last start has come; `null` while the project is stopped. */
  progress: startProgressSchema.nullable(),
  /** What Kubernetes itself says, for administrators. Empty while nothing has failed. */
  evidence: z.array(evidenceSchema),
  containers: z.array(containerSummarySchema),
  podCreatedAt: isoDateTimeSchema.nullable(),
  workspacePvcName: z.string(),
  /** The message of the last failed attempt, until a later attempt succeeds. */
  podError: z.string().nullable(),
  /** Rises with each command of the owner. */
  generation: z.int(),
  /** The newest generation that the worker has carried out at the Kubernetes API. */
  observedGeneration: z.int(),
  /** The newest version of the configuration of OpenCode; 0: none was saved. See `config.get`. */
  configVersion: z.int().nonnegative().default(0),
  /** The version that is being applied to the pod that runs; `null`: none is. */
  configApplyVersion: z.int().positive().nullable().default(null),
  /** After this time, a run that waits for an answer is overdue: pages and window titles say so. 1 to 10,080 minutes. */
  answerLimitMinutes: z.int().default(defaultAnswerLimitMinutes),
  /** How many runs wait for an answer of a person now. */
  waitingRuns: z.int().nonnegative().default(0),
  /** Since when the first of them waits; `null` when none does. By the clock of the database. */
  waitingSince: isoDateTimeSchema.nullable().default(null),
  /** When the project is stopped because nobody uses it; `default`: as the installation has it, see `projects.idleStopDefault`. */
  idleStop: z.enum(idleStops).default('default'),
  /** It is stopped after so many minutes, unless it is used; `null`: not within the next ten minutes. */
  idleStopInMinutes: z.int().nullable().default(null),
  /** It was stopped because nobody used it for so many minutes; `null` after the next command. */
  idleStoppedAfterMinutes: z.int().nullable().default(null),
  /** When it was put into the trash; `null`: it is not there. It has no pod then, and keeps its volume. */
  trashedAt: isoDateTimeSchema.nullable().default(null),
  /** After so many days in the trash it is deleted; `null`: not yet known, or never. */
  trashDaysLeft: z.int().nullable().default(null),
  /** Rises with each visible change. A client drops a project whose version is lower than the one it has. */
  statusVersion: z.int(),
  createdAt: isoDateTimeSchema,
  updatedAt: isoDateTimeSchema,
  /** An agent reviews what the agents of the project's tasks have changed, before a person does. */
  aiReview: z.boolean(),
  deletedAt: isoDateTimeSchema.nullable(),
  /** What the caller may do, see `roles.ts`. `none`, in the event `removed`: the project is not shared with the caller any more. */
  role: projectRoleSchema.default('owner'),
  /** The name of the owner when the project was shared with the caller; `null` for the owner. */
  sharedBy: z.string().nullable().default(null),
});
export type Project = z.infer<typeof projectSchema>;

/** A project for everybody who may see it, as servers and workers publish it. `projectFor` makes the project of one person of it. */
export const publishedProjectSchema = projectSchema
  .omit({ role: true, sharedBy: true })
  .extend({ members: memberMapSchema.default({}) });
export type PublishedProject = z.infer<typeof publishedProjectSchema>;

export const createProjectInputSchema = z.strictObject({
  name: projectNameSchema,
  description: projectDescriptionSchema.optional(),
  repoUrl: repoUrlSchema.nullish(),
  /** The name of a size, see `projects.quota`; without it the default. */
  size: sizeNameSchema.nullish(),
  /** Chosen by the caller. Repeating a create with the same key returns the project of the first call. */
  idempotencyKey: idempotencyKeySchema.optional(),
});
export type CreateProjectInput = z.infer<typeof createProjectInputSchema>;

export const updateProjectInputSchema = z.strictObject({
  id: projectIdSchema,
  name: projectNameSchema.optional(),
  description: projectDescriptionSchema.optional(),
  repoUrl: repoUrlSchema.nullish(),
  /** See `answerLimitMinutes` of a project. */
  answerLimitMinutes: z
    .int('Enter whole minutes.')
    .min(1, 'Enter 1 minute or more.')
    .max(longestAnswerLimitMinutes, 'Enter at most 10,080 minutes, which is a week.')
    .optional(),
  aiReview: z.boolean().optional(),
  /** The name of a size; `null` is the default. It is used from the next start, and the volume keeps its size. */
  size: sizeNameSchema.nullish(),
  /** See `idleStop` of a project. */
  idleStop: z.enum(idleStops).optional(),
});
export type UpdateProjectInput = z.infer<typeof updateProjectInputSchema>;

/** What `idleStop: 'default'` means here. */
export const idleStopDefaultSchema = z.object({ idleStop: z.enum(installationIdleStops) });
export type IdleStopDefault = z.infer<typeof idleStopDefaultSchema>;

/** What moving a project to the trash means here. */
export const trashSettingsSchema = z.object({
  /** After so many days a project in the trash is deleted. 0: there is no trash, and a deletion is final at once. */
  days: z.int().nonnegative(),
});
export type TrashSettings = z.infer<typeof trashSettingsSchema>;

export const projectIdInputSchema = z.strictObject({ id: projectIdSchema });

/** Lets the caller's browser into the project. */
export const openedProjectSchema = z.object({
  /** The address to open. It works once. */
  url: z.url(),
  /** Until when it works. */
  expiresAt: isoDateTimeSchema,
});
export type OpenedProject = z.infer<typeof openedProjectSchema>;

const projectSortSchema = z.enum(['createdAt', 'name']);
export type ProjectSort = z.infer<typeof projectSortSchema>;

export const listProjectsInputSchema = z.strictObject({
  limit: z.int().min(1, 'Ask for 1 to 100 projects.').max(100, 'Ask for 1 to 100 projects.').default(50),
  /** `nextCursor` of the previous page, with the same sort. */
  cursor: z.string().max(500, 'This is not a cursor of this list.').nullish(),
  search: z
    .string()
    .trim()
    .max(100, 'Search for at most 100 characters.')
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'Remove the control characters.') // PostgreSQL cannot store NUL
    .optional(),
  status: projectStatusSchema.optional(),
  /** Projects in the trash, instead of the others. */
  inTrash: z.boolean().default(false),
  /** `createdAt`: newest first (the default). `name`: A to Z, ignoring case. */
  sort: projectSortSchema.default('createdAt'),
});
export type ListProjectsInput = z.infer<typeof listProjectsInputSchema>;

export const projectPageSchema = z.object({ items: z.array(projectSchema), nextCursor: z.string().nullable() });
export type ProjectPage = z.infer<typeof projectPageSchema>;
