import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';

import {
  createScriptedKubernetes,
  type ScriptedKubernetes,
  type ScriptedRequest,
} from '../../../../tests/support/scripted-kubernetes.ts';
import { systemClock } from '../../../shared/clock.ts';
import { createLog } from '../../../shared/node/log.ts';
import { createKubernetesClient } from '../kube/kubernetes-client.ts';
import { listWatch, type ListWatchLimits } from './list-watch.ts';

const objectSchema = z.object({ metadata: z.object({ name: z.string(), uid: z.string() }) });
type Thing = z.infer<typeof objectSchema>;

const thing = (name: string, resourceVersion = '1') => ({ metadata: { name, uid: `uid-${name}`, resourceVersion } });
const bookmark = (resourceVersion: string) => ({ kind: 'Pod', metadata: { resourceVersion } });
const status = (code: number, reason: string) => ({ kind: 'Status', code, reason, message: `scripted ${reason}` });

let api: ScriptedKubernetes;

beforeEach(async () => {
  api = await createScriptedKubernetes();
});
afterEach(() => api.stop());

interface ObservedState {
  lists: string[][];
  changes: string[];
  /** The last connection state that was reported. */
  connected: boolean | null;
}

/** Runs a list-watch with short limits for one test, and shows the calls of its handler. */
function begin(options: { limits?: Partial<ListWatchLimits>; onList?: (objects: Thing[]) => Promise<void> } = {}) {
  const observed: ObservedState = { lists: [], changes: [], connected: null };
  const stopping = new AbortController();
  const ended = listWatch<Thing>({
    kubernetes: createKubernetesClient({
      loadKubeConfig: () => api.kubeConfig,
      namespace: 'test',
      clock: systemClock,
      random: () => 0,
    }),
    resource: 'pods',
    labelSelector: 'app=test',
    schema: objectSchema,
    log: createLog({ name: 'test', level: 'silent' }),
    random: () => 0.5,
    signal: stopping.signal,
    limits: { pageSize: 2, idleMs: 1_000, listMs: 1_000, firstBackOffMs: 10, longestBackOffMs: 60, ...options.limits },
    handler: {
      async onList(objects) {
        await options.onList?.(objects);
        observed.lists.push(objects.map((each) => each.metadata.name));
      },
      onChange: (type, object) => void observed.changes.push(`${type} ${object.metadata.name}`),
      onUnreadable: () => undefined,
      onState: (state) => {
        observed.connected = state.connected;
      },
    },
  });
  const stop = async () => {
    stopping.abort();
    await ended;
  };
  onTestFinished(stop);
  return { observed, stop };
}

const isWatch = (request: ScriptedRequest) => request.query.get('watch') === 'true';

async function nextList(): Promise<ScriptedRequest> {
  const request = await api.next();
  expect(isWatch(request), 'a list was expected').toBe(false);
  return request;
}

async function nextWatch(from: string): Promise<ScriptedRequest> {
  const request = await api.next();
  expect(isWatch(request), 'a watch was expected').toBe(true);
  expect(request.query.get('resourceVersion')).toBe(from);
  return request;
}

/** Answers the list with one object, and opens the watch that follows. */
async function startWatching(resourceVersion = '10'): Promise<ScriptedRequest> {
  (await nextList()).list([thing('one')], { resourceVersion });
  const watch = await nextWatch(resourceVersion);
  watch.openWatch();
  return watch;
}

/** Expects a new list, a watch from there, and an event of that watch: only that proves that the list-watch works. */
async function expectRestart(observed: ObservedState): Promise<ScriptedRequest> {
  (await nextList()).list([thing('two')], { resourceVersion: '50' });
  const watch = await nextWatch('50');
  watch.openWatch();
  watch.event('MODIFIED', thing('two', '51'));
  await vi.waitFor(() => expect(observed.changes).toContain('MODIFIED two'));
  expect(observed.lists.at(-1)).toEqual(['two']);
  expect(observed.connected).toBe(true);
  return watch;
}

describe('listWatch without failures', () => {
  it('requests pages of the labelled objects and passes them on together', async () => {
    const { observed } = begin();
    const first = await nextList();
    expect(first.path).toBe('/api/v1/namespaces/test/pods');
    expect(Object.fromEntries(first.query)).toEqual({ labelSelector: 'app=test', limit: '2' });
    first.list([thing('one'), thing('two')], { resourceVersion: '7', continue: 'more' });
    const second = await nextList();
    expect(second.query.get('continue')).toBe('more');
    second.list([thing('three')], { resourceVersion: '7' });
    const watch = await nextWatch('7');
    expect(watch.query.get('allowWatchBookmarks')).toBe('true');
    expect(observed.lists).toEqual([['one', 'two', 'three']]);
  });

  it('passes on changes in their order, in however many packets they arrive', async () => {
    const { observed } = begin();
    const watch = await startWatching();
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: thing('grün', '11') })}\n`);
    const cut = line.indexOf('ü') + 1; // in the middle of a character
    watch.event('ADDED', thing('two', '11'));
    watch.raw(line.subarray(0, cut));
    await vi.waitFor(() => expect(observed.changes).toEqual(['ADDED two']));
    watch.raw(line.subarray(cut));
    watch.event('DELETED', thing('two', '13'));
    await vi.waitFor(() => expect(observed.changes).toEqual(['ADDED two', 'ADDED grün', 'DELETED two']));
  });

  it('continues after a regular end from the last change, without another list', async () => {
    const { observed } = begin();
    const watch = await startWatching();
    watch.event('ADDED', thing('two', '12'));
    watch.end();
    const resumed = await nextWatch('12');
    resumed.openWatch();
    resumed.event('MODIFIED', thing('two', '13'));
    await vi.waitFor(() => expect(observed.changes).toEqual(['ADDED two', 'MODIFIED two']));
    expect(observed.lists).toHaveLength(1);
  });

  it('continues after a regular end from the last bookmark, and a bookmark is no change', async () => {
    const { observed } = begin();
    const watch = await startWatching();
    watch.event('BOOKMARK', bookmark('42'));
    watch.end();
    (await nextWatch('42')).openWatch();
    expect(observed.changes).toEqual([]);
  });

  it('keeps a watch that only sends bookmarks', async () => {
    const { observed } = begin({ limits: { idleMs: 400 } });
    const watch = await startWatching();
    const began = performance.now();
    for (let version = 11; performance.now() - began < 1_000; version++) {
      watch.event('BOOKMARK', bookmark(String(version)));
      const sent = performance.now();
      await vi.waitUntil(() => performance.now() - sent > 50, { interval: 10 });
    }
    expect(api.unasked()).toBe(0);
    expect(observed.connected).toBe(true);
  });

  it('lists again at intervals, even when the watch works', async () => {
    const { observed } = begin({ limits: { relistMs: 0 } });
    (await nextList()).list([thing('one')], { resourceVersion: '10' });
    (await nextList()).list([thing('two')], { resourceVersion: '20' });
    await vi.waitFor(() => expect(observed.lists).toContainEqual(['two']));
  });

  it('skips an object that it cannot parse, and keeps the others', async () => {
    const { observed } = begin();
    (await nextList()).list([{ metadata: {} }, thing('one')], { resourceVersion: '10' });
    const watch = await nextWatch('10');
    watch.openWatch();
    watch.event('MODIFIED', { metadata: { resourceVersion: '11' } });
    watch.event('MODIFIED', thing('one', '12'));
    await vi.waitFor(() => expect(observed.changes).toEqual(['MODIFIED one']));
    expect(observed.lists).toEqual([['one']]);
  });
});

describe('listWatch with failures', () => {
  const endings: Record<string, (watch: ScriptedRequest) => void> = {
    'an ERROR event that says 410': (watch) => watch.event('ERROR', status(410, 'Expired')),
    'an ERROR event that says 500': (watch) => watch.event('ERROR', status(500, 'InternalError')),
    'a reset connection': (watch) => watch.reset(),
    'half a line before a regular end': (watch) => {
      watch.raw('{"type":"MODIFIED","object":{"metadata":{"na');
      watch.end();
    },
    'half a line before a reset': (watch) => {
      watch.raw('{"type":"MODIFIED","object":{"metadata":{"na');
      watch.reset();
    },
    'a line that is not JSON': (watch) => watch.raw('nonsense\n'),
    'an event of a type that does not exist': (watch) => watch.event('RENAMED', thing('one', '11')),
    'silence beyond the limit': () => undefined,
  };

  it.each(Object.entries(endings))('lists again and watches again after %s', async (_, ending) => {
    const { observed } = begin();
    const watch = await startWatching();
    await vi.waitFor(() => expect(observed.connected).toBe(true));
    ending(watch);
    await vi.waitFor(() => expect(observed.connected).toBe(false), 5_000);
    await expectRestart(observed);
    expect(observed.changes).toEqual(['MODIFIED two']);
  });

  const refusals: Record<string, (request: ScriptedRequest) => void> = {
    'a status of 410': (request) => request.answer(410, status(410, 'Gone')),
    'a status of 500': (request) => request.answer(500, status(500, 'InternalError')),
    'a status of 401': (request) => request.answer(401, status(401, 'Unauthorized')),
    'a status of 403': (request) => request.answer(403, status(403, 'Forbidden')),
    'a status of 502 with HTML': (request) => request.answer(502, '<html>Bad Gateway</html>'),
    'a status of 200 with HTML': (request) => request.answer(200, '<html>Welcome</html>'),
    'a reset before the headers': (request) => request.reset(),
    'silence before the headers': () => undefined,
  };

  it.each(Object.entries(refusals))('watches again after its watch was answered by %s', async (_, refusal) => {
    const { observed } = begin();
    (await nextList()).list([thing('one')], { resourceVersion: '10' });
    refusal(await nextWatch('10'));
    await expectRestart(observed);
  });

  it.each(Object.entries(refusals))('watches again after its list was answered by %s', async (_, refusal) => {
    const { observed } = begin();
    refusal(await nextList());
    await expectRestart(observed);
    expect(observed.lists).toEqual([['two']]);
  });

  it.each([
    ['no items', { kind: 'PodList', metadata: { resourceVersion: '10' } }],
    ['no resource version', { kind: 'PodList', metadata: {}, items: [] }],
    ['another kind', { kind: 'Status', metadata: { resourceVersion: '10' }, items: [] }],
  ])('rejects a list with %s, which would delete every object', async (_, body) => {
    const { observed } = begin();
    await startWatching().then((watch) => watch.reset());
    (await nextList()).answer(200, body);
    await expectRestart(observed);
    expect(observed.lists).toEqual([['one'], ['two']]);
  });

  it('does not use the first page of a list when a later page fails', async () => {
    const { observed } = begin();
    (await nextList()).list([thing('one'), thing('two')], { resourceVersion: '7', continue: 'more' });
    (await nextList()).answer(410, status(410, 'Expired'));
    const again = await nextList();
    expect(again.query.get('continue')).toBeNull();
    again.list([thing('three')], { resourceVersion: '9' });
    await nextWatch('9');
    expect(observed.lists).toEqual([['three']]);
  });

  it.each([2, 5])('does not give up after %i failures in a row', async (count) => {
    const { observed } = begin();
    await startWatching().then((watch) => watch.reset());
    for (let failure = 0; failure < count; failure++) (await nextList()).reset();
    await expectRestart(observed);
  });

  it('sends nothing before the time that Retry-After requests', async () => {
    begin();
    const refused = await nextList();
    const answeredAt = performance.now();
    refused.answer(429, status(429, 'TooManyRequests'), { 'retry-after': '1' });
    const again = await nextList();
    expect(again.at - answeredAt).toBeGreaterThan(990);
    expect(again.at - answeredAt).toBeLessThan(2_000);
  });

  it('increases its back-off when each list succeeds but each watch fails', async () => {
    begin({ limits: { firstBackOffMs: 20, longestBackOffMs: 1_000 } });
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const list = await nextList();
      times.push(list.at);
      list.list([], { resourceVersion: '10' });
      (await nextWatch('10')).answer(403, status(403, 'Forbidden'));
    }
    // Delays of three quarters of 20, 40, 80 and 160 ms.
    expect(times[4]! - times[3]!).toBeGreaterThan(100); // five rounds were made
  });

  it('waits before it lists again when the API ends each watch immediately', async () => {
    const { observed } = begin({ limits: { firstBackOffMs: 50, longestBackOffMs: 50 } });
    const watch = await startWatching();
    const endedAt = performance.now();
    watch.end();
    const list = await nextList();
    expect(list.at - endedAt).toBeGreaterThan(30);
    expect(observed.connected).toBe(false);
  });

  it('lists again when its handler rejected the list', async () => {
    let failures = 0;
    const { observed } = begin({
      onList: () => (failures++ < 2 ? Promise.reject(new Error('the database is unavailable')) : Promise.resolve()),
    });
    (await nextList()).list([thing('one')], { resourceVersion: '10' });
    (await nextList()).list([thing('one')], { resourceVersion: '10' });
    await expectRestart(observed);
    expect(observed.lists).toEqual([['two']]);
  });
});

describe('listWatch after an abort', () => {
  it.each(['while it lists', 'while it connects', 'while it watches', 'while it waits'])(
    'ends immediately %s, and leaves no request open',
    async (when) => {
      const { stop } = begin({ limits: { idleMs: 60_000, listMs: 60_000, firstBackOffMs: 60_000 } });
      const list = await nextList();
      let open: ScriptedRequest | null = list;
      if (when === 'while it waits') {
        list.answer(500, status(500, 'InternalError'));
        open = null;
      } else if (when !== 'while it lists') {
        list.list([], { resourceVersion: '10' });
        open = await nextWatch('10');
        if (when === 'while it watches') open.openWatch();
      }
      await stop();
      await open?.closed;
      expect(api.unasked()).toBe(0);
    },
    2_000,
  );
});
