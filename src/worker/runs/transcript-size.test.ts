import { expect, it } from 'vitest';

import { keepNewest } from './transcript-size.ts';

const message = (id: string, text: string) =>
  ({
    id,
    role: 'assistant',
    createdAt: '2026-01-01T00:00:00.000Z',
    completedAt: null,
    error: null,
    parts: [{ id: 'p', type: 'text', text }],
  }) as const;

it('a conversation that is too long keeps its newest messages', () => {
  const messages = ['a', 'b', 'c'].map((id) => ({
    ...message(id, 'x'.repeat(1_000)),
    parts: [...message(id, 'x'.repeat(1_000)).parts],
  }));
  expect(keepNewest(messages)).toEqual({ messages, truncated: false });
  const short = keepNewest(messages, 2_600);
  expect([short.messages.map(({ id }) => id), short.truncated]).toEqual([['b', 'c'], true]);
  expect(keepNewest(messages, 10)).toMatchObject({ messages: [{ id: 'c', parts: [] }], truncated: true });
});
