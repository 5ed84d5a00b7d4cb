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

/** Runs until `signal` aborts. Never rejects. */
export async function sweepLagging(
  deps: { db: Database; queue: ProjectQueue; log: Log; intervalMs?: number },
  signal: AbortSignal,
): Promise<void> {
  const intervalMs = deps.intervalMs ?? 4_000;
  while (!signal.aborted) {
    try {
      const lagging = await listLaggingProjects(deps.db, { olderThanMs: intervalMs, limit: 500 });
      for (const { id, desiredState } of lagging) {
        await deps.queue.enqueue(projectJobNameFor(desiredState), { projectId: id }, { hurry: false });
      }
      if (lagging.length > 0) deps.log.info({ projects: lagging.length }, 'queued projects whose wish was not met yet');
    } catch (error) {
      deps.log.warn({ error: String(error) }, 'the sweep could not read the database; trying again');
    }
    await delay(intervalMs, undefined, { signal }).catch(() => undefined); // an abort ends the wait and the loop
  }
}
