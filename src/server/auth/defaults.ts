/** What a person has chosen for new projects. */

import type { Database } from '../../shared/node/db/database.ts';
import { changeProjectDefaults, readProjectDefaults } from '../../shared/node/db/users-repository.ts';
import { requireSize, type SizeRules } from '../../shared/node/sizes/size-rules.ts';
import type { DefaultsService } from '../services.ts';

export function createDefaultsService({ db, sizeRules }: { db: Database; sizeRules: SizeRules }): DefaultsService {
  return {
    get: ({ user }) => readProjectDefaults(db, user.id),
    async set({ user }, change) {
      requireSize(sizeRules, change.size);
      await changeProjectDefaults(db, user.id, change);
      return await readProjectDefaults(db, user.id);
    },
  };
}
