/**
 * Notices the commands of people: it reads the versions of all runs that this worker follows, in one query, twice a second. So
 * an answer or an abort arrives quickly, also without Redis.
 */

import type { Database } from '../../shared/node/db/database.ts';
import { readRunVersions } from '../../shared/node/db/runs-repository.ts';
import type { LimitedWarn } from '../../shared/node/log-limit.ts';
import { runPeriodically } from '../../shared/node/periodic.ts';

const intervalMs = 500;

export interface RowWatch {
  /** Calls back when the run has another version than the one noted. The returned function ends it. */
  follow(runId: string, onChange: () => void): () => void;
  /** The follower has read or written this version. */
  note(runId: string, version: number): void;
  /** Runs until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

export function createRowWatch({ db, warn }: { db: Database; warn: LimitedWarn }): RowWatch {
  const followed = new Map<string, { version: number; onChange: () => void }>();

  async function compare(): Promise<void> {
    const versions = await readRunVersions(db, [...followed.keys()]);
    for (const [runId, follower] of followed) {
      // A run that was deleted has no version.
      if (versions.get(runId) !== follower.version) follower.onChange();
    }
  }

  return {
    follow(runId, onChange) {
      const follower = { version: 0, onChange };
      followed.set(runId, follower);
      return () => {
        if (followed.get(runId) === follower) followed.delete(runId);
      };
    },
    note(runId, version) {
      const follower = followed.get(runId);
      if (follower) follower.version = version;
    },
    run: (signal) =>
      runPeriodically(
        {
          task: compare,
          intervalMs,
          onError: (error) =>
            warn('the versions of runs', { error: String(error) }, 'runs could not be read; trying again'),
        },
        signal,
      ),
  };
}
