/**
 * What `derive` guarantees for every row and every pod that the schema accepts: missing fields, unknown reasons, containers
 * without a status, any phase, terminating or outdated. The messages of the reasons are tested with real pods in
 * tests/corpus.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { anyActual, anyRecord } from '../../../../tests/model/arbitraries.ts';
import { isObserved } from '../../../shared/contract/commands.ts';
import { containerSummarySchema } from '../../../shared/contract/project.ts';
import { reasonCodeSchema } from '../../../shared/contract/reason-code.ts';
import { projectStatusSchema, type ProjectStatus } from '../../../shared/contract/states.ts';
import { hasFailedPermanently, type ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { differs, type ProjectPatch } from '../../../shared/node/db/projects-repository.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { isOurs, isOutdated, type Actual } from '../reconcile/decide.ts';
import { derive as deriveAll } from './derive.ts';

const derive = (...given: Parameters<typeof deriveAll>) => deriveAll(...given).patch;
const now = '2026-01-01T12:00:00.000Z';
const muchLater = '2026-01-01T14:00:00.000Z';
const live = anyRecord.filter((record) => record.status !== 'archived');

/** Checks `property` for every patch, and that these statuses were among them. */
function forEveryPatch(
  property: (given: { record: ProjectRecord; actual: Actual; ours: Actual; patch: ProjectPatch }) => void,
  statuses: readonly ProjectStatus[] = [],
): void {
  const met = new Set<ProjectStatus | undefined>();
  fc.assert(
    fc.property(live, anyActual, (record, actual) => {
      const patch = derive(record, actual, now);
      met.add(patch.status);
      property({ record, actual, ours: oursOf(record, actual), patch });
    }),
    { numRuns: 1_000 },
  );
  for (const status of statuses) expect(met).toContain(status);
}

/** Without foreign objects. */
const oursOf = (record: ProjectRecord, { pod, claim }: Actual): Actual => ({
  pod: pod && isOurs(record, pod) ? pod : null,
  claim: claim && isOurs(record, claim) ? claim : null,
});

function isReady(pod: KubernetesPod): boolean {
  const { phase, containerStatuses } = pod.status;
  const names = pod.spec.containers.length > 0 ? pod.spec.containers : containerStatuses;
  const isContainerReady = (name: string) => containerStatuses.some((each) => each.name === name && each.ready);
  return phase === 'Running' && names.length > 0 && names.every(({ name }) => isContainerReady(name));
}

describe('for every row and every pod, derive', () => {
  it('returns a status, a known reason and valid containers, and never throws', () => {
    forEveryPatch(({ patch }) => {
      expect(projectStatusSchema.safeParse(patch.status).success).toBe(true);
      expect(reasonCodeSchema.safeParse(patch.reason).success).toBe(true);
      expect(containerSummarySchema.array().safeParse(patch.containers).success).toBe(true);
      expect(patch.message).toBeTruthy();
    }, projectStatusSchema.options);
  });

  it('says ready only when a current pod runs, every container is ready and it is not terminating', () => {
    forEveryPatch(
      ({ record, ours: { pod }, patch }) => {
        if (patch.status !== 'ready') return;
        expect(record.desiredState).toBe('running');
        expect(pod?.metadata.deletionTimestamp ?? null).toBeNull();
        expect(pod && isReady(pod)).toBe(true);
        expect(pod && isOutdated(record, pod)).toBe(false);
      },
      ['ready'],
    );
  });

  it('shows no error while a terminating or outdated pod is replaced, unless the attempts are exhausted', () => {
    forEveryPatch(
      ({ record, ours: { pod }, patch }) => {
        if (record.desiredState !== 'running' || record.failedGeneration !== null || !pod) return;
        if (pod.metadata.deletionTimestamp || isOutdated(record, pod)) expect(patch.status).toBe('initializing');
      },
      ['initializing'],
    );
  });

  it('says archived exactly when a deletion was acknowledged and pod and volume are gone', () => {
    forEveryPatch(
      ({ record, ours: { pod, claim }, patch }) => {
        const isOver = record.desiredState === 'deleted' && pod === null && claim === null && isObserved(record);
        expect(patch.status === 'archived').toBe(isOver);
        expect(patch.deletedAt).toBe(isOver ? now : undefined);
      },
      ['archived'],
    );
  });

  it('says stopped exactly when a stop was acknowledged and the pod is gone', () => {
    forEveryPatch(
      ({ record, ours: { pod }, patch }) => {
        const isOver = record.desiredState === 'stopped' && pod === null && isObserved(record);
        expect(patch.status === 'stopped').toBe(isOver);
      },
      ['stopped'],
    );
  });

  it('shows a permanent failure as an error with its message, unless the desired state was reached all the same', () => {
    forEveryPatch(
      ({ record, patch }) => {
        if (!hasFailedPermanently(record)) return;
        if (['ready', 'stopped', 'archived'].includes(patch.status ?? '')) return;
        expect(patch).toMatchObject({ status: 'error', message: record.podError, reason: record.podErrorCode });
      },
      ['error'],
    );
  });

  it('never shows a status that belongs to another desired state', () => {
    const fitting: Record<ProjectRecord['desiredState'], readonly (ProjectStatus | undefined)[]> = {
      running: ['initializing', 'ready', 'error'],
      stopped: ['stopping', 'stopped', 'error'],
      deleted: ['deleting', 'archived', 'error'],
    };
    forEveryPatch(({ record, patch }) => {
      expect(fitting[record.desiredState]).toContain(patch.status);
    });
  });

  it('shows phase, uid, creation time and containers exactly when the project has a pod', () => {
    forEveryPatch(({ ours: { pod }, patch }) => {
      expect(patch.phase === null).toBe(pod === null);
      expect(patch.podUid).toBe(pod?.metadata.uid ?? null);
      expect(patch.podCreatedAt === null).toBe(pod === null);
      expect(patch.containers?.map(({ name }) => name)).toEqual(pod?.spec.containers.map(({ name }) => name) ?? []);
    });
  });

  it('changes nothing more after its patch was written, until the recheck time', () => {
    forEveryPatch(({ record, actual, patch }) => {
      const written = { ...record, ...patch, updatedAt: now };
      expect(differs(written, derive(written, actual, now))).toBe(false);
      const { recheckAt } = deriveAll(record, actual, now);
      const later = recheckAt === null ? muchLater : new Date(Date.parse(recheckAt) - 1).toISOString();
      expect(differs(written, derive(written, actual, later))).toBe(false);
    });
  });

  it('returns the same patch for the same input and changes neither row nor objects', () => {
    forEveryPatch(({ record, actual, patch }) => {
      const before = structuredClone({ record, actual });
      expect(derive(record, actual, now)).toEqual(patch);
      expect({ record, actual }).toEqual(before);
    });
  });

  it('never writes the desired state or a generation', () => {
    forEveryPatch(({ patch }) => {
      for (const field of ['desiredState', 'generation', 'observedGeneration', 'podGeneration']) {
        expect(patch).not.toHaveProperty(field);
      }
    });
  });

  it('changes nothing in an archived project', () => {
    fc.assert(
      fc.property(anyRecord, anyActual, (record, actual) => {
        expect(derive({ ...record, status: 'archived' }, actual, now)).toEqual({});
      }),
    );
  });
});
