import { describe, expect, it } from 'vitest';

import { claimOf, podOf } from '../../../../tests/model/fixtures.ts';
import { recordFixture } from '../../../../tests/support/project-fixture.ts';
import { initialProgress } from '../../../shared/contract/diagnosis.ts';
import { derive as deriveAll } from './derive.ts';

const derive = (...given: Parameters<typeof deriveAll>) => deriveAll(...given).patch;
const now = '2026-01-01T12:00:00.000Z';
const acknowledged = { observedGeneration: 1 } as const;

describe('derive', () => {
  it('says ready only when the pod runs and every container is ready', () => {
    expect(derive(recordFixture(acknowledged), { pod: podOf(), claim: claimOf() }, now)).toMatchObject({
      status: 'ready',
      phase: 'Running',
    });
    expect(derive(recordFixture(acknowledged), { pod: podOf({ ready: false }), claim: claimOf() }, now)).toMatchObject({
      status: 'initializing',
      phase: 'Running',
      message: expect.stringContaining('0 of 3 are ready') as string,
    });
  });

  it('is no longer ready as soon as the pod terminates, and says that a new pod follows', () => {
    const leaving = derive(
      recordFixture({ ...acknowledged, status: 'ready' }),
      { pod: podOf({ leaving: true }), claim: claimOf() },
      now,
    );
    expect(leaving).toMatchObject({ status: 'initializing', nextStep: expect.stringContaining('new pod') as string });
    const gone = derive(recordFixture({ ...acknowledged, status: 'ready' }), { pod: null, claim: claimOf() }, now);
    expect(gone).toMatchObject({
      status: 'initializing',
      phase: null,
      reason: 'pod-gone',
      containers: [],
      podUid: null,
    });
  });

  it.each(['running', 'stopped', 'deleted'] as const)(
    'says who must act when the pod of a project whose desired state is %s does not end in time',
    (desiredState) => {
      const record = recordFixture({ ...acknowledged, desiredState });
      const actual = { pod: podOf({ leaving: true }), claim: claimOf() };
      const early = deriveAll(record, actual, '2026-01-01T12:00:29.000Z');
      expect(early.patch.actor).toBe('nobody');
      expect(early.recheckAt).toBe('2026-01-01T12:00:30.000Z');
      expect(derive(record, actual, '2026-01-01T12:00:30.000Z')).toMatchObject({
        reason: 'stuck-terminating',
        message: expect.stringContaining('should have ended') as string,
        nextStep: expect.stringMatching(/administrator must check the node.*by itself/) as string,
        actor: 'administrator',
      });
    },
  );

  const heldClaim = () => {
    const claim = claimOf({ leaving: true });
    return {
      ...claim,
      metadata: { ...claim.metadata, finalizers: ['kubernetes.io/pvc-protection', 'example.com/backup'] },
    };
  };

  it('says what holds the claim of a deleted project, and who must act after half a minute', () => {
    const record = recordFixture({ ...acknowledged, desiredState: 'deleted' });
    const actual = { pod: null, claim: heldClaim() };
    const early = deriveAll(record, actual, '2026-01-01T12:00:05.000Z');
    expect(early).toMatchObject({
      patch: { reason: 'deleting', actor: 'nobody' },
      recheckAt: '2026-01-01T12:00:30.000Z',
    });
    expect(derive(record, actual, '2026-01-01T12:00:30.000Z')).toMatchObject({
      status: 'deleting',
      reason: 'stuck-on-finalizer',
      actor: 'administrator',
      message: expect.stringContaining('example.com/backup') as string,
      reasonSince: now,
    });
  });

  it('says that a start waits for the deletion of the old claim, instead of wondering where the pod is', () => {
    const waiting = derive(recordFixture(acknowledged), { pod: null, claim: heldClaim() }, '2026-01-01T12:01:00.000Z');
    expect(waiting).toMatchObject({
      reason: 'volume-deleting',
      actor: 'administrator',
      message: expect.stringContaining('example.com/backup') as string,
    });
  });

  it('shows why the claim of a waiting pod cannot be created again', () => {
    const record = recordFixture({
      ...acknowledged,
      podError: 'The quota is used up.',
      podErrorCode: 'quota-exceeded',
    });
    const pending = podOf({ phase: 'Pending' });
    const pod = {
      ...pending,
      spec: {
        ...pending.spec,
        nodeName: undefined,
        volumes: [{ name: 'workspace', persistentVolumeClaim: { claimName: 'workspace-x' } }],
      },
      status: { ...pending.status, containerStatuses: [], conditions: [] },
    };
    expect(derive(record, { pod, claim: null }, now)).toMatchObject({ reason: 'quota-exceeded' });
    expect(derive(recordFixture(acknowledged), { pod, claim: null }, now)).toMatchObject({
      status: 'initializing',
      reason: 'volume-missing',
    });
  });

  it('warns the owner of a running project whose claim is being deleted', () => {
    expect(derive(recordFixture(acknowledged), { pod: podOf(), claim: heldClaim() }, now)).toMatchObject({
      status: 'ready',
      reason: 'volume-deleting',
      actor: 'owner',
    });
  });

  it('never says ready because of the pod from before a restart', () => {
    const restarted = recordFixture({ generation: 2, podGeneration: 2, observedGeneration: 1 });
    expect(derive(restarted, { pod: podOf({ generation: 1 }), claim: claimOf() }, now)).toMatchObject({
      status: 'initializing',
    });
  });

  it('says stopped or archived only when the command was acknowledged and nothing is left', () => {
    const stop = recordFixture({ desiredState: 'stopped', generation: 2, observedGeneration: 1 });
    expect(derive(stop, { pod: null, claim: claimOf() }, now)).toMatchObject({ status: 'stopping' });
    expect(derive({ ...stop, observedGeneration: 2 }, { pod: null, claim: claimOf() }, now)).toMatchObject({
      status: 'stopped',
    });
    const remove = recordFixture({ desiredState: 'deleted', generation: 2, observedGeneration: 2 });
    expect(derive(remove, { pod: null, claim: claimOf() }, now)).toMatchObject({ status: 'deleting' });
    expect(derive(remove, { pod: null, claim: null }, now)).toMatchObject({ status: 'archived', deletedAt: now });
  });

  it('knows the size of the pod until the project has stopped, also while no pod is observed', () => {
    const record = recordFixture({ ...acknowledged, podSize: 'L' });
    const pod = podOf();
    const small = {
      ...pod,
      metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, 'opencode-project-manager/size': 'S' } },
    };
    const podSizeOf = (...[row, objects]: [typeof record, typeof small | null]) =>
      derive(row, { pod: objects, claim: claimOf() }, now).podSize;
    expect(podSizeOf(record, small)).toBe('S');
    expect(podSizeOf(record, null)).toBe('L');
    const stop = { ...record, desiredState: 'stopped', generation: 2 } as const;
    expect(podSizeOf(stop, null)).toBe('L');
    expect(podSizeOf({ ...stop, observedGeneration: 2 }, null)).toBeNull();
  });

  it('shows a permanent failure as an error with its message, until a pod is ready all the same', () => {
    const failedPermanently = recordFixture({
      failedGeneration: 1,
      podError: 'The quota is used up.',
      podErrorCode: 'quota-exceeded',
    });
    expect(derive(failedPermanently, { pod: null, claim: null }, now)).toMatchObject({
      status: 'error',
      reason: 'quota-exceeded',
      message: 'The quota is used up.',
    });
    expect(derive(failedPermanently, { pod: podOf(), claim: claimOf() }, now)).toMatchObject({ status: 'ready' });
  });

  it('shows the state of an existing pod rather than the failure of an attempt', () => {
    const failed = recordFixture({ podError: 'The cluster does not answer.', podErrorCode: 'cluster-unreachable' });
    expect(derive(failed, { pod: podOf({ ready: false }), claim: claimOf() }, now)).toMatchObject({
      status: 'initializing',
      reason: 'starting',
    });
    expect(derive(failed, { pod: null, claim: claimOf() }, now)).toMatchObject({
      status: 'initializing',
      reason: 'cluster-unreachable',
      message: 'The cluster does not answer.',
    });
  });

  it('measures a start from the command, or from the pod when the time of the command is unknown', () => {
    const created = recordFixture(acknowledged).createdAt;
    const pod = podOf();
    const startOf = (changes: Parameters<typeof recordFixture>[0]) =>
      derive(recordFixture({ ...acknowledged, ...changes }), { pod, claim: claimOf() }, now).progress;
    expect(startOf({})?.startedAt).toBe(new Date(pod.metadata.creationTimestamp).toISOString());
    const requested = initialProgress('2026-01-01T11:59:00.000Z', 10);
    expect(startOf({ progress: requested })).toMatchObject({ startedAt: requested.startedAt, readyAt: now });
    expect(derive(recordFixture(), { pod: null, claim: null }, now).progress?.startedAt).toBe(created);
    // As long as nothing happens there is nothing to write.
    expect(derive(recordFixture({ progress: requested }), { pod: null, claim: null }, now).progress).toEqual(requested);
  });

  it('begins a new start when a ready pod is lost, but not when the project should stop', () => {
    const requested = initialProgress('2026-01-01T11:00:00.000Z', 10);
    const progress = { ...requested, readyAt: '2026-01-01T11:01:00.000Z' };
    const gone = { pod: null, claim: claimOf() };
    expect(derive(recordFixture({ ...acknowledged, progress }), gone, now).progress).toMatchObject({
      startedAt: now,
      readyAt: null,
    });
    expect(
      derive(recordFixture({ ...acknowledged, progress, desiredState: 'stopped' }), gone, now).progress,
    ).toBeNull();
  });

  it('shows a pod that failed and is replaced by itself as a start', () => {
    const evicted = podOf({ ready: false });
    evicted.status = {
      ...evicted.status,
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Container a exceeded its limit.',
    };
    expect(derive(recordFixture(acknowledged), { pod: evicted, claim: claimOf() }, now)).toMatchObject({
      status: 'initializing',
      reason: 'evicted',
      actor: 'owner',
      retryable: false,
    });
  });

  it('changes nothing in an archived project', () => {
    expect(derive(recordFixture({ status: 'archived', deletedAt: now }), { pod: podOf(), claim: null }, now)).toEqual(
      {},
    );
  });
});
