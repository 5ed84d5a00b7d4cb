/** How long starts usually take: the same for everybody, so it is read once in a while for all who ask. */

import type { UsualStart } from '../../shared/contract/diagnosis.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { readUsualStart } from '../../shared/node/db/project-starts-repository.ts';

const validMs = 10_000;

/** @param deps.now milliseconds from any origin */
export function createUsualStart(deps: { db: Database; now: () => number }): () => Promise<UsualStart> {
  let last: { answer: Promise<UsualStart>; until: number } | null = null;
  return () => {
    if (last && deps.now() < last.until) return last.answer;
    const answer = readUsualStart(deps.db);
    const current = { answer, until: deps.now() + validMs };
    last = current;
    // A database that did not answer is asked again by the next one.
    answer.catch(() => {
      if (last === current) last = null;
    });
    return answer;
  };
}
