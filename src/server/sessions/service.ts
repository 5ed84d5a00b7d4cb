/**
 * The caller's own browser sessions: list and end them. A token may list them, but not end them. Otherwise a thief could
 * keep signing the owner out, and so prevent the owner from revoking the stolen token.
 */

import { AppError } from '../../shared/contract/errors.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { listSessions, revokeOwnSession, revokeSessionsOf } from '../../shared/node/db/sessions-repository.ts';
import type { SessionCaller, SessionService } from '../services.ts';
import { deviceName } from './device-name.ts';

export function createSessionService({
  db,
  onRevoked,
}: {
  db: Database;
  /** Closes the sockets of this session on this server. */
  onRevoked: (sessionId: string) => void;
}): SessionService {
  async function revokeAllBut(caller: SessionCaller, exceptId: string | null) {
    const ids = await revokeSessionsOf(db, { userId: caller.user.id, exceptId });
    for (const id of ids) onRevoked(id);
    return { ids };
  }

  return {
    async list(caller) {
      const sessions = await listSessions(db, caller.user.id);
      return sessions.map(({ userAgent, ...session }) => ({
        ...session,
        device: deviceName(userAgent),
        isCurrent: caller.credential?.kind === 'session' && caller.credential.id === session.id,
      }));
    },
    async revoke(caller, id) {
      requireSession(caller);
      if (!(await revokeOwnSession(db, { id, userId: caller.user.id }))) {
        throw new AppError('NOT_FOUND', 'You have no session with this id. It may have ended.');
      }
      onRevoked(id);
      return { ids: [id] };
    },
    revokeOthers: async (caller) => revokeAllBut(caller, requireSession(caller)),
    async revokeAll(caller) {
      requireSession(caller);
      return revokeAllBut(caller, null);
    },
  };
}

/** The id of the session that the caller is signed in with. */
function requireSession({ credential }: SessionCaller): string {
  if (credential?.kind === 'session') return credential.id;
  throw new AppError('FORBIDDEN', 'A token cannot end sessions. Sign in with a browser and end them there.');
}
