/** What administrators may do. Each function begins with the check that the caller is one. */

import type { Clock } from '../../shared/clock.ts';
import { AppError } from '../../shared/contract/errors.ts';
import type { Announcer } from '../../shared/node/announcer.ts';
import { commandProject } from '../../shared/node/command-project.ts';
import { revokeAccessTokensOf } from '../../shared/node/db/access-tokens-repository.ts';
import { listAuditEntries } from '../../shared/node/db/audit-repository.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { deleteDeviceLoginsOf } from '../../shared/node/db/device-logins-repository.ts';
import { readUsageByPerson } from '../../shared/node/db/model-usage-repository.ts';
import { readNotice, writeNotice } from '../../shared/node/db/notice-repository.ts';
import {
  countEverything,
  forgetAdminGroup,
  listAllProjects,
  listPeople,
  readAdministratorFacts,
} from '../../shared/node/db/people-repository.ts';
import type { RestoredData } from '../../shared/node/db/restored-data.ts';
import { revokeSessionsOf } from '../../shared/node/db/sessions-repository.ts';
import { noSizeRules } from '../../shared/node/sizes/size-rules.ts';
import type { Credential } from '../auth/identity.ts';
import type { AdminService, Caller } from '../services.ts';
import { isAdministrator, type AdministratorSettings } from './administrators.ts';
import { decodePersonCursor, encodePersonCursor, numberCursor } from './cursors.ts';

const pageSize = 50;

interface AdminServiceDeps {
  db: Database;
  restoredData: Pick<RestoredData, 'check'>;
  announcer: Announcer;
  administrators: AdministratorSettings;
  /** Closes the sockets of these credentials on this server. */
  onRevoked: (credential: Pick<Credential, 'kind' | 'id'>) => void;
  clock: Clock;
}

export function createAdminService(deps: AdminServiceDeps): AdminService {
  const { db, administrators } = deps;

  async function isAdmin({ user }: Caller): Promise<boolean> {
    const facts = await readAdministratorFacts(db, user.id);
    return facts !== null && isAdministrator(facts, administrators);
  }

  async function requireAdmin(caller: Caller): Promise<void> {
    if (await isAdmin(caller)) return;
    throw new AppError('FORBIDDEN', 'Only an administrator can do this. Ask one of them.');
  }

  return {
    isAdministrator: isAdmin,
    notice: () => readNotice(db),

    async people(caller, { search, cursor }) {
      await requireAdmin(caller);
      const after = cursor === null ? null : decodePersonCursor(cursor);
      const rows = await listPeople(db, { search, after, limit: pageSize + 1 });
      const items = rows.slice(0, pageSize).map(({ emailVerified, adminGroup, ...person }) => ({
        ...person,
        isAdministrator: isAdministrator({ email: person.email, emailVerified, adminGroup }, administrators),
      }));
      const last = items.at(-1);
      return { items, nextCursor: rows.length > pageSize && last ? encodePersonCursor(last) : null };
    },

    async endSessions(caller, { id, alsoTokens }) {
      await requireAdmin(caller);
      if (!(await readAdministratorFacts(db, id))) {
        throw new AppError('NOT_FOUND', 'There is no person with this id. They may have been removed.');
      }
      await forgetAdminGroup(db, id);
      const sessions = await revokeSessionsOf(db, { userId: id, exceptId: null });
      // A computer whose login is confirmed would get a token later.
      if (alsoTokens) await deleteDeviceLoginsOf(db, id);
      const tokens = alsoTokens ? await revokeAccessTokensOf(db, id) : [];
      for (const session of sessions) deps.onRevoked({ kind: 'session', id: session });
      for (const token of tokens) deps.onRevoked({ kind: 'token', id: token });
      return { sessions: sessions.length, accessTokens: tokens.length };
    },

    async projects(caller, { search, status, cursor }) {
      await requireAdmin(caller);
      const before = cursor === null ? null : numberCursor(cursor);
      const rows = await listAllProjects(db, { search, status, before, limit: pageSize + 1 });
      const items = rows.slice(0, pageSize);
      return {
        items,
        nextCursor: rows.length > pageSize ? (items.at(-1)?.seq ?? null) : null,
      };
    },

    async stopProject(caller, id) {
      await requireAdmin(caller);
      const by = { message: `${caller.user.name}, an administrator, stopped the project.` };
      const record = await commandProject(
        { ...deps, sizeRules: noSizeRules },
        { id, command: 'stop', requestId: caller.requestId, by },
      );
      if (!record) throw new AppError('NOT_FOUND', 'There is no project with this id. It may have been deleted.');
      return { id };
    },

    async usage(caller, days) {
      await requireAdmin(caller);
      return { ...(await countEverything(db)), ...(await readUsageByPerson(db, days)) };
    },

    async audit(caller, { search, before, cursor, limit }) {
      await requireAdmin(caller);
      return await listAuditEntries(db, {
        search,
        before,
        cursor: cursor === null ? null : numberCursor(cursor),
        limit,
      });
    },

    async setNotice(caller, notice) {
      await requireAdmin(caller);
      await writeNotice(db, notice);
      return await readNotice(db);
    },
  };
}
