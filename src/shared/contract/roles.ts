/**
 * What each role in a project may do: the one table that server, gateway, pages and documentation read. The owner is who created
 * the project. Editors and viewers are the people with whom the owner shares it. This file must not use zod at run time: the client
 * reads it on every page.
 */

export const memberRoles = ['viewer', 'editor'] as const;
/** A role that the owner can give. */
export type MemberRole = (typeof memberRoles)[number];

export const projectRoles = ['owner', 'editor', 'viewer', 'none'] as const;
/** The role of a person in a project; `none` for everybody with whom it is not shared. */
export type ProjectRole = (typeof projectRoles)[number];

export const rights = [
  'read',
  'logs',
  'files.read',
  'tasks.read',
  'leave',
  'open',
  'command',
  'edit',
  'files.write',
  'tasks.write',
  'size',
  'share',
  'delete',
] as const;
export type Right = (typeof rights)[number];

/** Who has each right, and what it is in words that continue "may" or "may not". */
export const rightTable = {
  read: { roles: ['owner', 'editor', 'viewer'], words: 'see the project, its state, its activity and its members' },
  logs: { roles: ['owner', 'editor', 'viewer'], words: 'read its logs' },
  'files.read': { roles: ['owner', 'editor', 'viewer'], words: 'read and download its files' },
  'tasks.read': { roles: ['owner', 'editor', 'viewer'], words: 'read its tasks, runs and changes' },
  leave: { roles: ['editor', 'viewer'], words: 'leave the project' },
  // OpenCode runs any program, so whoever opens it can do everything that the pod can do.
  open: { roles: ['owner', 'editor'], words: 'open OpenCode, which includes a terminal' },
  command: { roles: ['owner', 'editor'], words: 'start, stop, restart and retry it' },
  // The configuration may contain secrets of the tools that OpenCode uses, so reading it needs the same right.
  edit: { roles: ['owner', 'editor'], words: 'change its name, description, settings and configuration' },
  'files.write': { roles: ['owner', 'editor'], words: 'change its files' },
  'tasks.write': { roles: ['owner', 'editor'], words: 'create, run, answer and review its tasks' },
  size: { roles: ['owner'], words: 'change its size' },
  share: { roles: ['owner'], words: 'share it and change roles' },
  delete: { roles: ['owner'], words: 'move it to the trash, restore it and delete it' },
} as const satisfies Record<Right, { roles: readonly Exclude<ProjectRole, 'none'>[]; words: string }>;

export function roleMay(role: ProjectRole, right: Right): boolean {
  const { roles }: { roles: readonly ProjectRole[] } = rightTable[right];
  return roles.includes(role);
}

/** The roles that have a right. */
export function rolesWith(right: Right): ProjectRole[] {
  return projectRoles.filter((role) => roleMay(role, right));
}

const roleNames = {
  owner: 'the owner',
  editor: 'an editor',
  viewer: 'a viewer',
  none: 'somebody without access',
} satisfies Record<ProjectRole, string>;

/** Why a role may not do something, and who may; `null` if it may. */
export function roleRefusal(role: ProjectRole, right: Right): string | null {
  if (roleMay(role, right)) return null;
  const able = rolesWith(right).map((one) => roleNames[one]);
  const next = role === 'owner' ? '' : ' Ask the owner.';
  return `You are ${roleNames[role]} of this project. Only ${able.join(' or ')} may ${rightTable[right].words}.${next}`;
}
