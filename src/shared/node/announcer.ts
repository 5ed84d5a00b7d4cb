/** After a commit: publishes the new row to all servers and queues a job for the worker, as far as Redis answers. */

import { projectJobNameFor } from '../contract/jobs.ts';
import { toPublished, type ProjectRecord } from './db/project-record.ts';
import type { ProjectQueue } from './project-queue.ts';
import type { StatusPublisher } from './status-stream.ts';

/** A response waits at most this long for Redis, because the change is already committed. */
const maxWaitMs = 500;

export interface Announcer {
  /**
   * Never fails. If Redis does not answer, the comparison with the database and the worker's sweep find the row.
   * @param options.needsJob whether the worker has to change something in the cluster
   */
  announce(record: ProjectRecord, options: { requestId: string; needsJob: boolean }): Promise<void>;
}

export function createAnnouncer(deps: { queue: Pick<ProjectQueue, 'enqueue'>; publisher: StatusPublisher }): Announcer {
  return {
    async announce(record, { requestId, needsJob }) {
      const published = deps.publisher.publish({ type: 'project', project: toPublished(record) });
      const queued = needsJob
        ? deps.queue.enqueue(projectJobNameFor(record.desiredState), { projectId: record.id, requestId })
        : null;
      await Promise.race([Promise.all([published, queued]), timeLimit(maxWaitMs)]);
    },
  };
}

function timeLimit(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
