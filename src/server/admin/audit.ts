/** Records who has called what in the audit log. Texts that people write, keys and answers are not recorded. */

import { appendAuditEntry } from '../../shared/node/db/audit-repository.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { createLimitedWarn } from '../../shared/node/log-limit.ts';
import type { Log } from '../../shared/node/log.ts';
import type { AuditService } from '../services.ts';

/** The fields of inputs that say what was acted on. All others stay out of the log. */
const recordedFields = new Set(
  `id projectId taskId runId userId provider size role email idleStop version path from to alsoTokens isDraining state`.split(
    ' ',
  ),
);
const longestText = 200;

export function createAudit({ db, log }: { db: Database; log: Log }): AuditService {
  const warn = createLimitedWarn(log);
  return {
    async record({ user, requestId, credential }, { action, outcome, input, result }) {
      const entry = {
        actorId: user.id,
        via: credential?.kind ?? 'session',
        action,
        outcome,
        details: { ...idOf(result), ...detailsOf(input) },
        requestId,
      };
      try {
        await appendAuditEntry(db, entry);
      } catch (error) {
        // What was done is done, so the call must not fail. The line of the log takes the place of the entry.
        warn('audit', { ...entry, error: String(error) }, 'an entry of the audit log could not be written');
      }
    },
  };
}

function detailsOf(input: unknown): Record<string, string> {
  if (typeof input !== 'object' || input === null) return {};
  return Object.fromEntries(
    Object.entries(input).flatMap(([field, value]) => {
      const isShort = ['string', 'number', 'boolean'].includes(typeof value);
      return recordedFields.has(field) && isShort ? [[field, storable(String(value))]] : [];
    }),
  );
}

/** The id of what was created. */
function idOf(result: unknown): Record<string, string> {
  const id = typeof result === 'object' && result !== null && 'id' in result ? result.id : null;
  return typeof id === 'string' ? { id } : {};
}

/** PostgreSQL cannot store a zero character or half of a character. */
const storable = (text: string): string => text.slice(0, longestText).replaceAll(/[\p{Cc}\p{Cs}]/gu, '\uFFFD');
