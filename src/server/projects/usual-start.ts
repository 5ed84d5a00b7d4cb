/** How long starts usually take. The answer is the same for all callers, so it is read once every few seconds. */

import type { Clock } from '../../shared/clock.ts';
import type { UsualStart } from '../../shared/contract/diagnosis.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { readUsualStart } from '../../shared/node/db/project-starts-repository.ts';

const validMs = 10_000;

export function createUsualStart({ db, clock }: { db: Database; clock: Clock }): () => Promise<UsualStart> {
  let cached: { answer: Promise<UsualStart>; untilMs: number } | null = null;
  return () => {
    if (cached && clock.monotonic() < cached.untilMs) return cached.answer;
    const current = { answer: readUsualStart(db), untilMs: clock.monotonic() + validMs };
    cached = current;
    // After a failure the next caller reads again.
    current.answer.catch(() => {
      if (cached === current) cached = null;
    });
    return current.answer;
  };
}
