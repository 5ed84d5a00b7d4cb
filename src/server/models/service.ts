/**
 * The caller's own model keys and usage. A key is encrypted at once; from then on the server gives out only its last four characters,
 * and only the gateway decrypts it.
 */

import { AppError } from '../../shared/contract/errors.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { deleteModelKey, listModelKeys, storeModelKey } from '../../shared/node/db/model-keys-repository.ts';
import { readModelUsage, readTokensToday } from '../../shared/node/db/model-usage-repository.ts';
import type { KeyEncryption } from '../../shared/node/models/key-encryption.ts';
import { readModelCatalogue } from '../../shared/node/models/model-catalogue.ts';
import type { ModelService } from '../services.ts';

const noEncryption =
  'This installation stores no keys of people, because KEY_ENCRYPTION_SECRET is not set. An administrator can set it.';

/** @param deps.encryption `null`: nobody can store a key */
export function createModelService({
  db,
  encryption,
}: {
  db: Database;
  encryption: KeyEncryption | null;
}): ModelService {
  return {
    async providers({ user }) {
      const [catalogue, keys, tokensToday] = await Promise.all([
        readModelCatalogue(db),
        listModelKeys(db, user.id),
        readTokensToday(db, user.id),
      ]);
      const own = new Map(keys.map((key) => [key.provider, key]));
      return {
        ownKeysProblem: encryption === null ? noEncryption : null,
        tokensPerDay: catalogue?.tokensPerDay ?? null,
        tokensToday,
        providers: (catalogue?.providers ?? []).map((provider) => {
          const key = own.get(provider.id);
          if (key === undefined) return { ...provider, ownKey: null };
          const { lastFour, createdAt, encrypted } = key;
          const isReadable = encryption?.isReadable(encrypted) ?? false;
          return { ...provider, ownKey: { lastFour, createdAt: createdAt.toISOString(), isReadable } };
        }),
      };
    },
    async setKey({ user }, { provider, key }) {
      const catalogue = await readModelCatalogue(db);
      if (encryption === null) throw new AppError('ILLEGAL_STATE', noEncryption);
      if (!catalogue?.providers.some(({ id }) => id === provider)) {
        throw new AppError(
          'NOT_FOUND',
          'This installation has no such model provider. Reload the page to see those that it has.',
        );
      }
      const encrypted = await encryption.encrypt(key, { userId: user.id, provider });
      await storeModelKey(db, { userId: user.id, provider, encrypted, lastFour: key.slice(-4) });
      return { provider };
    },
    async deleteKey({ user }, provider) {
      await deleteModelKey(db, { userId: user.id, provider });
      return { provider };
    },
    usage: ({ user }, days) => readModelUsage(db, { userId: user.id, days }),
  };
}
