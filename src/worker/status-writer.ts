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

export interface StatusWriter {
  /** The watch's view, written only while its lease has this epoch. Returns the row, or `null` when it may not write. */
  observed(
    projectId: string,
    actualOf: (record: ProjectRecord) => Actual,
    fence: { lease: string; epoch: number },
  ): Promise<ProjectRecord | null>;
  /**
   * The cluster has all orders of this generation. `gone` says that a read found neither pod nor claim, which settles a
   * stop or a deletion by itself. Writes nothing when the owner has wished for something else meanwhile.
   */
  told(record: ProjectRecord, options: { gone: boolean }): Promise<void>;
  /** An attempt failed. `parked`: no further one follows until somebody retries. */
  failed(
    projectId: string,
    failure: { generation: number; error: KubernetesError; parked: boolean; attempt: string },
  ): Promise<void>;
}

export function createStatusWriter(deps: { db: Database; publisher: StatusPublisher; now: () => Date }): StatusWriter {
  const { db, publisher, now } = deps;

  async function write(
    key: Parameters<typeof changeProject>[1],
    patchOf: (record: ProjectRecord) => ProjectPatch | null,
    kind: 'status-changed' | 'job-failed',
  ): Promise<ProjectRecord | null> {
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
    if (result?.changed) await publisher.publish({ type: 'project', project: toProject(result.record) });
    return result?.record ?? null;
  }

  return {
    observed: (id, actualOf, fence) =>
      write({ id, fence }, (record) => derive(record, actualOf(record), now().toISOString()), 'status-changed'),

    async told(told, { gone }) {
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
          if (gone) return { ...accepted, ...derive(next, { pod: null, claim: null }, now().toISOString()) };
          // The sentence of a failure that is over must not stay; the watch says what is going on instead.
          const stale = record.podError !== null && record.message === record.podError;
          return stale ? { ...accepted, ...acceptedWords(record.desiredState) } : accepted;
        },
        'status-changed',
      );
    },

    async failed(id, { generation, error, parked, attempt }) {
      const message = parked ? `${error.message} Mend the cause and retry.` : `${error.message} ${attempt}`;
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
