/** The people with whom a project is shared, and the inputs of the procedures about them. */

import { z } from 'zod';

import { isoDateTimeSchema, projectIdSchema } from './fields.ts';
import { memberRoles, projectRoles } from './roles.ts';

const memberRoleSchema = z.enum(memberRoles);
const userIdSchema = z.uuid('This is not the id of a person: it should look like a UUID.');

/** As many people as one project can be shared with. */
export const maxMembers = 50;

const emailSchema = z
  .string()
  .trim()
  .min(1, 'Enter an e-mail address.')
  .max(320, 'Use at most 320 characters.')
  .regex(/^[^\s@]+@[^\s@]+$/, 'Enter an e-mail address, such as ada@example.com.')
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'Remove the control characters.'); // PostgreSQL cannot read NUL

const personSchema = z.object({
  userId: z.string(),
  name: z.string(),
  /** Only the owner of the project is given the addresses of others. */
  email: z.string().nullable(),
});

export const projectMembersSchema = z.object({
  owner: personSchema,
  /** In the order in which they were added. */
  members: z.array(personSchema.extend({ role: memberRoleSchema, since: isoDateTimeSchema })),
});
export type ProjectMembers = z.infer<typeof projectMembersSchema>;
export type ProjectMember = ProjectMembers['members'][number];

export const listMembersInputSchema = z.strictObject({ id: projectIdSchema });

export const addMemberInputSchema = z.strictObject({ id: projectIdSchema, email: emailSchema, role: memberRoleSchema });
export type AddMemberInput = z.infer<typeof addMemberInputSchema>;

export const setMemberRoleInputSchema = z.strictObject({
  id: projectIdSchema,
  userId: userIdSchema,
  role: memberRoleSchema,
});
export type SetMemberRoleInput = z.infer<typeof setMemberRoleInputSchema>;

export const removeMemberInputSchema = z.strictObject({ id: projectIdSchema, userId: userIdSchema });
export type RemoveMemberInput = z.infer<typeof removeMemberInputSchema>;

export const leftProjectSchema = z.object({ id: z.string() });

/**
 * What the row of a project says of each person: by user id. `role: null`: the person was removed a short time ago, and open pages
 * have to learn it.
 */
export const memberMapSchema = z.record(
  z.string(),
  z.object({
    role: memberRoleSchema.nullable(),
    /** The name of the owner when the project was shared. */
    sharedBy: z.string(),
  }),
);
export type MemberMap = z.infer<typeof memberMapSchema>;

export const projectRoleSchema = z.enum(projectRoles);
