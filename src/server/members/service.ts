/**
 * Sharing: the owner of a project gives roles to people who have signed in before, and members can leave. An owner names a person by
 * the e-mail address that the issuer has confirmed (docs/decisions/0047-sharing.md).
 */

import { AppError } from '../../shared/contract/errors.ts';
import type { ProjectMembers } from '../../shared/contract/members.ts';
import type { Announcer } from '../../shared/node/announcer.ts';
import type { Database } from '../../shared/node/db/database.ts';
import type { NewProjectEvent } from '../../shared/node/db/project-events-repository.ts';
import { changeMember, listMembers } from '../../shared/node/db/project-members-repository.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import { findPermittedProject } from '../../shared/node/db/projects-repository.ts';
import { findUsersByEmail } from '../../shared/node/db/users-repository.ts';
import type { StatusPublisher } from '../../shared/node/status-stream.ts';
import { projectNotFound } from '../projects/service.ts';
import type { MemberService, ProjectCaller } from '../services.ts';

interface MemberServiceDeps {
  db: Database;
  announcer: Announcer;
  publisher: StatusPublisher;
  /** The issuer under which its people are stored. */
  identityIssuer: string;
}

export function createMemberService(deps: MemberServiceDeps): MemberService {
  const { db, announcer, publisher, identityIssuer } = deps;

  async function find(caller: ProjectCaller, id: string): Promise<ProjectRecord> {
    const record = await findPermittedProject(db, keyOf(caller, id));
    if (!record) throw projectNotFound();
    return record;
  }

  async function read(caller: ProjectCaller, project: ProjectRecord): Promise<ProjectMembers> {
    const { owner, members } = await listMembers(db, project);
    if (caller.user.id === project.ownerId) return { owner, members };
    return { owner: withoutEmail(owner), members: members.map(withoutEmail) };
  }

  async function change(
    caller: ProjectCaller,
    id: string,
    member: Omit<Parameters<typeof changeMember>[2], 'event'> & Pick<NewProjectEvent, 'kind' | 'message'>,
  ): Promise<ProjectRecord> {
    const { kind, message, ...rest } = member;
    const event = { kind, message, actorId: caller.user.id };
    const result = await changeMember(db, keyOf(caller, id), { ...rest, event });
    if (!result) throw projectNotFound();
    if (result.changed) {
      const { requestId } = caller;
      await Promise.all([
        announcer.announce(result.record, { requestId, needsJob: false }),
        // Whoever shows the tasks of the project is checked now.
        publisher.publish({ type: 'tasks', projectId: id }),
      ]);
    }
    return result.record;
  }

  async function nameOf(project: ProjectRecord, userId: string): Promise<string> {
    const { members } = await listMembers(db, project);
    return members.find((member) => member.userId === userId)?.name ?? 'somebody';
  }

  return {
    list: async (caller, id) => await read(caller, await find(caller, id)),

    async add(caller, { id, email, role }) {
      await find(caller, id);
      const [person, another] = await findUsersByEmail(db, { issuer: identityIssuer, email });
      if (!person) throw unknownAddress();
      if (another) throw ambiguousAddress();
      if (person.id === caller.user.id)
        throw wrongAddress('You own this project already. Enter the address of somebody else.');
      const message = `Shared the project with ${person.name} as ${role}.`;
      return await read(caller, await change(caller, id, { userId: person.id, role, kind: 'shared', message }));
    },

    async setRole(caller, { id, userId, role }) {
      const name = await nameOf(await find(caller, id), userId);
      const message = `Made ${name} ${role} of the project.`;
      const member = { userId, role, mustBeMember: true, kind: 'shared', message } as const;
      return await read(caller, await change(caller, id, member));
    },

    async remove(caller, { id, userId }) {
      const name = await nameOf(await find(caller, id), userId);
      const message = `Ended sharing the project with ${name}.`;
      return await read(caller, await change(caller, id, { userId, role: null, kind: 'unshared', message }));
    },

    async leave(caller, id) {
      await find(caller, id);
      await change(caller, id, { userId: caller.user.id, role: null, kind: 'unshared', message: 'Left the project.' });
      return { id };
    },
  };
}

const keyOf = ({ user, right }: ProjectCaller, id: string) => ({ id, userId: user.id, right });

const withoutEmail = <T extends { email: string | null }>(person: T): T => ({ ...person, email: null });

function wrongAddress(message: string): AppError {
  return new AppError('VALIDATION_FAILED', message, { fields: { email: message } });
}

function unknownAddress(): AppError {
  return wrongAddress(
    'Nobody with this confirmed address has signed in here. Ask the person to sign in once, or to have the address confirmed at the sign-in service.',
  );
}

function ambiguousAddress(): AppError {
  return wrongAddress(
    'Several accounts have this address, so it does not say whom you mean. Ask an administrator of the sign-in service.',
  );
}
