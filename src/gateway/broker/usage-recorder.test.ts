import { describe, expect, it } from 'vitest';

import type { UsageEntry } from '../../shared/node/db/model-usage-repository.ts';
import { costOf, createUsageRecorder } from './usage-recorder.ts';

const entry = (model: string): UsageEntry => ({
  userId: 'one',
  projectId: 'p',
  runId: null,
  provider: 'anthropic',
  model,
  keyOwner: 'installation',
  requests: 1,
  unmeasuredRequests: 0,
  unpricedRequests: 1,
  inputTokens: 10,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 5,
  costMicros: 0,
});

describe('the usage recorder', () => {
  it('keeps what the database did not take, and writes it once, as one row', async () => {
    const written: UsageEntry[] = [];
    let isAway = true;
    const errors: unknown[] = [];
    const recorder = createUsageRecorder({
      write: async (each) => {
        if (isAway) throw new Error('away');
        written.push(each);
        await Promise.resolve();
      },
      onError: (error) => errors.push(error),
      onLost: () => undefined,
    });
    recorder.add(entry('a'));
    recorder.add(entry('a'));
    recorder.add(entry('b'));
    await expect(recorder.flush()).rejects.toThrow('away');
    expect(errors).toHaveLength(3);
    isAway = false;
    await recorder.flush();
    await recorder.flush();
    expect(
      Object.fromEntries(written.map(({ model, requests, inputTokens }) => [model, [requests, inputTokens]])),
    ).toEqual({
      a: [2, 20],
      b: [1, 10],
    });
    expect(written).toHaveLength(2);
  });
});

describe('the cost of tokens', () => {
  const tokens = { input: 1_000, cachedInput: 600, cacheWrite: 100, output: 50 };

  it('is never guessed', () => expect(costOf(tokens, null)).toBeNull());

  it('has prices of their own for cached and written tokens, when they are known', () => {
    expect(costOf(tokens, { input: 3, output: 15 })).toBe(1_000 * 3 + 50 * 15);
    expect(costOf(tokens, { input: 3, output: 15, cachedInput: 0.3, cacheWrite: 3.75 })).toBe(
      300 * 3 + 600 * 0.3 + 100 * 3.75 + 50 * 15,
    );
  });
});
