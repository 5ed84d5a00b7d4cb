/**
 * Has a project looked at: by a job of the queue, or, while Redis takes none, here and now. The queue makes things fast
 * and shares them out; what is wanted never depends on it.
 */

import { projectJobAttempts, projectJobNameFor } from '../../../shared/contract/jobs.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { Enqueued, ProjectQueue } from '../../../shared/node/project-queue.ts';
import type { WorkerMetrics } from '../../health.ts';
import { createWorkQueue } from '../../work-queue.ts';
import type { AttemptOutcome, Attempts } from './attempts.ts';

export interface Dispatcher {
  /** `refused` means that the project is looked at in this process, as often as a job would look at it. */
  dispatch(record: Pick<ProjectRecord, 'id' | 'generation' | 'desiredState'>): Promise<Enqueued>;
  /** Makes no further attempts here, for somebody else sees to the projects now; until the next `dispatch`. */
  handOver(): void;
  /** Lets what is under way end. */
  stop(): Promise<void>;
}

/** After a refusal Redis is left alone for so long: each try may take a second. */
const refusalMs = 2_000;

/** A project that is looked at here. */
interface Look {
  project: Pick<ProjectRecord, 'id' | 'desiredState'>;
  /** The wish that the last attempt was made for; `null` when it could not be read. */
  generation: number | null;
  /** How many attempts have been made. */
  attempts: number;
  /** Runs while it waits for the next attempt. */
  timer: NodeJS.Timeout | null;
  /** Something has happened since its attempt began. */
  again: boolean;
}

export function createDispatcher(deps: {
  queue: Pick<ProjectQueue, 'enqueue'>;
  attempts: Attempts;
  metrics: Pick<WorkerMetrics, 'jobEnded'>;
  log: Log;
  concurrency: number;
  /** Milliseconds from any origin. */
  now: () => number;
}): Dispatcher {
  const { queue, attempts, log, now } = deps;
  const stopping = new AbortController();
  const looks = new Map<string, Look>();
  let refusedAt = -Infinity;
  let isInCharge = false;

  const work = createWorkQueue({
    concurrency: deps.concurrency,
    retryMs: 0,
    work: attemptHere,
    onError: (projectId, error) => log.debug({ projectId, error: String(error) }, 'cut off by the end of the worker'),
  });

  async function offerToQueue({ id, desiredState }: Look['project']): Promise<Enqueued> {
    if (now() - refusedAt <= refusalMs) return 'refused';
    // No hurry: an attempt that waits in back-off, or because the cluster asked for it, is not called by events.
    const queued = await queue.enqueue(projectJobNameFor(desiredState), { projectId: id }, { hurry: false });
    if (queued === 'refused') refusedAt = now();
    return queued;
  }

  async function attemptHere(projectId: string): Promise<void> {
    const look = looks.get(projectId);
    if (!look) return; // the queue has it meanwhile
    look.timer = null;
    // Also a job that was refused because Redis was slow may be there when it is not slow any more.
    if (look.attempts > 0 && (await offerToQueue(look.project)) !== 'refused') return forget(projectId);
    look.again = false;
    const number = look.attempts + 1;
    const attemptLog = log.child({ projectId, job: 'without-queue', attempt: number });
    const { signal } = stopping;
    const outcome = await attempts.run({ projectId }, { number, of: projectJobAttempts, log: attemptLog, signal });
    deps.metrics.jobEnded('without-queue', endOf[outcome.kind]);
    if (looks.get(projectId) !== look) return; // the queue has it meanwhile, or another worker
    look.generation = outcome.generation;
    switch (outcome.kind) {
      case 'done':
        look.attempts = 0;
        // What has happened during the attempt may have happened behind its back.
        if (look.again) work.add(projectId);
        else forget(projectId);
        break;
      case 'requeue':
      case 'retry':
        if (outcome.kind === 'retry') look.attempts = number;
        look.timer = setTimeout(
          () => work.add(projectId),
          outcome.kind === 'retry' ? outcome.delayMs : outcome.requeueAfterMs,
        );
        break;
      case 'failed':
        forget(projectId);
    }
  }

  function forget(projectId: string): void {
    clearTimeout(looks.get(projectId)?.timer ?? undefined);
    looks.delete(projectId);
  }

  return {
    async dispatch(project) {
      const { id, generation } = project;
      isInCharge = true;
      const queued = await offerToQueue(project);
      if (queued !== 'refused') {
        forget(id);
        return queued;
      }
      const look = looks.get(id);
      if (!isInCharge || stopping.signal.aborted || (look?.timer && look.generation === generation)) return queued;
      if (look && !look.timer) {
        look.again = true;
        return queued;
      }
      forget(id); // a later wish has attempts of its own
      looks.set(id, { project, generation, attempts: 0, timer: null, again: false });
      work.add(id);
      return queued;
    },
    handOver() {
      isInCharge = false;
      for (const id of looks.keys()) forget(id);
    },
    async stop() {
      stopping.abort(new Error('The worker is stopping.'));
      for (const id of looks.keys()) forget(id);
      await work.stop();
    },
  };
}

const endOf = { done: 'done', requeue: 'retry', retry: 'retry', failed: 'failed' } as const satisfies Record<
  AttemptOutcome['kind'],
  string
>;
