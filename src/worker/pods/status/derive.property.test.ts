/**
 * What `derive` promises for every row and every pod that the schema accepts: fields missing, reasons that nobody has
 * heard of, containers without a status, any phase, leaving or outdated. Abstracted: which of these rows and pods really
 * meet; the words of each reason, which have a corpus of real pods as their own test.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { anyActual, anyRecord } from '../../../../tests/model/arbitraries.ts';
import { containerSummarySchema } from '../../../shared/contract/project.ts';
import { reasonCodeSchema } from '../../../shared/contract/reason-code.ts';
import { projectStatusSchema, type ProjectStatus } from '../../../shared/contract/states.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { differs, type ProjectPatch } from '../../../shared/node/db/projects-repository.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { isOurs, isOutdated, type Actual } from '../reconcile/decide.ts';
import { derive as deriveAll } from './derive.ts';

const derive = (...given: Parameters<typeof deriveAll>) => deriveAll(...given).patch;
const now = '2026-01-01T12:00:00.000Z';
const muchLater = '2026-01-01T14:00:00.000Z';
const live = anyRecord.filter((record) => record.status !== 'archived');

/** Checks `property` of every patch, and that every status in question was among them. */
function forEveryPatch(
  property: (given: { record: ProjectRecord; actual: Actual; own: Actual; patch: ProjectPatch }) => void,
  statuses: readonly ProjectStatus[] = [],
): void {
  const met = new Set<ProjectStatus | undefined>();
  fc.assert(
    fc.property(live, anyActual, (record, actual) => {
      const patch = derive(record, actual, now);
      met.add(patch.status);
      property({ record, actual, own: ownOf(record, actual), patch });
    }),
    { numRuns: 1_000 },
  );
  for (const status of statuses) expect(met).toContain(status);
}

/** Without what belongs to somebody else. */
const ownOf = (record: ProjectRecord, { pod, claim }: Actual): Actual => ({
  pod: pod && isOurs(record, pod) ? pod : null,
  claim: claim && isOurs(record, claim) ? claim : null,
});
const isObserved = (record: ProjectRecord) => record.observedGeneration === record.generation;

function isReady(pod: KubernetesPod): boolean {
  const { phase, containerStatuses } = pod.status;
  const names = pod.spec.containers.length > 0 ? pod.spec.containers : containerStatuses;
  const isContainerReady = (name: string) => containerStatuses.some((each) => each.name === name && each.ready);
  return phase === 'Running' && names.length > 0 && names.every(({ name }) => isContainerReady(name));
}

describe('whatever the row says and whatever is there, derive', () => {
  it('finds a status, a reason from the list and whole containers for every pod, and never throws', () => {
    forEveryPatch(({ patch }) => {
      expect(projectStatusSchema.safeParse(patch.status).success).toBe(true);
      expect(reasonCodeSchema.safeParse(patch.reason).success).toBe(true);
      expect(containerSummarySchema.array().safeParse(patch.containers).success).toBe(true);
      expect(patch.message).toBeTruthy();
    }, projectStatusSchema.options);
  });

  it('says ready only of a pod that runs with every container ready, stays, and is of the present generation', () => {
    forEveryPatch(
      ({ record, own: { pod }, patch }) => {
        if (patch.status !== 'ready') return;
        expect(record.desiredState).toBe('running');
        expect(pod?.metadata.deletionTimestamp ?? null).toBeNull();
        expect(pod && isReady(pod)).toBe(true);
        expect(pod && isOutdated(record, pod)).toBe(false);
      },
      ['ready'],
    );
  });

  it('waits for the successor of a pod that leaves or is outdated: no error, unless an attempt was parked', () => {
    forEveryPatch(
      ({ record, own: { pod }, patch }) => {
        if (record.desiredState !== 'running' || record.failedGeneration !== null || !pod) return;
        if (pod.metadata.deletionTimestamp || isOutdated(record, pod)) expect(patch.status).toBe('initializing');
      },
      ['initializing'],
    );
  });

  it('says archived exactly when a deletion has been ordered and pod and volume are both gone', () => {
    forEveryPatch(
      ({ record, own: { pod, claim }, patch }) => {
        const isOver = record.desiredState === 'deleted' && pod === null && claim === null && isObserved(record);
        expect(patch.status === 'archived').toBe(isOver);
        expect(patch.deletedAt).toBe(isOver ? now : undefined);
      },
      ['archived'],
    );
  });

  it('says stopped exactly when a stop has been ordered and the pod is gone, whatever becomes of the volume', () => {
    forEveryPatch(
      ({ record, own: { pod }, patch }) => {
        const isOver = record.desiredState === 'stopped' && pod === null && isObserved(record);
        expect(patch.status === 'stopped').toBe(isOver);
      },
      ['stopped'],
    );
  });

  it('shows a parked wish as an error in the words of its failure, unless things are as wanted all the same', () => {
    forEveryPatch(
      ({ record, patch }) => {
        if (record.failedGeneration !== record.generation) return;
        if (['ready', 'stopped', 'archived'].includes(patch.status ?? '')) return;
        expect(patch).toMatchObject({ status: 'error', message: record.podError, reason: record.podErrorCode });
      },
      ['error'],
    );
  });

  it('never shows a state that belongs to another wish', () => {
    const fitting: Record<ProjectRecord['desiredState'], readonly (ProjectStatus | undefined)[]> = {
      running: ['initializing', 'ready', 'error'],
      stopped: ['stopping', 'stopped', 'error'],
      deleted: ['deleting', 'archived', 'error'],
    };
    forEveryPatch(({ record, patch }) => {
      expect(fitting[record.desiredState]).toContain(patch.status);
    });
  });

  it('tells of a phase, a uid, a time and containers exactly when there is a pod of ours', () => {
    forEveryPatch(({ own: { pod }, patch }) => {
      expect(patch.phase === null).toBe(pod === null);
      expect(patch.podUid).toBe(pod?.metadata.uid ?? null);
      expect(patch.podCreatedAt === null).toBe(pod === null);
      expect(patch.containers?.map(({ name }) => name)).toEqual(pod?.spec.containers.map(({ name }) => name) ?? []);
    });
  });

  it('has nothing more to write once its patch is written, until the time that it has announced', () => {
    forEveryPatch(({ record, actual, patch }) => {
      const written = { ...record, ...patch, updatedAt: now };
      expect(differs(written, derive(written, actual, now))).toBe(false);
      const { recheckAt } = deriveAll(record, actual, now);
      const later = recheckAt === null ? muchLater : new Date(Date.parse(recheckAt) - 1).toISOString();
      expect(differs(written, derive(written, actual, later))).toBe(false);
    });
  });

  it('says the same for the same, and touches neither row nor objects', () => {
    forEveryPatch(({ record, actual, patch }) => {
      const before = structuredClone({ record, actual });
      expect(derive(record, actual, now)).toEqual(patch);
      expect({ record, actual }).toEqual(before);
    });
  });

  it('decides nothing about what is wanted: a wish and its generations are never in its patch', () => {
    forEveryPatch(({ patch }) => {
      for (const field of ['desiredState', 'generation', 'observedGeneration', 'podGeneration']) {
        expect(patch).not.toHaveProperty(field);
      }
    });
  });

  it('leaves an archived project as it is', () => {
    fc.assert(
      fc.property(anyRecord, anyActual, (record, actual) => {
        expect(derive({ ...record, status: 'archived' }, actual, now)).toEqual({});
      }),
    );
  });
});
