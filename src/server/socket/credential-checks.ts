/** Checks of the credentials below open sockets against the database: another server may have revoked them. */

import { listLiveAccessTokenIds } from '../../shared/node/db/access-tokens-repository.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { listLiveSessionIds, recordSessionUse } from '../../shared/node/db/sessions-repository.ts';
import type { SocketServer } from './socket-server.ts';

interface Deps {
  db: Database;
  sockets: Pick<SocketServer, 'openCredentials' | 'closeCredential'>;
}

const listLiveIds = { session: listLiveSessionIds, token: listLiveAccessTokenIds } as const;

/** Closes the sockets whose session or token was revoked or has expired: one query per kind, however many sockets. */
export async function closeRevokedSockets({ db, sockets }: Deps): Promise<void> {
  for (const kind of ['session', 'token'] as const) {
    const ids = openIds(sockets, kind);
    if (ids.length === 0) continue;
    const live = new Set(await listLiveIds[kind](db, ids));
    for (const id of ids) if (!live.has(id)) sockets.closeCredential({ kind, id });
  }
}

/** Records that the sessions of open sockets are in use, although their pages make no calls. */
export async function recordOpenSessions({ db, sockets }: Deps): Promise<void> {
  const ids = openIds(sockets, 'session');
  if (ids.length > 0) await recordSessionUse(db, ids);
}

function openIds(sockets: Deps['sockets'], kind: 'session' | 'token'): string[] {
  return [
    ...new Set(
      sockets
        .openCredentials()
        .filter((credential) => credential.kind === kind)
        .map(({ id }) => id),
    ),
  ];
}
