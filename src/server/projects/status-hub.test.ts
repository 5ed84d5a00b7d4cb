import { describe, expect, it } from 'vitest';

import { projectFixture } from '../../../tests/support/project-fixture.ts';
import type { Project } from '../../shared/contract/project.ts';
import { createStatusHub, type HubSubscriber } from './status-hub.ts';

/** A hub on a database of the test's own making, and a clock that the test moves. */
function setUp({ ringSize = 10, maxRepairs = 100 } = {}) {
  const rows = new Map<string, Project>();
  const clock = { nowMs: 0 };
  const observation: { last: { reachable: boolean | null; observedAt: string | null } | null } = { last: null };
  const hub = createStatusHub({
    listVersions: async (ownerIds) =>
      [...rows.values()]
        .filter(({ ownerId }) => ownerIds.includes(ownerId))
        .map(({ id, ownerId, statusVersion, status }) => ({
          id,
          ownerId,
          statusVersion,
          archived: status === 'archived',
        })),
    findProjects: async (ids) => [...rows.values()].filter(({ id }) => ids.includes(id)),
    readWatchObservation: async () => observation.last,
    now: () => clock.nowMs,
    ringSize,
    maxRepairs,
    noResumeAfterRepairMs: 20_000,
  });
  const publish = (id: string, project: Project) => hub.reader.onEntry(id, { type: 'project', project });
  return { hub, rows, clock, observation, publish };
}

function listener(): HubSubscriber & { heard: string[] } {
  const heard: string[] = [];
  return {
    heard,
    onProject: (id, project) => heard.push(`${id} ${project.id} v${project.statusVersion}`),
    onFreshness: (id, freshness) => heard.push(`${id} ${freshness.state}`),
    onGap: (id) => heard.push(`${id} gap`),
  };
}

const v = (statusVersion: number, more: Partial<Project> = {}) => projectFixture({ id: 'p', statusVersion, ...more });

describe('the hub', () => {
  it('passes an entry on to its owner alone', () => {
    const { hub, publish } = setUp();
    const [a, b] = [listener(), listener()];
    hub.join('owner-a', a);
    hub.join('owner-b', b);
    publish('1-0', v(1));
    expect(a.heard).toEqual(['1-0 p v1']);
    expect(b.heard).toEqual([]);
  });

  it('passes nothing on to who has left', () => {
    const { hub, publish } = setUp();
    const a = listener();
    hub.join('owner-a', a)();
    publish('1-0', v(1));
    expect(a.heard).toEqual([]);
    expect(hub.subscriberCount()).toBe(0);
  });

  it('drops entries that repeat or go back', () => {
    const { hub, publish } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    publish('1-0', v(2));
    publish('2-0', v(2));
    publish('3-0', v(1));
    expect(a.heard).toEqual(['1-0 p v2']);
  });

  it('tells the others what one of them has read from the database', () => {
    const { hub } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.join('owner-a', listener());
    hub.noteSnapshot('owner-a', [v(4)], { complete: true });
    expect(a.heard).toEqual(['0-0 p v4']);
  });

  it('tells everybody of a gap', () => {
    const { hub } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.reader.onGap('5-0');
    expect(a.heard).toEqual(['5-0 gap']);
  });

  it('says that status is delayed when heartbeats stay out, and live when they are back', () => {
    const { hub, clock } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.reader.onEntry('1-0', { type: 'heartbeat', reachable: true, asOf: null });
    clock.nowMs = 10_001;
    hub.checkFreshness();
    hub.checkFreshness();
    hub.reader.onEntry('2-0', { type: 'heartbeat', reachable: true, asOf: null });
    expect(a.heard).toEqual(['1-0 live', '1-0 delayed', '2-0 live']);
  });
});

describe('resuming from the ring', () => {
  it('gives the entries of the owner after the id', () => {
    const { hub, publish } = setUp();
    hub.reader.onGap('0-5');
    publish('1-0', v(1));
    publish('2-0', v(2));
    publish('3-0', v(9, { ownerId: 'owner-b', id: 'q' }));
    expect(hub.entriesAfter('owner-a', '1-0')?.map(({ id }) => id)).toEqual(['2-0']);
  });

  it('is refused before the stream was reached, before a gap, beyond the newest entry, and beyond the size', () => {
    const { hub, publish } = setUp({ ringSize: 2 });
    expect(hub.entriesAfter('owner-a', '0-0')).toBeNull();
    hub.reader.onGap('5-0');
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
    hub.noteSnapshot('owner-a', [], { complete: true });
    publish('1-0', v(1));
    rows.set('p', v(2));
    rows.set('new', projectFixture({ id: 'new', statusVersion: 1 }));
    await hub.compareWithDatabase();
    await hub.compareWithDatabase();
    expect(a.heard).toEqual(['1-0 p v1', '1-0 p v2', '1-0 new v1']);
  });

  it('makes its owner read a snapshot instead of resuming from before what was lost', async () => {
    const { hub, rows, clock, publish } = setUp();
    hub.reader.onGap('0-1');
    hub.join('owner-a', listener());
    hub.noteSnapshot('owner-a', [v(1)], { complete: true });
    publish('1-0', v(2));
    rows.set('p', v(3));
    await hub.compareWithDatabase();
    publish('2-0', v(4));
    expect(hub.entriesAfter('owner-a', '2-0')).toBeNull();
    expect(hub.entriesAfter('owner-b', '2-0')).toEqual([]);
    clock.nowMs = 20_000;
    expect(hub.entriesAfter('owner-a', '1-0')).toBeNull();
    expect(hub.entriesAfter('owner-a', '2-0')).toEqual([]);
  });

  it('tells how old the status is while the stream is silent, and only when all of it is shown', async () => {
    const { hub, rows, clock, observation } = setUp({ maxRepairs: 1 });
    hub.join('owner-a', listener());
    hub.noteSnapshot('owner-a', [], { complete: true });
    const asOf = '2026-11-01T10:00:00.000Z';
    observation.last = { reachable: true, observedAt: asOf };
    for (const id of ['p', 'q']) rows.set(id, v(1, { id }));
    clock.nowMs = 60_000;
    await hub.compareWithDatabase();
    expect(hub.freshness()).toEqual({ state: 'delayed', asOf: null });
    await hub.compareWithDatabase();
    expect(hub.freshness()).toEqual({ state: 'delayed', asOf });
    observation.last = { reachable: false, observedAt: asOf };
    await hub.compareWithDatabase();
    expect(hub.freshness()).toEqual({ state: 'unreachable', asOf });
  });

  it('does not bring back what was archived before anybody looked', async () => {
    const { hub, rows } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.noteSnapshot('owner-a', [], { complete: true });
    rows.set('p', v(9, { status: 'archived' }));
    await hub.compareWithDatabase();
    expect(a.heard).toEqual([]);
  });

  it('delivers an archiving that was lost', async () => {
    const { hub, rows } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    hub.noteSnapshot('owner-a', [v(1)], { complete: true });
    rows.set('p', v(2, { status: 'archived' }));
    await hub.compareWithDatabase();
    expect(a.heard).toEqual(['0-0 p v1', '0-0 p v2']);
  });

  it('delivers everything once to an owner who has only resumed', async () => {
    const { hub, rows } = setUp();
    const a = listener();
    hub.join('owner-a', a);
    rows.set('p', v(1));
    rows.set('gone', v(2, { id: 'gone', status: 'archived' }));
    await hub.compareWithDatabase();
    await hub.compareWithDatabase();
    expect(a.heard).toEqual(['0-0 p v1', '0-0 gone v2']);
  });
});
