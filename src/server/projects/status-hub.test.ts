import { describe, expect, it } from 'vitest';

import { publishedFixture } from '../../../tests/support/project-fixture.ts';
import { createTestClock } from '../../../tests/support/test-clock.ts';
import type { PublishedProject } from '../../shared/contract/project.ts';
import { audienceOf, roleOf } from '../../shared/node/project-access.ts';
import { createStatusHub, type HubSubscriber } from './status-hub.ts';

/** A hub over rows and a clock that the test controls. */
function setUp({ maxRecentEntries = 10, maxRepairs = 100, whileReading = async () => {} } = {}) {
  const rows = new Map<string, PublishedProject>();
  const clock = createTestClock();
  const restored = { count: 0, assumed: 0 };
  const observation: { last: { reachable: boolean | null; observedAt: string | null } | null } = { last: null };
  const hub = createStatusHub({
    onTasks: () => undefined,
    async listVersions(userIds) {
      const versions = [...rows.values()].flatMap((project) =>
        audienceOf(project).map((userId) => ({
          id: project.id,
          userId,
          statusVersion: project.statusVersion,
          isHidden: project.status === 'archived' || roleOf(project, userId) === 'none',
        })),
      );
      await whileReading();
      return versions.filter(({ userId }) => userIds.includes(userId));
    },
    findProjects: async (ids) => [...rows.values()].filter(({ id }) => ids.includes(id)),
    readWatchObservation: async () => observation.last,
    countRestores: async () => restored.count,
    async onVersionsFell() {
      restored.assumed += 1;
    },
    clock,
    maxRecentEntries,
    maxRepairs,
    noResumeAfterLossMs: 20_000,
  });
  const publish = (id: string, project: PublishedProject) => hub.reader.onEntry(id, { type: 'project', project });
  return { hub, rows, clock, observation, restored, publish };
}

function listener(): HubSubscriber & { received: string[] } {
  const received: string[] = [];
  return {
    received,
    onProject: (id, project) => received.push(`${id} ${project.id} v${project.statusVersion}`),
    onFreshness: (id, freshness) => received.push(`${id} ${freshness.state}`),
    onReset: (id) => received.push(`${id} reset`),
  };
}

const v = (statusVersion: number, more: Partial<PublishedProject> = {}) =>
  publishedFixture({ id: 'p', ownerId: 'owner-a', statusVersion, ...more });

describe('the hub', () => {
  const member = (role: 'viewer' | 'editor' | null) => ({ members: { guest: { role, sharedBy: 'Ada' } } });
  const roles = (received: { role: string; name: string }[]) =>
    received.map(({ role, name }) => `${role} ${name}`.trim());
  function projectListener() {
    const received: { role: string; name: string }[] = [];
    const subscriber: HubSubscriber = { ...listener(), onProject: (_id, project) => received.push(project) };
    return { received, subscriber };
  }

  it('delivers to a member what the role shows, and to somebody who was removed that it is gone, once', () => {
    const { hub, publish } = setUp();
    const [owner, guest, stranger] = [projectListener(), projectListener(), projectListener()];
    hub.join('owner-a', owner.subscriber);
    hub.join('guest', guest.subscriber);
    hub.join('stranger', stranger.subscriber);
    publish('1-0', v(1));
    publish('2-0', v(2, member('viewer')));
    publish('3-0', v(3, member(null)));
    publish('4-0', v(4, { ...member(null), name: 'Renamed' }));
    publish('5-0', v(5, { ...member('editor'), name: 'Renamed' }));
    publish('6-0', v(6, { ...member('editor'), trashedAt: '2026-01-01T00:00:00.000Z' }));
    expect(roles(guest.received)).toEqual(['viewer Example', 'none', 'editor Renamed', 'none']);
    expect(owner.received).toHaveLength(6);
    expect(stranger.received).toEqual([]);
  });

  it('resumes a member with the entries that concern the member, as the role shows them', () => {
    const { hub, publish } = setUp();
    publish('1-0', v(1));
    publish('2-0', v(2));
    publish('3-0', v(3, member('viewer')));
    publish('4-0', v(4, member(null)));
    const entries = hub.entriesAfter('guest', '1-0') ?? [];
    expect(entries.map(({ id, project }) => `${id} ${project.role} ${project.name}`.trim())).toEqual([
      '3-0 viewer Example',
      '4-0 none',
    ]);
    expect(hub.entriesAfter('stranger', '1-0')).toEqual([]);
  });

  it('delivers by comparison what the stream has lost of a member', async () => {
    const { hub, rows } = setUp();
    const guest = projectListener();
    hub.join('guest', guest.subscriber);
    hub.recordSnapshot('guest', [], { complete: true });
    for (const [version, role] of [
      [2, 'viewer'],
      [3, null],
      [4, null],
      [5, 'editor'],
    ] as const) {
      rows.set('p', v(version, member(role)));
      await hub.compareWithDatabase();
    }
    expect(roles(guest.received)).toEqual(['viewer Example', 'none', 'editor Example']);
  });

  it('delivers an entry only to the subscribers of its owner', () => {
    const { hub, publish } = setUp();
    const [a, b] = [listener(), listener()];
    hub.join('owner-a', a);
    hub.join('owner-b', b);
    publish('1-0', v(1));
    expect(a.received).toEqual(['1-0 p v1']);
    expect(b.received).toEqual([]);
  });

  it('delivers nothing to a subscriber that has left', () => {
    const { hub, publish } = setUp();
    const a = listener();
    hub.join('owner-a', a)();
    publish('1-0', v(1));
    expect(a.received).toEqual([]);
    expect(hub.subscriberCount()).toBe(0);
  });

  it('compares the projects of a user who is kept, and does not count that as a subscriber', async () => {
    const { hub, rows, publish } = setUp();
    const forget = hub.keep('owner-a');
    expect(hub.subscriberCount()).toBe(0);
    hub.join('owner-a', listener())();
    hub.recordSnapshot('owner-a', [v(1)], { complete: true });
    publish('1-0', v(1));
    rows.set('p', v(2)); // the stream has lost this change
    await hub.compareWithDatabase();
    expect(hub.entriesAfter('owner-a', '1-0')).toBeNull();
    forget();
    const a = listener();
    hub.join('owner-a', a);
    publish('2-0', v(1));
    expect(a.received).toEqual(['2-0 p v1']);
  });

  it('drops entries with a version that was already delivered or is older', () => {
    const { hub, publish } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    publish('1-0', v(2));
    publish('2-0', v(2));
    publish('3-0', v(1));
    expect(a.received).toEqual(['1-0 p v2']);
  });

  it('delivers what one subscriber has read from the database to the other subscribers of the owner', () => {
    const { hub } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.join('owner-a', listener());
    hub.recordSnapshot('owner-a', [v(4)], { complete: true });
    expect(a.received).toEqual(['0-0 p v4']);
  });

  it('sends a reset to every subscriber when continuity is lost', () => {
    const { hub } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.reader.onContinuityLost('5-0');
    expect(a.received).toEqual(['5-0 reset']);
  });

  it('publishes that the status is delayed when heartbeats stop, and live when they return', () => {
    const { hub, clock } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.reader.onEntry('1-0', { type: 'heartbeat', reachable: true, asOf: null });
    clock.advance(10_001);
    hub.checkFreshness();
    hub.checkFreshness();
    hub.reader.onEntry('2-0', { type: 'heartbeat', reachable: true, asOf: null });
    expect(a.received).toEqual(['1-0 live', '1-0 delayed', '2-0 live']);
  });
});

describe('resuming from recent entries', () => {
  it('returns the entries of the owner after the id', () => {
    const { hub, publish } = setUp();
    hub.reader.onContinuityLost('0-5');
    publish('1-0', v(1));
    publish('2-0', v(2));
    publish('3-0', v(9, { ownerId: 'owner-b', id: 'q' }));
    expect(hub.entriesAfter('owner-a', '1-0')?.map(({ id }) => id)).toEqual(['2-0']);
  });

  it('is refused before the first read, before lost continuity, after the newest entry, and before the oldest kept entry', () => {
    const { hub, publish } = setUp({ maxRecentEntries: 2 });
    expect(hub.entriesAfter('owner-a', '0-0')).toBeNull();
    hub.reader.onContinuityLost('5-0');
    expect(hub.entriesAfter('owner-a', '4-0')).toBeNull();
    expect(hub.entriesAfter('owner-a', '5-0')).toEqual([]);
    expect(hub.entriesAfter('owner-a', '9-0')).toBeNull();
    expect(hub.entriesAfter('owner-a', 'made-up')).toBeNull();
    for (const id of ['6-0', '7-0', '8-0']) publish(id, v(Number(id[0])));
    expect(hub.entriesAfter('owner-a', '5-0')).toBeNull();
    expect(hub.entriesAfter('owner-a', '6-0')).toHaveLength(2);
  });
});

describe('the comparison with the database', () => {
  it('delivers what the stream has lost', async () => {
    const { hub, rows, publish } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.recordSnapshot('owner-a', [], { complete: true });
    publish('1-0', v(1));
    rows.set('p', v(2));
    rows.set('new', publishedFixture({ id: 'new', ownerId: 'owner-a', statusVersion: 1 }));
    await hub.compareWithDatabase();
    await hub.compareWithDatabase();
    expect(a.received).toEqual(['1-0 p v1', '1-0 p v2', '1-0 new v1']);
  });

  it('prevents the owner from resuming at an id before the loss', async () => {
    const { hub, rows, clock, publish } = setUp();
    hub.reader.onContinuityLost('0-1');
    hub.join('owner-a', listener());
    hub.recordSnapshot('owner-a', [v(1)], { complete: true });
    publish('1-0', v(2));
    rows.set('p', v(3));
    await hub.compareWithDatabase();
    publish('2-0', v(4));
    expect(hub.entriesAfter('owner-a', '2-0')).toBeNull();
    expect(hub.entriesAfter('owner-b', '2-0')).toEqual([]);
    clock.advance(20_000);
    expect(hub.entriesAfter('owner-a', '1-0')).toBeNull();
    expect(hub.entriesAfter('owner-a', '2-0')).toEqual([]);
  });

  it('updates the freshness while the stream is silent, but only after everything was delivered', async () => {
    const { hub, rows, clock, observation } = setUp({ maxRepairs: 1 });
    hub.join('owner-a', listener());
    hub.recordSnapshot('owner-a', [], { complete: true });
    const asOf = '2026-11-01T10:00:00.000Z';
    observation.last = { reachable: true, observedAt: asOf };
    for (const id of ['p', 'q']) rows.set(id, v(1, { id }));
    clock.advance(60_000);
    await hub.compareWithDatabase();
    expect(hub.freshness()).toEqual({ state: 'delayed', asOf: null });
    await hub.compareWithDatabase();
    expect(hub.freshness()).toEqual({ state: 'delayed', asOf });
    observation.last = { reachable: false, observedAt: asOf };
    await hub.compareWithDatabase();
    expect(hub.freshness()).toEqual({ state: 'unreachable', asOf });
  });

  it('does not deliver a project that was archived before the snapshot was read', async () => {
    const { hub, rows } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.recordSnapshot('owner-a', [], { complete: true });
    rows.set('p', v(9, { status: 'archived' }));
    await hub.compareWithDatabase();
    expect(a.received).toEqual([]);
  });

  it('delivers the archived state of a project that the stream has lost', async () => {
    const { hub, rows } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.recordSnapshot('owner-a', [v(1)], { complete: true });
    rows.set('p', v(2, { status: 'archived' }));
    await hub.compareWithDatabase();
    expect(a.received).toEqual(['0-0 p v1', '0-0 p v2']);
  });

  it('delivers everything once to an owner who resumed without a snapshot', async () => {
    const { hub, rows } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    rows.set('p', v(1));
    rows.set('gone', v(2, { id: 'gone', status: 'archived' }));
    await hub.compareWithDatabase();
    await hub.compareWithDatabase();
    expect(a.received).toEqual(['0-0 p v1', '0-0 gone v2']);
  });

  it('lets nobody resume past a change that the first subscriber, who resumed, has received by the comparison only', async () => {
    const { hub, rows, publish, clock } = setUp();
    hub.reader.onContinuityLost('1-0');
    publish('2-0', v(1));
    rows.set('p', v(2)); // the stream has lost this change
    const a = listener();
    hub.join('owner-a', a);
    hub.recordResume('owner-a');
    await hub.compareWithDatabase();
    expect(a.received).toEqual(['2-0 p v2']);
    clock.advance(60_000);
    expect(hub.entriesAfter('owner-a', '2-0')).toBeNull();
  });

  it('delivers the archived state to a subscriber who resumed, although another one reads a snapshot before the comparison', async () => {
    const { hub, rows } = setUp();
    hub.reader.onContinuityLost('1-0');
    const a = listener();
    hub.join('owner-a', a);
    hub.recordResume('owner-a');
    rows.set('p', v(3, { status: 'archived' })); // the stream has lost this while the subscriber was away
    hub.join('owner-a', listener());
    hub.recordSnapshot('owner-a', [], { complete: true });
    await hub.compareWithDatabase();
    await hub.compareWithDatabase();
    expect(a.received).toEqual(['1-0 p v3']);
    expect(hub.entriesAfter('owner-a', '1-0')).toBeNull(); // a third one would miss it
  });

  it('delivers the archived state to a subscriber who resumes while a comparison reads the rows', async () => {
    const [reading, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const whileReading = () => {
      reading.resolve();
      return answered.promise;
    };
    const { hub, rows } = setUp({ whileReading });
    hub.join('owner-a', listener());
    hub.recordSnapshot('owner-a', [], { complete: true });
    const comparing = hub.compareWithDatabase();
    await reading.promise;
    const a = listener();
    hub.join('owner-a', a);
    hub.recordResume('owner-a');
    rows.set('p', v(3, { status: 'archived' }));
    answered.resolve();
    await comparing;
    await hub.compareWithDatabase();
    expect(a.received).toEqual(['0-0 p v3']);
  });

  it('lets everybody read a snapshot after a restore of the database, and delivers versions that were delivered before', async () => {
    const { hub, restored, publish } = setUp();
    const a = listener();
    hub.reader.onContinuityLost('0-1');
    hub.join('owner-a', a);
    await hub.compareWithDatabase();
    publish('1-0', v(5));
    restored.count = 1;
    await hub.compareWithDatabase();
    expect(hub.entriesAfter('owner-a', '0-1')).toBeNull();
    publish('2-0', v(3));
    expect(a.received).toEqual(['1-0 p v5', '1-0 reset', '2-0 p v3']);
  });

  it('takes rows for restored when two comparisons find them older than what was delivered', async () => {
    const { hub, rows, restored, publish } = setUp();
    hub.join('owner-a', listener());
    publish('1-0', v(5));
    rows.set('p', v(4)); // read before the change to version 5
    await hub.compareWithDatabase();
    rows.set('p', v(5));
    await hub.compareWithDatabase();
    expect(restored.assumed).toBe(0);
    rows.set('p', v(2));
    await hub.compareWithDatabase();
    await hub.compareWithDatabase();
    expect(restored.assumed).toBe(1);
  });
});
