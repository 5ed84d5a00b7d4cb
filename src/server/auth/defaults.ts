/** What a person has chosen for new projects. */

import type { Database } from '../../shared/node/db/database.ts';
import { readProjectDefaults, writeProjectDefaults } from '../../shared/node/db/users-repository.ts';
import { requireSize, type SizeRules } from '../../shared/node/sizes/size-rules.ts';
import type { DefaultsService } from '../services.ts';

export function createDefaultsService({ db, sizeRules }: { db: Database; sizeRules: SizeRules }): DefaultsService {
  return {
    get: ({ user }) => readProjectDefaults(db, user.id),
    async set({ user }, defaults) {
      requireSize(sizeRules, defaults.size);
      await writeProjectDefaults(db, user.id, defaults);
      return defaults;
    },
  };
}
