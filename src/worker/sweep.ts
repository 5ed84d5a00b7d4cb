/**
 * The queue only makes things fast. This sweep finds every project whose last wish the cluster has not been told (a
 * crash between row and queue, a wiped Redis, attempts that ran out while nothing answered) and queues it again.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { projectJobNameFor } from '../shared/contract/jobs.ts';
import type { Database } from '../shared/node/db/database.ts';
import { listLaggingProjects } from '../shared/node/db/projects-repository.ts';
import type { Log } from '../shared/node/log.ts';
import type { ProjectQueue } from '../shared/node/project-queue.ts';

/** A job is usually done before; interval and age together stay under the five seconds after which a lost job is found. */
const laggingAfterMs = 2_000;
const defaultIntervalMs = 2_000;

/** Runs until `signal` aborts. Never rejects. */
export async function sweepLagging(
  deps: { db: Database; queue: ProjectQueue; log: Log; intervalMs?: number },
  signal: AbortSignal,
): Promise<void> {
  const { db, queue, log, intervalMs = defaultIntervalMs } = deps;
  while (!signal.aborted) {
    try {
      const lagging = await listLaggingProjects(db, { olderThanMs: laggingAfterMs, limit: 500 });
      let queued = 0;
      for (const { id, desiredState } of lagging) {
        if (signal.aborted) return;
        // Redis takes nothing now: the next round asks again, rather than each project waiting for its own refusal.
        if (!(await queue.enqueue(projectJobNameFor(desiredState), { projectId: id }, { hurry: false }))) break;
        queued += 1;
      }
      if (queued > 0) log.info({ projects: queued }, 'queued projects whose wish was not met yet');
    } catch (error) {
      log.warn({ error: String(error) }, 'the sweep could not read the database; trying again');
    }
    await delay(intervalMs, undefined, { signal }).catch(() => undefined); // an abort ends the wait and the loop
  }
}
