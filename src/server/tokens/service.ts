/** The caller's own personal access tokens: create, list and revoke them. */

import { AppError } from '../../shared/contract/errors.ts';
import {
  insertAccessToken,
  listAccessTokens,
  revokeAccessToken,
} from '../../shared/node/db/access-tokens-repository.ts';
import type { Database } from '../../shared/node/db/database.ts';
import type { TokenService } from '../services.ts';

export function createTokenService({
  db,
  onRevoked,
}: {
  db: Database;
  /** Closes the sockets of this token on this server. */
  onRevoked: (tokenId: string) => void;
}): TokenService {
  return {
    create: (caller, input) => insertAccessToken(db, { userId: caller.user.id, ...input }),
    list: (caller) => listAccessTokens(db, caller.user.id),
    async revoke(caller, id) {
      const token = await revokeAccessToken(db, { id, userId: caller.user.id });
      if (!token) throw new AppError('NOT_FOUND', 'You have no access token with this id. It may have been removed.');
      onRevoked(token.id);
      return token;
    },
  };
}
