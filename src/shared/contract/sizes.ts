/** Sizes of projects, and what their owner can start now. */

import { z } from 'zod';

/** As the administrator has named it, such as "M". */
export const sizeNamePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,19}$/;
const unknownSize = 'Choose one of the sizes that `projects.quota` lists.';
export const sizeNameSchema = z.string({ error: unknownSize }).regex(sizeNamePattern, unknownSize);

/** Whether one more project may run, or be created. */
const allowanceSchema = z.object({
  /** How many more; `null`: there is no limit. */
  more: z.int().nonnegative().nullable(),
  /** Why not even one, and what to stop. It is what the command would answer. */
  refusal: z.string().nullable(),
});
export type Allowance = z.infer<typeof allowanceSchema>;

/** For a project of one size. */
const startAllowancesSchema = z.object({
  /** For a project that exists. */
  start: allowanceSchema,
  /** For a new project, which starts at once. */
  create: allowanceSchema,
});

const sizeOfferSchema = startAllowancesSchema.extend({
  name: z.string(),
  label: z.string(),
  /** The limits of OpenCode: cores, and bytes. */
  cpu: z.number(),
  memory: z.number(),
  /** The size of the volume, in bytes. */
  storage: z.number(),
  /** What a project without a choice has. */
  isDefault: z.boolean(),
});
export type SizeOffer = z.infer<typeof sizeOfferSchema>;

const amountSchema = z.object({
  used: z.number(),
  /** `null`: there is no limit. */
  limit: z.number().nullable(),
});

export const projectQuotaSchema = z.object({
  /** Of the projects that run: how many, their cores, and their memory in bytes. */
  running: z.object({ projects: amountSchema, cpu: amountSchema, memory: amountSchema }),
  /** Of all projects, in bytes. */
  storage: amountSchema,
  /** Empty: all projects of this installation have the same size. */
  sizes: z.array(sizeOfferSchema),
  /** For a project of the default size. */
  default: startAllowancesSchema,
});
export type ProjectQuota = z.infer<typeof projectQuotaSchema>;
