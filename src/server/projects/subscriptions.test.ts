import type { TrackedEnvelope } from '@trpc/server';
import { describe, expect, it } from 'vitest';

import { publishedFixture } from '../../../tests/support/project-fixture.ts';
import { createTestClock } from '../../../tests/support/test-clock.ts';
import type { ProjectEvent } from '../../shared/contract/events.ts';
import type { PublishedProject } from '../../shared/contract/project.ts';
import { createStatusHub } from './status-hub.ts';
import { createProjectSubscriptions } from './subscriptions.ts';

const caller = {
  user: { id: 'owner-a', email: null, name: 'A', picture: null },
  requestId: 'r',
  right: 'read' as const,
};
const v = (statusVersion: number, more: Partial<PublishedProject> = {}) =>
  publishedFixture({ id: 'p', ownerId: 'owner-a', statusVersion, ...more });

function setUp({ read = async (): Promise<PublishedProject[]> => [], rows = new Array<PublishedProject>() } = {}) {
  const hub = createStatusHub({
    onTasks: () => undefined,
    listVersions: async () => rows.map((row) => ({ ...row, userId: row.ownerId, isHidden: row.status === 'archived' })),
    findProjects: async () => rows,
    readWatchObservation: async () => null,
    countRestores: async () => 0,
    onVersionsFell: async () => undefined,
    clock: createTestClock(),
    maxRecentEntries: 100,
    maxRepairs: 100,
    noResumeAfterLossMs: 0,
  });
  const subscriptions = createProjectSubscriptions({
    hub,
    source: { listProjects: read, findProject: async ({ id }) => (await read()).find((row) => row.id === id) ?? null },
    pause: async () => undefined,
    random: () => 0,
  });
  const abort = new AbortController();
  function open(options: { projectId?: string; lastEventId?: string; whenWritable?: () => Promise<void> } = {}) {
    const events = subscriptions.subscribe(caller, {
      projectId: options.projectId ?? null,
      lastEventId: options.lastEventId ?? null,
      signal: abort.signal,
      whenWritable: options.whenWritable ?? (async () => undefined),
    });
    const iterator = events[Symbol.asyncIterator]();
    return async () => describeEvent((await iterator.next()).value as TrackedEnvelope<ProjectEvent> | undefined);
  }
  const publish = (id: string, project: PublishedProject) => hub.reader.onEntry(id, { type: 'project', project });
  return { hub, open, publish, abort };
}

function describeEvent(envelope: TrackedEnvelope<ProjectEvent> | undefined): string {
  if (!envelope) return 'end';
  const [id, event] = envelope;
  switch (event.type) {
    case 'snapshot':
      return `${id} snapshot ${event.projects.map((row) => `${row.id} v${row.statusVersion}`).join(', ')}`.trim();
    case 'changed':
    case 'removed':
      return `${id} ${event.type} ${event.project.id} v${event.project.statusVersion}`;
    case 'freshness':
      return `${id} freshness ${event.freshness.state}`;
    case 'reset':
      return `${id} reset`;
  }
}

describe('a subscription', () => {
  it('starts with a snapshot and continues with newer versions', async () => {
    const { open, publish } = setUp({ read: async () => [v(3)] });
    const next = open();
    expect(await next()).toBe('0-0 snapshot p v3');
    publish('1-0', v(3));
    publish('2-0', v(4));
    expect(await next()).toBe('2-0 changed p v4');
  });

  it('sends changes that are published while the snapshot is read', async () => {
    const reading = Promise.withResolvers<PublishedProject[]>();
    const { open, publish } = setUp({ read: () => reading.promise });
    const next = open();
    const first = next();
    publish('1-0', v(2));
    reading.resolve([v(1)]);
    expect(await first).toBe('0-0 snapshot p v1');
    expect(await next()).toBe('1-0 changed p v2');
  });

  it('sends only the latest version of a project to a slow subscriber', async () => {
    const { open, publish } = setUp();
    const writable = Promise.withResolvers<void>();
    const next = open({ whenWritable: () => writable.promise });
    expect(await next()).toBe('0-0 snapshot');
    const second = next();
    for (let version = 1; version <= 500; version += 1) publish(`${version}-0`, v(version));
    writable.resolve();
    expect(await second).toBe('500-0 changed p v500');
  });

  it('sends "removed" when a project is archived', async () => {
    const { open, publish } = setUp({ read: async () => [v(1)] });
    const next = open();
    await next();
    publish('1-0', v(2, { status: 'archived' }));
    expect(await next()).toBe('1-0 removed p v2');
  });

  it('resumes after its last event id without a snapshot', async () => {
    const { hub, open, publish } = setUp();
    hub.reader.onContinuityLost('0-1');
    publish('1-0', v(1));
    publish('2-0', v(2));
    const next = open({ lastEventId: '1-0' });
    expect(await next()).toBe('1-0 freshness delayed');
    expect(await next()).toBe('2-0 changed p v2');
  });

  it('that resumes receives the end of a project that the stream has lost, although another one begins with a snapshot', async () => {
    const { hub, open, publish } = setUp({ rows: [v(3, { status: 'archived' })] });
    hub.reader.onContinuityLost('1-0');
    const resumed = open({ lastEventId: '1-0' });
    expect(await resumed()).toBe('1-0 freshness delayed');
    expect(await open()()).toBe('1-0 snapshot');
    await hub.compareWithDatabase();
    publish('2-0', v(1, { id: 'q' }));
    expect(await resumed()).toBe('1-0 removed p v3');
  });

  it('reads a snapshot when it cannot resume', async () => {
    const { open } = setUp({ read: async () => [v(7)] });
    expect(await open({ lastEventId: '1-0' })()).toBe('0-0 snapshot p v7');
  });

  it('sends a reset and a new snapshot after continuity was lost', async () => {
    let version = 1;
    const { hub, open } = setUp({ read: async () => [v(version)] });
    const next = open();
    await next();
    version = 5;
    hub.reader.onContinuityLost('9-0');
    expect(await next()).toBe('reset reset');
    expect(await next()).toBe('9-0 snapshot p v5');
  });

  it('waits while the database does not answer instead of ending', async () => {
    let attempts = 0;
    const { open } = setUp({
      read: async () => {
        attempts += 1;
        if (attempts < 4) throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
        return [v(1)];
      },
    });
    const next = open();
    expect(await next()).toBe('reset reset');
    expect(await next()).toBe('0-0 snapshot p v1');
    expect(attempts).toBe(4);
  });

  it('of one project receives no other project, and ends with NOT_FOUND when the project is not the caller’s', async () => {
    const { open, publish } = setUp({ read: async () => [v(1)] });
    const next = open({ projectId: 'p' });
    await next();
    publish('1-0', v(1, { id: 'q' }));
    publish('2-0', v(2));
    expect(await next()).toBe('2-0 changed p v2');
    await expect(open({ projectId: 'q' })()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('leaves the hub when its signal aborts', async () => {
    const { hub, open, abort } = setUp();
    const next = open();
    await next();
    const last = next();
    expect(hub.subscriberCount()).toBe(1);
    abort.abort();
    expect(await last).toBe('end');
    expect(hub.subscriberCount()).toBe(0);
  });
});
