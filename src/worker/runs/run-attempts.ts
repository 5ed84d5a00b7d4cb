/**
 * Lets one worker begin and end its attempts to follow runs, so that a run that ends its worker each time is given up after a few
 * attempts. The first deaths prove nothing, because a worker follows many runs at the same time. So a run whose last runners did
 * not finish is tried alone: the worker begins one such run at a time, until it has lasted for a while.
 */

import type { Database } from '../../shared/node/db/database.ts';
import { beginRunAttempt, endRunAttempt } from '../../shared/node/db/run-attempts-repository.ts';
import type { RunRecord } from '../../shared/node/db/run-record.ts';
import type { Log } from '../../shared/node/log.ts';
import { pause } from '../../shared/node/periodic.ts';
import { createAttemptEnds, type EndedAttempt } from '../attempt-ends.ts';

/** So many runners in a row may end with the death of their worker. */
export const mostUnfinished = 4;
const mostUnfinishedTogether = 1;
/** A run that has been followed for this time does not end its worker. */
const trialMs = 5_000;

export type BegunRun =
  | {
      kind: 'begun' | 'exhausted';
      run: RunRecord;
      /** Call it when the run is not followed any more, for whatever reason. Never rejects. */
      end(): Promise<void>;
    }
  /** Earlier runners did not finish, and this worker tries such a run already. */
  | { kind: 'wait' }
  /** There is no such run, or it has ended. */
  | { kind: 'missing' };

export interface RunAttempts {
  /** `exhausted`: too many runners in a row did not finish. */
  begin(runId: string): Promise<BegunRun>;
}

export function createRunAttempts({ db, log }: { db: Database; log: Log }): RunAttempts {
  /** The run that this worker tries alone. */
  let isolated: string | null = null;
  const recordEnd = (ended: EndedAttempt) => endRunAttempt(db, ended);
  const ends = createAttemptEnds({ now: recordEnd, late: recordEnd });

  function begun(run: RunRecord): BegunRun {
    const over = new AbortController();
    let isCounted = true;
    async function finishAfterTrial(): Promise<void> {
      await pause(trialMs, over.signal);
      if (!over.signal.aborted) await finish();
    }
    async function finish(): Promise<void> {
      if (!isCounted) return;
      isCounted = false;
      if (isolated === run.id) isolated = null;
      const error = await ends.record(run);
      if (error) log.debug({ runId: run.id, error }, 'the end of an attempt could not be recorded yet');
    }
    void finishAfterTrial();
    return {
      kind: run.unfinishedAttempts > mostUnfinished ? 'exhausted' : 'begun',
      run,
      async end() {
        over.abort();
        await finish();
      },
    };
  }

  return {
    async begin(runId) {
      await ends.recordMissed();
      const run = await beginRunAttempt(db, { id: runId, mostUnfinished: mostUnfinishedTogether });
      if (run) return begun(run);
      if (isolated !== null) return { kind: 'wait' };
      isolated = runId;
      let again: RunRecord | null = null;
      try {
        again = await beginRunAttempt(db, { id: runId });
      } finally {
        if (!again) isolated = null;
      }
      return again ? begun(again) : { kind: 'missing' };
    },
  };
}
