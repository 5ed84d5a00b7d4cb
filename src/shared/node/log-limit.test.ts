import { expect, it } from 'vitest';

import { createLimitedWarn } from './log-limit.ts';

it('a lasting condition is logged once a minute, with the number of repetitions, and apart from other conditions', () => {
  const lines: unknown[] = [];
  let nowMs = 0;
  const warn = createLimitedWarn({ warn: (fields: unknown) => void lines.push(fields) } as never, () => nowMs);
  for (; nowMs < 59_000; nowMs += 1_000) warn('full', { cause: 'full' }, 'refused');
  warn('read-only', { cause: 'read-only' }, 'refused');
  nowMs = 60_000;
  warn('full', { cause: 'full' }, 'refused');
  expect(lines).toEqual([{ cause: 'full' }, { cause: 'read-only' }, { cause: 'full', repeated: 58 }]);
});
