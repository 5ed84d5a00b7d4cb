/** What administrators see and do: people, all projects, usage, the audit log, and the state of the installation. */

import { z } from 'zod';

import { isoDateTimeSchema } from './fields.ts';
import { tokenCountsSchema } from './models.ts';
import { projectStatusSchema } from './states.ts';

const searchSchema = z
  .string()
  .trim()
  .max(200, 'Search for at most 200 characters.')
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'Remove the control characters.')
  .default('');
/** From the page before; `null`: the first page. */
const cursorSchema = z.string().max(2_000).nullable().default(null);

const pageInputSchema = z.strictObject({ search: searchSchema, cursor: cursorSchema });

export const listPeopleInputSchema = pageInputSchema.prefault({});
export type ListPeopleInput = z.infer<typeof listPeopleInputSchema>;

export const personSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  isAdministrator: z.boolean(),
  lastSignInAt: isoDateTimeSchema,
  /** Projects that are not deleted. */
  projects: z.number().int(),
  /** Of these, the ones that run or are to run. */
  runningProjects: z.number().int(),
  sessions: z.number().int(),
  accessTokens: z.number().int(),
});
export type Person = z.infer<typeof personSchema>;
export const peoplePageSchema = z.object({ items: z.array(personSchema), nextCursor: z.string().nullable() });
export type PeoplePage = z.infer<typeof peoplePageSchema>;

export const endSessionsInputSchema = z.strictObject({
  id: z.uuid('This is not the id of a person: it should look like a UUID.'),
  /** Whether the personal access tokens are revoked too. */
  alsoTokens: z.boolean().default(false),
});
export type EndSessionsInput = z.infer<typeof endSessionsInputSchema>;
export const endedSessionsSchema = z.object({ sessions: z.number().int(), accessTokens: z.number().int() });
export type EndedSessions = z.infer<typeof endedSessionsSchema>;

export const listAllProjectsInputSchema = pageInputSchema
  .extend({
    /** The state of the projects; `null`: any. */
    status: projectStatusSchema.nullable().default(null),
  })
  .prefault({});
export type ListAllProjectsInput = z.infer<typeof listAllProjectsInputSchema>;

export const adminProjectSchema = z.object({
  id: z.string(),
  name: z.string(),
  ownerName: z.string(),
  ownerEmail: z.string().nullable(),
  status: projectStatusSchema,
  desiredState: z.string(),
  size: z.string().nullable(),
  createdAt: isoDateTimeSchema,
  podName: z.string(),
});
export type AdminProject = z.infer<typeof adminProjectSchema>;
export const adminProjectPageSchema = z.object({
  items: z.array(adminProjectSchema),
  nextCursor: z.string().nullable(),
});
export type AdminProjectPage = z.infer<typeof adminProjectPageSchema>;

export const adminUsageInputSchema = z
  .strictObject({
    /** The last days, today (UTC) included. */
    days: z.number().int().min(1, 'Use 1 to 90 days.').max(90, 'Use 1 to 90 days.').default(30),
  })
  .prefault({});
export const adminUsageSchema = z.object({
  /** How many projects are in each state. Deleted ones are not counted. */
  projects: z.array(z.object({ status: projectStatusSchema, count: z.number().int() })),
  people: z.number().int(),
  total: tokenCountsSchema,
  /** The largest first, at most 50. */
  byPerson: z.array(tokenCountsSchema.extend({ userId: z.string(), name: z.string(), email: z.string().nullable() })),
});
export type AdminUsage = z.infer<typeof adminUsageSchema>;

export const listAuditInputSchema = pageInputSchema
  .extend({
    /** Entries before this time; `null`: until now. */
    before: isoDateTimeSchema.nullable().default(null),
    limit: z.number().int().min(1).max(500, 'Ask for at most 500 entries at once.').default(100),
  })
  .prefault({});
export type ListAuditInput = z.infer<typeof listAuditInputSchema>;

export const auditEntrySchema = z.object({
  id: z.string(),
  at: isoDateTimeSchema,
  /** `null`: the person was removed. */
  actorId: z.string().nullable(),
  /** The name and the address of the person at that time. */
  actor: z.string(),
  via: z.enum(['session', 'token', 'issuer-token']),
  /** The name of the procedure, such as `projects.delete`, or `auth.sign-in`. */
  action: z.string(),
  /** `done`, or the code of the error. */
  outcome: z.string(),
  /** What was acted on, such as the id of a project. */
  details: z.record(z.string(), z.string()),
  requestId: z.string(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;
export const auditPageSchema = z.object({ items: z.array(auditEntrySchema), nextCursor: z.string().nullable() });
export type AuditPage = z.infer<typeof auditPageSchema>;

/** What administrators tell everybody. */
export const noticeSchema = z.object({
  /** A sentence for everybody; `null`: none. */
  announcement: z.string().nullable(),
  /** No project can be started or created now. */
  isDraining: z.boolean(),
});
export type Notice = z.infer<typeof noticeSchema>;

export const setNoticeInputSchema = z.strictObject({
  announcement: z
    .string()
    .trim()
    .max(500, 'Use at most 500 characters.')
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'Remove line breaks and control characters.')
    .nullable()
    .transform((text) => (text === '' ? null : text)),
  isDraining: z.boolean(),
});
export type SetNoticeInput = z.input<typeof setNoticeInputSchema>;
