import { describe, expect, it, vi } from 'vitest';

import { createWorkQueue } from './work-queue.ts';

/** A queue whose work waits for the test. `finish` ends the current run of a key. */
function begin(options: { concurrency?: number; retryMs?: number } = {}) {
  const started: string[] = [];
  const errors: string[] = [];
  const open = new Map<string, { resolve(): void; reject(error: Error): void }>();
  let mostAtOnce = 0;
  const queue = createWorkQueue({
    concurrency: options.concurrency ?? 2,
    async work(key) {
      started.push(key);
      if (open.has(key)) throw new Error(`${key} is processed twice at once`);
      await new Promise<void>((resolve, reject) => {
        open.set(key, { resolve, reject });
        mostAtOnce = Math.max(mostAtOnce, open.size);
      }).finally(() => open.delete(key));
    },
    onError(key, error) {
      errors.push(`${key}: ${String(error)}`);
      return options.retryMs ?? 5;
    },
  });
  const settle = async (key: string, how: (run: { resolve(): void; reject(error: Error): void }) => void) => {
    const run = await vi.waitUntil(() => open.get(key));
    how(run);
    await vi.waitUntil(() => open.get(key) !== run);
  };
  return {
    queue,
    started,
    errors,
    mostAtOnce: () => mostAtOnce,
    finish: (key: string) => settle(key, (run) => run.resolve()),
    fail: (key: string) => settle(key, (run) => run.reject(new Error('broken'))),
  };
}

describe('createWorkQueue', () => {
  it('processes a key once although it was added several times before its turn', async () => {
    const { queue, started, finish } = begin({ concurrency: 1 });
    queue.add('busy');
    for (let time = 0; time < 5; time++) queue.add('waiting');
    await finish('busy');
    await finish('waiting');
    await queue.idle();
    expect(started).toEqual(['busy', 'waiting']);
  });

  it('gives the place of a key that failed to others, until that key is processed again', async () => {
    const { queue, started, fail, finish } = begin({ concurrency: 1, retryMs: 100_000 });
    queue.add('poison');
    queue.add('healthy');
    await fail('poison');
    queue.add('poison');
    await finish('healthy');
    expect(started).toEqual(['poison', 'healthy']);
    expect(queue.has('poison')).toBe(true);
    await queue.stop();
  });

  it('processes a key once more when it was added during its run, and never twice at once', async () => {
    const { queue, started, errors, finish } = begin();
    queue.add('key');
    for (let time = 0; time < 5; time++) queue.add('key');
    await finish('key');
    await finish('key');
    await queue.idle();
    expect(started).toEqual(['key', 'key']);
    expect(errors).toEqual([]);
  });

  it('processes as many keys at once as its concurrency allows', async () => {
    const { queue, started, mostAtOnce, finish } = begin({ concurrency: 2 });
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    expect(started).toEqual(['a', 'b']);
    for (const key of ['b', 'a', 'c', 'd']) await finish(key);
    await queue.idle();
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    expect(mostAtOnce()).toBe(2);
  });

  it('processes a failed key again until it succeeds, while other keys continue', async () => {
    const { queue, started, errors, finish, fail } = begin();
    queue.add('broken');
    queue.add('fine');
    for (let time = 0; time < 3; time++) await fail('broken');
    await finish('fine');
    await finish('broken');
    await queue.idle();
    expect(started.filter((key) => key === 'broken')).toHaveLength(4);
    expect(errors).toEqual(Array<string>(3).fill('broken: Error: broken'));
  });

  it('stops without waiting for a retry, drops the queued keys and accepts no others', async () => {
    const { queue, started, fail, finish } = begin({ concurrency: 1, retryMs: 60_000 });
    queue.add('broken');
    queue.add('running');
    queue.add('waiting');
    await fail('broken');
    const stopped = queue.stop();
    await finish('running');
    await stopped;
    queue.add('late');
    await queue.idle();
    expect(started).toEqual(['broken', 'running']);
  });

  it('stops only after the running work has ended', async () => {
    const { queue, finish } = begin();
    queue.add('running');
    const order: string[] = [];
    const stopping = (async () => {
      await queue.stop();
      order.push('stopped');
    })();
    await Promise.resolve();
    order.push('still running');
    await finish('running');
    await stopping;
    expect(order).toEqual(['still running', 'stopped']);
  });
});
