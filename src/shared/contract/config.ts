/**
 * The configuration of OpenCode in a project. It consists of a document, which is JSON in the format of OpenCode's own
 * `opencode.json`, and of rules, which is a text that every agent reads first. Each save is a version.
 *
 * Procedures: `config.get {id}`, `.save`, `.versions {id}`, `.version {id, version}`, `.restore`, `.applyNow {id}`.
 */

import { z } from 'zod';

import { isoDateTimeSchema, plainText, projectIdSchema } from './fields.ts';

/** Of document and rules together, as UTF-8. */
export const maxConfigBytes = 64 * 1024;
/** Older ones are deleted. */
export const keptConfigVersions = 100;

const tooLarge = 'Use at most 64 KiB.';

const textSchema = z
  .string({ error: 'Enter a text.' })
  .max(maxConfigBytes, tooLarge)
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'Remove the control characters.');

const noVersion = 'Enter the number of a version.';
/** As far as the database counts. */
const largestVersion = 2_147_483_647;
const versionSchema = z.int(noVersion).positive(noVersion).max(largestVersion, noVersion);
/** The version that the text began as; 0: there was none. */
const baseVersionSchema = z.int(noVersion).nonnegative(noVersion).max(largestVersion, noVersion);

export const configInputSchema = z.strictObject({ id: projectIdSchema });

export const configVersionInputSchema = z.strictObject({ id: projectIdSchema, version: versionSchema });

export const saveConfigInputSchema = z
  .strictObject({
    id: projectIdSchema,
    /** JSON without comments. */
    document: textSchema,
    rules: textSchema,
    baseVersion: baseVersionSchema,
    comment: plainText({ max: 200 }).default(''),
  })
  .refine(({ document, rules }) => new TextEncoder().encode(document + rules).length <= maxConfigBytes, {
    error: tooLarge,
    path: ['document'],
  });
export type SaveConfigInput = z.infer<typeof saveConfigInputSchema>;

export const restoreConfigInputSchema = z.strictObject({
  id: projectIdSchema,
  version: versionSchema,
  baseVersion: baseVersionSchema,
});
export type RestoreConfigInput = z.infer<typeof restoreConfigInputSchema>;

const problemSchema = z.object({
  /** Where in the document, such as `permission.bash`; empty for the document as a whole. */
  path: z.string(),
  message: z.string(),
});

export const configVersionInfoSchema = z.object({
  version: z.int().positive(),
  comment: z.string(),
  savedAt: isoDateTimeSchema,
  /** The name of the person; `null` when the person does not exist any more. */
  savedBy: z.string().nullable(),
  /** The version whose text this one repeats; `null` for a text of its own. */
  restoredFrom: z.int().positive().nullable(),
});
export type ConfigVersionInfo = z.infer<typeof configVersionInfoSchema>;

export const configVersionSchema = configVersionInfoSchema.extend({ document: z.string(), rules: z.string() });
export type ConfigVersion = z.infer<typeof configVersionSchema>;

/** The newest first. */
export const configVersionListSchema = z.object({ items: z.array(configVersionInfoSchema) });

/** What the pod of the project uses now, as the pod itself says it. */
const configInUseSchema = z.discriminatedUnion('state', [
  /** The project does not run. It starts with the newest version. */
  z.object({ state: z.literal('not-running') }),
  z.object({
    state: z.literal('running'),
    /** The version that the pod was given; 0: none. */
    version: z.int().nonnegative(),
    /** OpenCode has read it. `false`: it was given to the pod, and the pod is about to read it. */
    isRead: z.boolean(),
    /** A program in the project has changed the files of the configuration since. */
    isChanged: z.boolean(),
    /** Why OpenCode refuses its configuration, in words of OpenCode; `null` if it does not. */
    problem: z.string().nullable(),
  }),
  /** The pod does not say it. `message`: why, and what to do. */
  z.object({ state: z.literal('unknown'), message: z.string() }),
]);
export type ConfigInUse = z.infer<typeof configInUseSchema>;

export const configSchema = z.object({
  /** The newest version; 0: none was saved. */
  version: z.int().nonnegative(),
  document: z.string(),
  rules: z.string(),
  /** Fields without effect, secrets, and values that may fail later. */
  warnings: z.array(problemSchema),
  inUse: configInUseSchema,
  /** The version that is being applied to the pod that runs; `null`: none is. */
  applyVersion: z.int().positive().nullable(),
  /** What ends when a version is applied now: the runs that the agent works on, and other sessions that are busy in OpenCode. */
  interrupts: z.object({
    runs: z.array(z.object({ id: z.string(), taskTitle: z.string() })),
    /** Busy sessions that belong to no run; `null`: OpenCode does not say it. */
    busySessions: z.int().nonnegative().nullable(),
  }),
});
export type Config = z.infer<typeof configSchema>;

export const savedConfigSchema = z.object({ version: z.int().nonnegative(), warnings: z.array(problemSchema) });
export type SavedConfig = z.infer<typeof savedConfigSchema>;

export const applyingConfigSchema = z.object({ applyVersion: z.int().positive() });
export type ApplyingConfig = z.infer<typeof applyingConfigSchema>;
