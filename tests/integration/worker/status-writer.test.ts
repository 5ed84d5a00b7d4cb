import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { StreamEntry } from '../../../src/shared/contract/events.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { acquireLease } from '../../../src/shared/node/db/leases-repository.ts';
import { listProjectEvents } from '../../../src/shared/node/db/project-events-repository.ts';
import type { ProjectRecord } from '../../../src/shared/node/db/project-record.ts';
import { changeProject, findProject, insertProject } from '../../../src/shared/node/db/projects-repository.ts';
import { upsertUser } from '../../../src/shared/node/db/users-repository.ts';
import { KubernetesError } from '../../../src/worker/pods/kube/kubernetes-error.ts';
import { createStatusWriter } from '../../../src/worker/pods/status/status-writer.ts';
import { claimOf, podOf } from '../../model/fixtures.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, type TestDatabase } from '../../support/services.ts';
import { createTestClock } from '../../support/test-clock.ts';
import { testIssuer } from '../../support/test-issuer.ts';

let database: TestDatabase;
let db: Database;
let project: ProjectRecord;
let published: StreamEntry[];

const writer = () =>
  createStatusWriter({
    db,
    publisher: { publish: async (entry) => published.push(entry) > 0 },
    metrics: { started: () => undefined },
    clock: createTestClock(Date.parse('2026-01-01T12:00:00Z')),
  });
const busy = new KubernetesError('transient', 'cluster-error', 'The cluster answered with an error (HTTP 500).', {
  status: 500,
});
const fail = (failedPermanently: boolean) =>
  writer().recordFailure(project, {
    generation: project.generation,
    error: busy,
    failedPermanently,
    attempt: { number: 1, of: 10 },
  });
const read = async () => {
  const record = await findProject(db, project.id);
  if (!record) throw new Error('The project is gone.');
  return record;
};
const messages = async () => {
  const entries = await listProjectEvents(db, {
    projectId: project.id,
    beforeId: null,
    limit: 50,
  });
  return entries.map(({ kind, message }) => `${kind}: ${message}`).toReversed();
};

beforeAll(async () => {
  database = await createTestDatabase();
  db = openTestDatabase(database.url);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  published = [];
  const owner = await upsertUser(db, {
    issuer: testIssuer,
    subject: 'owner',
    email: null,
    name: 'Owner',
    picture: null,
  });
  const id = randomUUID();
  const names = { name: id, podName: `project-${id}-abcde`, workspacePvcName: `workspace-${id}` };
  const { record } = await db.transaction((trx) =>
    insertProject(
      trx,
      { id, ownerId: owner.id, idempotencyKey: null, description: '', repoUrl: null, namespace: 'opencode', ...names },
      { maxProjects: 100 },
    ),
  );
  project = record;
});

describe('an observation', () => {
  const observed = () => ({ pod: podOf({ projectId: project.id }), claim: claimOf({ projectId: project.id }) });

  it('is written and published once, however often it is repeated', async () => {
    const lease = await acquireLease(db, { name: randomUUID(), holder: 'me', ttlMs: 60_000 });
    const fence = { lease: lease?.name ?? '', epoch: lease?.epoch ?? 0 };
    for (let time = 0; time < 3; time++) await writer().recordObservation(project.id, observed, fence);
    expect(await read()).toMatchObject({ status: 'ready', statusVersion: project.statusVersion + 1 });
    expect(published).toHaveLength(1);
    expect(await messages()).toEqual(['status-changed: All 3 containers are ready.']);
  });

  it('is not written by a worker whose lease another worker has taken', async () => {
    const name = randomUUID();
    const old = await acquireLease(db, { name, holder: 'frozen', ttlMs: -1 });
    const current = await acquireLease(db, { name, holder: 'successor', ttlMs: 60_000 });
    expect(await writer().recordObservation(project.id, observed, { lease: name, epoch: old?.epoch ?? 0 })).toBeNull();
    expect(await read()).toEqual(project);
    expect(published).toEqual([]);
    await writer().recordObservation(project.id, observed, { lease: name, epoch: current?.epoch ?? 0 });
    expect((await read()).status).toBe('ready');
  });
});

describe('a failed attempt', () => {
  it('is shown while the project waits for its pod, and cleared when the command is acknowledged', async () => {
    await fail(false);
    expect(await read()).toMatchObject({
      status: 'initializing',
      reason: 'cluster-error',
      message: 'The cluster answered with an error (HTTP 500).',
    });
    await writer().recordAcknowledged(project);
    expect(await read()).toMatchObject({ reason: 'creating', podError: null, observedGeneration: 1 });
    expect(await messages()).toEqual([
      'job-failed: Attempt 1 of 10 failed: The cluster answered with an error (HTTP 500).',
    ]);
  });

  it('adds one timeline entry, however often it is repeated with the same message', async () => {
    const failWith = (error: KubernetesError) =>
      writer().recordFailure(project, {
        generation: project.generation,
        error,
        failedPermanently: false,
        attempt: null,
      });
    const unavailable = new KubernetesError('transient', 'cluster-unreachable', 'The cluster does not answer.', {
      status: 0,
    });
    for (const error of [busy, busy, unavailable, busy]) {
      await failWith(error);
      expect(await read()).toMatchObject({ message: error.message });
      await changeProject(db, { id: project.id }, () => ({ patch: { message: 'Meanwhile.', podError: null } }));
    }
    expect(await messages()).toEqual([
      'job-failed: The cluster answered with an error (HTTP 500).',
      'job-failed: The cluster does not answer.',
      'job-failed: The cluster answered with an error (HTTP 500).',
    ]);
  });

  it('does not hide the state of a pod that the watch reports', async () => {
    const ready = { status: 'ready', reason: 'ready', message: 'All 3 containers are ready.', podUid: 'uid' } as const;
    await changeProject(db, { id: project.id }, () => ({ patch: ready }));
    await fail(false);
    expect(await read()).toMatchObject({ ...ready, podErrorCode: 'cluster-error' });
    await writer().recordAcknowledged(project);
    expect(await read()).toMatchObject({ ...ready, podError: null });
  });

  it('is shown as an error when it is permanent, until a later attempt succeeds all the same', async () => {
    await fail(true);
    expect(await read()).toMatchObject({
      status: 'error',
      failedGeneration: 1,
      message: 'The cluster answered with an error (HTTP 500).',
      nextStep: expect.stringContaining('Fix the cause and retry.') as string,
      retryable: true,
    });
    await writer().recordAcknowledged(project);
    expect(await read()).toMatchObject({ status: 'initializing', failedGeneration: null, podError: null });
  });

  it('is not written when a newer command came meanwhile', async () => {
    await changeProject(db, { id: project.id }, () => ({
      patch: { generation: 2, desiredState: 'stopped', status: 'stopping' },
    }));
    const before = await read();
    await fail(true);
    await writer().recordAcknowledged(project);
    expect(await read()).toEqual(before);
  });

  it('is replaced by the message of the same command when a stop or deletion is acknowledged', async () => {
    for (const [desiredState, status] of [
      ['stopped', 'stopping'],
      ['deleted', 'deleting'],
    ] as const) {
      await changeProject(db, { id: project.id }, () => ({ patch: { desiredState, status } }));
      await fail(false);
      await writer().recordAcknowledged(project);
      expect(await read()).toMatchObject({ status, reason: status, podError: null });
    }
  });
});

describe('a stop and a deletion', () => {
  it('leave the status to the watch while the row still shows the pod', async () => {
    const stopping = { desiredState: 'stopped', status: 'stopping', podUid: 'uid', phase: 'Running' } as const;
    await changeProject(db, { id: project.id }, () => ({ patch: stopping }));
    await writer().recordSettled(project, { pod: null, claim: null });
    expect(await read()).toMatchObject({ ...stopping, observedGeneration: 1 });
  });

  it('leave an archived row unchanged, whatever earlier attempts still report', async () => {
    await changeProject(db, { id: project.id }, () => ({ patch: { desiredState: 'deleted', status: 'deleting' } }));
    await writer().recordAcknowledged(project);
    await fail(false); // of an executor whose job another one has taken over
    const lease = await acquireLease(db, { name: 'cluster-watch', holder: 'test', ttlMs: 60_000 });
    const nothing = () => ({ pod: null, claim: null });
    await writer().recordObservation(project.id, nothing, { lease: 'cluster-watch', epoch: lease?.epoch ?? 0 });
    const archived = await read();
    expect(archived).toMatchObject({ status: 'archived', podError: null, podErrorCode: null, failedGeneration: null });
    await fail(true);
    await writer().recordSettled(project, { pod: null, claim: null });
    await writer().recordAcknowledged(project);
    expect(await read()).toEqual(archived);
  });

  it('are complete when a read finds nothing left', async () => {
    await changeProject(db, { id: project.id }, () => ({ patch: { desiredState: 'stopped', status: 'stopping' } }));
    await writer().recordSettled(project, { pod: null, claim: null });
    expect(await read()).toMatchObject({ status: 'stopped', deletedAt: null });
    await changeProject(db, { id: project.id }, () => ({ patch: { desiredState: 'deleted', status: 'deleting' } }));
    await writer().recordSettled(project, { pod: null, claim: null });
    expect(await read()).toMatchObject({ status: 'archived', deletedAt: '2026-01-01T12:00:00.000Z' });
    expect((await messages()).at(-1)).toBe('archived: The pod and its volume are gone.');
  });
});
