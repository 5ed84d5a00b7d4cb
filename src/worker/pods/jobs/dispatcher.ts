/**
 * Requests reconciles of projects: by a job of the queue or, while Redis refuses jobs, by attempts in this process. The
 * queue makes reconciles fast and distributes them; the desired state never depends on it.
 */

import type { Clock } from '../../../shared/clock.ts';
import { projectJobAttempts, projectJobNameFor } from '../../../shared/contract/jobs.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { Enqueued, ProjectQueue } from '../../../shared/node/project-queue.ts';
import type { WorkerMetrics } from '../../metrics.ts';
import { createWorkQueue } from '../../work-queue.ts';
import type { AttemptOutcome, Attempts } from './attempts.ts';
import { decideOnOutcome, decideOnRequest, type LocalAttempt } from './local-attempts.ts';

export interface Dispatcher {
  /** Requests a reconcile of a project. `refused`: the queue refused the job, so this process makes the attempts. */
  dispatch(record: Pick<ProjectRecord, 'id' | 'generation' | 'desiredState'>): Promise<Enqueued>;
  /** Another worker is responsible now. This process makes no further attempts until the next `dispatch`. */
  handOver(): void;
  /** Waits for the running attempts and starts no others. */
  stop(): Promise<void>;
}

/** After a refusal Redis is not tried for this time, because each try may take a second. */
const refusalMs = 2_000;

export function createDispatcher(deps: {
  queue: Pick<ProjectQueue, 'enqueue'>;
  attempts: Attempts;
  metrics: Pick<WorkerMetrics, 'jobEnded'>;
  log: Log;
  concurrency: number;
  clock: Clock;
}): Dispatcher {
  const { queue, attempts, log, clock } = deps;
  const stopping = new AbortController();
  const local = new Map<string, LocalAttempt>();
  let refusedAt = -Infinity;
  let isResponsible = false;

  const work = createWorkQueue({
    concurrency: deps.concurrency,
    work: attemptLocally,
    onError(projectId, error) {
      log.debug({ projectId, error: String(error) }, 'the stop of the worker cancelled an attempt');
      return 0;
    },
  });

  async function offerToQueue({ id, desiredState }: LocalAttempt['project']): Promise<Enqueued> {
    if (clock.monotonic() - refusedAt <= refusalMs) return 'refused';
    // Without hurry: an event must not shorten a back-off, or a delay that the cluster requested.
    const queued = await queue.enqueue(projectJobNameFor(desiredState), { projectId: id }, { hurry: false });
    if (queued === 'refused') refusedAt = clock.monotonic();
    return queued;
  }

  async function attemptLocally(projectId: string): Promise<void> {
    const attempt = local.get(projectId);
    if (!attempt) return; // the queue has accepted a job meanwhile
    attempt.timer = null;
    // A job that Redis seemed to refuse may exist all the same, when Redis was only slow.
    if (attempt.attempts > 0 && (await offerToQueue(attempt.project)) !== 'refused') return forget(projectId);
    attempt.requestedAgain = false;
    const number = attempt.attempts + 1;
    const attemptLog = log.child({ projectId, job: 'without-queue', attempt: number });
    const { signal } = stopping;
    const outcome = await attempts.run({ projectId }, { number, of: projectJobAttempts, log: attemptLog, signal });
    deps.metrics.jobEnded('without-queue', metricOutcome[outcome.kind]);
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

  function requestLocally(project: Pick<ProjectRecord, 'id' | 'generation' | 'desiredState'>): void {
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
        local.set(id, { project, generation, attempts: 0, timer: null, requestedAgain: false });
        work.add(id);
    }
  }

  function forget(projectId: string): void {
    clearTimeout(local.get(projectId)?.timer ?? undefined);
    local.delete(projectId);
  }

  return {
    async dispatch(project) {
      isResponsible = true;
      const queued = await offerToQueue(project);
      if (queued !== 'refused') forget(project.id);
      else if (isResponsible && !stopping.signal.aborted) requestLocally(project);
      return queued;
    },
    handOver() {
      isResponsible = false;
      for (const id of local.keys()) forget(id);
    },
    async stop() {
      stopping.abort(new Error('The worker is stopping.'));
      for (const id of local.keys()) forget(id);
      await work.stop();
    },
  };
}

const metricOutcome = { done: 'done', requeue: 'retry', retry: 'retry', failed: 'failed' } as const satisfies Record<
  AttemptOutcome['kind'],
  string
>;
