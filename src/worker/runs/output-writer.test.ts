import { describe, expect, it, onTestFinished, vi } from 'vitest';

import type { OutputEntry } from '../../shared/contract/tasks.ts';
import { createOutputWriter } from './output-writer.ts';

const part = (text: string) =>
  ({ type: 'part', sessionId: 's', messageId: 'm', part: { id: 'p', type: 'text', text } }) as const;
const delta = (text: string) => ({ type: 'delta', sessionId: 's', messageId: 'm', partId: 'p', text }) as const;

describe('createOutputWriter', () => {
  it('joins deltas, says where each begins, and keeps the order', async () => {
    const appended: OutputEntry[][] = [];
    const writer = createOutputWriter(async (entries) => void appended.push(entries));
    for (const event of [part(''), delta('Hel'), delta('lo')]) writer.write(event);
    await writer.flush();
    writer.write(delta(' there'));
    await writer.flush();
    expect(
      appended.map((entries) =>
        entries.map((entry) => (entry.type === 'delta' ? [entry.offset, entry.text] : entry.type)),
      ),
    ).toEqual([['part', [0, 'Hello']], [[5, ' there']]]);
  });

  it('appends what comes after a rest at once, and what follows in batches', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const appended: OutputEntry[][] = [];
    const writer = createOutputWriter(async (entries) => void appended.push(entries));
    const after = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      return appended.length;
    };
    writer.write(part(''));
    expect(await after(0)).toBe(1);
    for (const text of ['one', ' two']) writer.write(delta(text));
    expect(await after(49)).toBe(1);
    writer.write(delta(' three'));
    expect(await after(1)).toBe(2);
    expect(appended[1]).toMatchObject([{ type: 'delta', text: 'one two three' }]);
    await after(60);
    writer.write(delta(' four'));
    expect(await after(0)).toBe(3);
  });

  it('drops deltas whose place is unknown, and what Redis does not take', async () => {
    const appended: OutputEntry[] = [];
    let isAway = true;
    const writer = createOutputWriter(async (entries) => {
      if (isAway) throw new Error('Redis does not answer.');
      appended.push(...entries);
    });
    writer.write(part('one'));
    await writer.flush();
    isAway = false;
    writer.restart();
    writer.write(delta('lost'));
    writer.write(part('one lost'));
    writer.write(delta(' two'));
    await writer.flush();
    expect(appended).toMatchObject([{ type: 'part' }, { type: 'delta', offset: 8, text: ' two' }]);
  });
});
