import { describe, expect, it } from 'vitest';

import { applyOutput } from './apply-output.ts';
import type { OutputEntry, TranscriptMessage } from './tasks.ts';

const message = {
  id: 'm',
  role: 'assistant',
  createdAt: '2026-01-01T00:00:00.000Z',
  completedAt: null,
  error: null,
} as const;
const delta = (offset: number, text: string): OutputEntry => ({
  type: 'delta',
  messageId: 'm',
  partId: 'p',
  offset,
  text,
});
const text = (value: string): OutputEntry => ({
  type: 'part',
  messageId: 'm',
  part: { id: 'p', type: 'text', text: value },
});
const play = (entries: OutputEntry[], from: TranscriptMessage[] = []) =>
  entries.reduce<TranscriptMessage[]>((messages, entry) => applyOutput(messages, entry), from);

describe('applyOutput', () => {
  const entries = [{ type: 'message', message } as const, text(''), delta(0, 'Hel'), delta(3, 'lo')];

  it('builds the conversation from messages, parts and deltas', () => {
    expect(play(entries)).toEqual([{ ...message, parts: [{ id: 'p', type: 'text', text: 'Hello' }] }]);
  });

  it('sorts messages by id, whatever their order', () => {
    const both = play([
      { type: 'message', message },
      { type: 'message', message: { ...message, id: 'a' } },
    ]);
    expect(both.map(({ id }) => id)).toEqual(['a', 'm']);
  });

  it('has the same result when entries are applied again', () => {
    expect(play(entries, play(entries))).toEqual(play(entries));
    expect(play(entries.slice(2), play(entries))).toEqual(play(entries));
  });

  it('leaves a text alone when a delta before this one is missing', () => {
    const [shown] = play([...entries, delta(9, 'late')]);
    expect(shown?.parts).toEqual([{ id: 'p', type: 'text', text: 'Hello' }]);
    expect(play([text('Hello world')], play(entries))[0]?.parts[0]).toMatchObject({ text: 'Hello world' });
  });
});
