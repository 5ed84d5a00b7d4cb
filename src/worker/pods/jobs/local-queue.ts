/** Attempts that this process makes without the queue: at each project one after the other, and at several projects at once. */

import { projectJobAttempts } from '../../../shared/contract/jobs.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { Enqueued } from '../../../shared/node/project-queue.ts';
import type { WorkerMetrics } from '../../metrics.ts';
import { createWorkQueue } from '../../work-queue.ts';
import type { AttemptOutcome, Attempts } from './attempts.ts';
import { belongsToQueue, decideOnOutcome, decideOnRequest, type LocalAttempt } from './local-attempts.ts';

export interface LocalQueue {
  /** Requests an attempt in this process. Has no effect after `stop`. */
  request(
    project: Pick<ProjectRecord, 'id' | 'generation' | 'desiredState'>,
    options: Pick<LocalAttempt, 'isUndelivered'>,
  ): void;
  /** Makes no further attempts at the project if the queue carries out its command; `false` if it does not. */
  handBack(id: string, queued: Enqueued): boolean;
  /** Makes no further attempts at any project. */
  forgetAll(): void;
  /** Waits for the running attempts and starts no others. */
  stop(): Promise<void>;
}

export function createLocalQueue(deps: {
  attempts: Attempts;
  metrics: Pick<WorkerMetrics, 'jobEnded'>;
  log: Log;
  concurrency: number;
  offerToQueue: (project: LocalAttempt['project']) => Promise<Enqueued>;
}): LocalQueue {
  const { attempts, metrics, log, concurrency, offerToQueue } = deps;
  const stopping = new AbortController();
  const local = new Map<string, LocalAttempt>();
  const work = createWorkQueue({
    concurrency,
    work: attemptLocally,
    onError(projectId, error) {
      log.debug({ projectId, error: String(error) }, 'the stop of the worker cancelled an attempt');
      return 0;
    },
  });

  async function attemptLocally(projectId: string): Promise<void> {
    const attempt = local.get(projectId);
    if (!attempt) return; // the queue has accepted a job meanwhile
    attempt.timer = null;
    // A job that Redis seemed to refuse may exist all the same, when Redis was only slow.
    if (attempt.attempts > 0 && belongsToQueue(await offerToQueue(attempt.project), attempt)) return forget(projectId);
    attempt.requestedAgain = false;
    const number = attempt.attempts + 1;
    const attemptLog = log.child({ projectId, job: 'without-queue', attempt: number });
    const { signal } = stopping;
    const outcome = await attempts.run({ projectId }, { number, of: projectJobAttempts, log: attemptLog, signal });
    metrics.jobEnded('without-queue', metricOutcome[outcome.kind]);
    if (local.get(projectId) !== attempt) return; // the queue or another worker is responsible meanwhile
    attempt.generation = outcome.generation;
    const next = decideOnOutcome(outcome, attempt);
    switch (next.kind) {
      case 'end':
        return forget(projectId);
      case 'run-now':
        attempt.attempts = 0;
        return work.add(projectId);
      case 'run-after':
        if (next.used) attempt.attempts = number;
        attempt.timer = setTimeout(() => work.add(projectId), next.delayMs);
    }
  }

  function forget(projectId: string): void {
    clearTimeout(local.get(projectId)?.timer ?? undefined);
    local.delete(projectId);
  }

  const forgetAll = () => {
    for (const id of local.keys()) forget(id);
  };

  return {
    request(project, { isUndelivered }) {
      if (stopping.signal.aborted) return;
      const { id, generation } = project;
      const existing = local.get(id);
      switch (decideOnRequest(existing, generation)) {
        case 'keep-waiting':
          return;
        case 'run-again':
          if (existing) existing.requestedAgain = true;
          return;
        case 'start':
          forget(id);
          local.set(id, { project, generation, attempts: 0, timer: null, requestedAgain: false, isUndelivered });
          work.add(id);
      }
    },
    handBack(id, queued) {
      if (!belongsToQueue(queued, local.get(id) ?? { isUndelivered: false })) return false;
      forget(id);
      return true;
    },
    forgetAll,
    async stop() {
      stopping.abort(new Error('The worker is stopping.'));
      forgetAll();
      await work.stop();
    },
  };
}

const metricOutcome = { done: 'done', requeue: 'retry', retry: 'retry', failed: 'failed' } as const satisfies Record<
  AttemptOutcome['kind'],
  string
>;
