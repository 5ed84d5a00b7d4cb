import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

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
/** The events of all watches in this test, by the name of the object. */
let received: Map<string, WatchEvent[]>;

beforeAll(async () => {
  cluster = await startQuickCluster();
  system = await createWorkerSystem(cluster);
  historyOf = await recordRows(system.db);
  await system.startWorker();
});
afterAll(async () => {
  await system.stop();
  await cluster.stop();
});
beforeEach(() => {
  received = new Map();
  system.kubernetes.alter = (event) => {
    record(event);
    return [event];
  };
});

/** Records an event. Returns all events of its object so far. */
function record(event: WatchEvent): WatchEvent[] {
  const name = event.object.metadata?.name ?? '';
  const events = [...(received.get(name) ?? []), event];
  received.set(name, events);
  return events;
}

function receivedEvent(name: string, test: (event: WatchEvent) => boolean): WatchEvent {
  const found = received.get(name)?.find(test);
  if (!found) throw new Error(`The watch has received no such event of ${name}.`);
  return found;
}

/** Sends an event on the watch of pods, as if it came from the API. */
function send(event: WatchEvent): void {
  for (const watch of system.kubernetes.watches) if (watch.path.endsWith('/pods')) watch.send(event);
}

/** Waits until the worker has handled all events sent so far: the whole start of another pod comes after them. */
async function untilHandled(): Promise<void> {
  const other = await system.create();
  await system.until(other.id, { status: 'ready' });
}

async function createReady(): Promise<ProjectRecord> {
  const project = await system.create();
  return system.until(project.id, { status: 'ready', observedGeneration: 1 });
}

const startingReasons = new Set(['waiting-for-node', 'scheduled', 'creating', 'starting']);

/** Versions rise one by one, a replaced pod never returns, and a pod that was ready never starts again. */
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
    expect(afterReady.filter((reason) => startingReasons.has(reason))).toEqual([]);
  }
}

describe('fault 16: duplicated, reordered and old-uid events', () => {
  const disorders: Record<string, (event: WatchEvent, before: WatchEvent[]) => WatchEvent[]> = {
    'when every event comes twice': (event) => [event, event],
    'when all earlier events come again after every event': (event, before) => [event, ...before],
    'when all earlier events come again after every event, newest first': (event, before) => [
      event,
      ...before.toReversed(),
    ],
    'when the previous event comes again after every event': (event, before) => [event, ...before.slice(-1)],
  };

  it.each(Object.entries(disorders))(
    '%s, versions only rise and the row ends with the newest state',
    async (_, disorder) => {
      system.kubernetes.alter = (event) => {
        if (event.type === 'BOOKMARK') return [event];
        const events = record(event);
        return disorder(event, events.slice(0, -1));
      };
      const first = await createReady();
      await system.command(first.id, 'restart');
      const second = await system.until(first.id, { status: 'ready', observedGeneration: 2 });
      expect(second.podUid).not.toBe(first.podUid);
      expect((await system.podsOf(first.id)).map((pod) => pod.metadata?.uid)).toEqual([second.podUid]);
      await untilHandled();
      expect(await system.read(first.id)).toEqual(second);
      await system.command(first.id, 'stop');
      const stopped = await system.until(first.id, { status: 'stopped', podUid: null });
      await untilHandled();
      expect(await system.read(first.id)).toEqual(stopped);
      expectForwardOnly(await historyOf(first.id));
    },
  );

  it('an old event of a pod that is ready by now changes nothing', async () => {
    const ready = await createReady();
    send(receivedEvent(ready.podName, ({ type }) => type === 'ADDED'));
    send(receivedEvent(ready.podName, ({ type }) => type === 'MODIFIED'));
    await untilHandled();
    expect(await system.read(ready.id)).toEqual(ready);
  });

  it('an ADDED event after the DELETED event of the same pod changes nothing', async () => {
    const ready = await createReady();
    await system.command(ready.id, 'stop');
    const stopped = await system.until(ready.id, { status: 'stopped', podUid: null });
    await vi.waitFor(() => receivedEvent(ready.podName, ({ type }) => type === 'DELETED'), 10_000);
    send(receivedEvent(ready.podName, ({ type }) => type === 'ADDED'));
    await untilHandled();
    expect(await system.read(ready.id)).toEqual(stopped);
  });

  it.each(['ADDED', 'MODIFIED', 'DELETED'] as const)(
    'a late %s event of the pod before a restart does not change the row of the pod after it',
    async (type) => {
      const before = await createReady();
      await system.command(before.id, 'restart');
      const after = await system.until(before.id, { status: 'ready', observedGeneration: 2 });
      const late = receivedEvent(
        before.podName,
        (event) => event.type === type && event.object.metadata?.uid === before.podUid,
      );
      send(late);
      await untilHandled();
      expect(await system.read(before.id)).toEqual(after);
    },
  );

  it('a DELETED event of another uid changes nothing, even with a newer resource version', async () => {
    const before = await createReady();
    await system.command(before.id, 'restart');
    const after = await system.until(before.id, { status: 'ready', observedGeneration: 2 });
    const { object } = receivedEvent(before.podName, ({ type }) => type === 'DELETED');
    send({ type: 'DELETED', object: { ...object, metadata: { ...object.metadata, resourceVersion: '999999999' } } });
    await untilHandled();
    expect(await system.read(before.id)).toEqual(after);
  });
});
