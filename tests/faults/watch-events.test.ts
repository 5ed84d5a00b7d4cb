import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { WatchEvent } from '../support/faulty-watch.ts';
import { recordRows, type RowVersion } from '../support/row-history.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

let cluster: QuickCluster;
let system: WorkerSystem;
let historyOf: (projectId: string) => Promise<RowVersion[]>;
/** Every event of a watch so far, by the name of its object. */
let heard: Map<string, WatchEvent[]>;

beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  system = await createWorkerSystem(cluster);
  historyOf = await recordRows(system.db);
  heard = new Map();
  system.kubernetes.alter = (event) => {
    hear(event);
    return [event];
  };
});
afterEach(() => system.stop());

function hear(event: WatchEvent): WatchEvent[] {
  const name = event.object.metadata?.name ?? '';
  const events = [...(heard.get(name) ?? []), event];
  heard.set(name, events);
  return events;
}

function heardOf(name: string, test: (event: WatchEvent) => boolean): WatchEvent {
  const found = heard.get(name)?.find(test);
  if (!found) throw new Error(`No such event of ${name} was heard.`);
  return found;
}

/** Says it on the watch of pods as if the API had. */
function say(event: WatchEvent): void {
  for (const watch of system.kubernetes.watches) if (watch.path.endsWith('/pods')) watch.send(event);
}

/** What was said before this began has been heard and dealt with: a pod goes through its whole start after it. */
async function untilHeard(): Promise<void> {
  const other = await system.create();
  await system.until(other.id, { status: 'ready' });
}

async function startReady(): Promise<ProjectRecord> {
  await system.startWorker();
  const project = await system.create();
  return system.until(project.id, { status: 'ready', observedGeneration: 1 });
}

const onTheWayUp = new Set(['waiting-for-node', 'scheduled', 'creating', 'starting']);

/** Versions rise one by one, no pod comes back after another one, and none that was ready starts again. */
function expectForwardOnly(versions: RowVersion[]): void {
  expect(versions.length).toBeGreaterThan(3);
  const first = versions[0]?.version ?? 0;
  expect(versions.map(({ version }) => version)).toEqual(versions.map((_, index) => first + index));
  const pods = versions.map(({ podUid }) => podUid).filter((uid, index, all) => uid !== null && uid !== all[index - 1]);
  const order = pods.filter((uid, index) => uid !== pods[index - 1]);
  expect(order).toEqual([...new Set(order)]);
  for (const uid of order) {
    const reasons = versions.filter(({ podUid }) => podUid === uid).map(({ reason }) => reason);
    const afterReady = reasons.slice(reasons.indexOf('ready') + 1);
    expect(afterReady.filter((reason) => onTheWayUp.has(reason))).toEqual([]);
  }
}

describe('fault 16: duplicated, reordered and old-uid events', () => {
  const disorders: Record<string, (event: WatchEvent, before: WatchEvent[]) => WatchEvent[]> = {
    'every event comes twice': (event) => [event, event],
    'after every event all events before it come again': (event, before) => [event, ...before],
    'after every event all events before it come again, the newest first': (event, before) => [
      event,
      ...before.toReversed(),
    ],
    'every event is followed by the one that was before it': (event, before) => [event, ...before.slice(-1)],
  };

  it.each(Object.entries(disorders))(
    '%s: versions only rise, and the row ends with the newest state',
    async (_, disorder) => {
      system.kubernetes.alter = (event) => {
        if (event.type === 'BOOKMARK') return [event];
        const events = hear(event);
        return disorder(event, events.slice(0, -1));
      };
      const first = await startReady();
      await system.command(first.id, 'restart');
      const second = await system.until(first.id, { status: 'ready', observedGeneration: 2 });
      expect(second.podUid).not.toBe(first.podUid);
      expect((await system.podsOf(first.id)).map((pod) => pod.metadata?.uid)).toEqual([second.podUid]);
      await untilHeard();
      expect(await system.read(first.id)).toEqual(second);
      await system.command(first.id, 'stop');
      const stopped = await system.until(first.id, { status: 'stopped', podUid: null });
      await untilHeard();
      expect(await system.read(first.id)).toEqual(stopped);
      expectForwardOnly(await historyOf(first.id));
    },
  );

  it('a state from before it was ready changes nothing', async () => {
    const ready = await startReady();
    say(heardOf(ready.podName, ({ type }) => type === 'ADDED'));
    say(heardOf(ready.podName, ({ type }) => type === 'MODIFIED'));
    await untilHeard();
    expect(await system.read(ready.id)).toEqual(ready);
  });

  it('a pod that is said to be new after it was said to be gone stays gone', async () => {
    const ready = await startReady();
    await system.command(ready.id, 'stop');
    const stopped = await system.until(ready.id, { status: 'stopped', podUid: null });
    await vi.waitFor(() => heardOf(ready.podName, ({ type }) => type === 'DELETED'), 10_000);
    say(heardOf(ready.podName, ({ type }) => type === 'ADDED'));
    await untilHeard();
    expect(await system.read(ready.id)).toEqual(stopped);
  });

  it.each(['ADDED', 'MODIFIED', 'DELETED'] as const)(
    'a late %s of the pod before the restart says nothing of the pod after it',
    async (type) => {
      const before = await startReady();
      await system.command(before.id, 'restart');
      const after = await system.until(before.id, { status: 'ready', observedGeneration: 2 });
      const late = heardOf(
        before.podName,
        (event) => event.type === type && event.object.metadata?.uid === before.podUid,
      );
      say(late);
      await untilHeard();
      expect(await system.read(before.id)).toEqual(after);
    },
  );

  it('a DELETED of another uid changes nothing, however new it claims to be', async () => {
    const before = await startReady();
    await system.command(before.id, 'restart');
    const after = await system.until(before.id, { status: 'ready', observedGeneration: 2 });
    const { object } = heardOf(before.podName, ({ type }) => type === 'DELETED');
    say({ type: 'DELETED', object: { ...object, metadata: { ...object.metadata, resourceVersion: '999999999' } } });
    await untilHeard();
    expect(await system.read(before.id)).toEqual(after);
  });
});
