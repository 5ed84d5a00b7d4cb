/**
 * Writes what is seen or has failed to the project's row, and tells the screens. One function for each source, and all
 * of them through the row lock of `changeProject`, so that versions rise in the order of the facts.
 */
import type { DesiredState } from '../shared/contract/states.ts';
import type { Database } from '../shared/node/db/database.ts';
import { appendProjectEvent } from '../shared/node/db/project-events-repository.ts';
import { toProject, type ProjectRecord } from '../shared/node/db/project-record.ts';
import { changeProject, type ProjectPatch } from '../shared/node/db/projects-repository.ts';
import type { StatusPublisher } from '../shared/node/status-stream.ts';
import type { KubernetesError } from './kube/kubernetes-error.ts';
import type { Actual } from './reconcile/decide.ts';
import { derive } from './reconcile/derive.ts';
import type { AfterStep } from './step.ts';

export interface StatusWriter {
  /** The watch's view, written only while its lease has this epoch. Returns `null` when there is no row or it may not write. */
  observed(
    projectId: string,
    actualOf: (record: ProjectRecord) => Actual,
    fence: { lease: string; epoch: number },
  ): Promise<{ record: ProjectRecord; changed: boolean } | null>;
  /**
   * The cluster has all orders of this generation. `settled` is what a read found to be as wanted; it is written where no
   * event of the watch follows by itself. `null`: it is on its way. Writes nothing when the owner has wished for something else meanwhile.
   */
  told(record: ProjectRecord, options: { settled: Actual | null }): Promise<void>;
  /** An attempt failed. `parked`: no further one follows until somebody retries; else `next` says what does. */
  failed(
    projectId: string,
    failure: { generation: number; error: KubernetesError; parked: boolean; next: string },
  ): Promise<void>;
}

export function createStatusWriter(deps: {
  db: Database;
  publisher: StatusPublisher;
  now: () => Date;
  afterStep?: AfterStep | undefined;
}): StatusWriter {
  const { db, publisher, now, afterStep } = deps;

  async function write(
    key: Parameters<typeof changeProject>[1],
    patchOf: (record: ProjectRecord) => ProjectPatch | null,
    kind: 'status-changed' | 'job-failed',
  ): Promise<{ record: ProjectRecord; changed: boolean } | null> {
    const result = await changeProject(db, key, async (record, trx) => {
      const patch = patchOf(record);
      const changes = patch?.status !== undefined && patch.status !== record.status;
      if (patch && (changes || (kind === 'job-failed' && patch.podError !== record.podError))) {
        await appendProjectEvent(trx, {
          projectId: record.id,
          kind: patch.status === 'archived' ? 'archived' : kind,
          actorId: null,
          message: patch.message ?? patch.podError ?? `The project is ${patch.status}.`,
        });
      }
      return patch;
    });
    if (result?.changed) {
      await afterStep?.('status-written');
      // Not awaited: a Redis that hangs must not hold up the facts. The order of the calls is the order in the stream.
      void publisher.publish({ type: 'project', project: toProject(result.record) });
    }
    return result ?? null;
  }

  return {
    observed: (id, actualOf, fence) =>
      write({ id, fence }, (record) => derive(record, actualOf(record), now().toISOString()), 'status-changed'),

    async told(told, { settled }) {
      await write(
        { id: told.id },
        (record) => {
          if (record.generation !== told.generation) return null;
          const accepted = {
            observedGeneration: told.generation,
            podError: null,
            podErrorCode: null,
            parkedGeneration: null,
          };
          const next = { ...record, ...accepted };
          // Where the watch still shows a pod it tells of its end itself; its earlier news would undo ours otherwise. Of a
          // pod that is there already, as after a stop and a start at once, it tells nothing new.
          const isUnwatched = settled?.pod ? record.reason === 'queued' : record.podUid === null;
          if (settled && isUnwatched) return { ...accepted, ...derive(next, settled, now().toISOString()) };
          // The sentence of a failure that is over must not stay; the watch says what is going on instead.
          const stale = record.podError !== null && record.message === record.podError;
          return stale ? { ...accepted, ...acceptedWords(record.desiredState) } : accepted;
        },
        'status-changed',
      );
      await afterStep?.('told');
    },

    async failed(id, { generation, error, parked, next }) {
      const message = parked ? `${error.message} Mend the cause and retry.` : `${error.message} ${next}`;
      await write(
        { id },
        (record) => {
          if (record.generation !== generation || record.status === 'archived') return null;
          const failure = {
            podError: message,
            podErrorCode: error.reason,
            parkedGeneration: parked ? generation : null,
          };
          // While the watch sees a pod that is wanted, what it says of that pod is the better news (as in `derive`).
          const hidden = !parked && record.desiredState === 'running' && record.podUid !== null;
          if (hidden) return failure;
          return { ...failure, reason: error.reason, message, ...(parked ? { status: 'error' as const } : {}) };
        },
        'job-failed',
      );
    },
  };
}

/** What to say until the watch has seen what became of the order. */
function acceptedWords(desiredState: DesiredState): ProjectPatch {
  switch (desiredState) {
    case 'running':
      return { status: 'initializing', reason: 'creating', message: 'The cluster has accepted the order.' };
    case 'stopped':
      return { status: 'stopping', reason: 'stopping', message: 'The pod is stopping. The files stay on the volume.' };
    case 'deleted':
      return { status: 'deleting', reason: 'deleting', message: 'The pod and its volume are being removed.' };
  }
}
