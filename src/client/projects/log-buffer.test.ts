import { describe, expect, it } from 'vitest';

import type { LogLine } from '../../shared/contract/pod-logs.ts';
import { emptyLog, maxRows, textOf, withEvent, withoutEscapes } from './log-buffer.ts';

const lines = (...texts: string[]): LogLine[] => texts.map((text) => ({ at: '2026-01-01T10:00:00Z', text }));
const texts = (buffer: typeof emptyLog) => buffer.rows.map(({ text }) => text);
const started = withEvent(emptyLog, { type: 'snapshot', lines: lines('one', 'two'), truncated: false });

describe('the buffer of a log', () => {
  it('appends lines to a snapshot, each with its own key', () => {
    const buffer = withEvent(started, { type: 'lines', lines: lines('three'), truncated: false });
    expect(texts(buffer)).toEqual(['one', 'two', 'three']);
    expect(new Set(buffer.rows.map(({ key }) => key)).size).toBe(3);
  });

  it('has only the lines of the last snapshot, with new keys', () => {
    const buffer = withEvent(started, { type: 'snapshot', lines: lines('one'), truncated: true });
    expect(texts(buffer)).toEqual(['one']);
    expect(buffer).toMatchObject({ isTruncated: true, rows: [{ key: 2 }] });
  });

  it('keeps its lines while none arrive, until lines arrive again', () => {
    const waiting = withEvent(started, { type: 'waiting', message: 'The cluster does not answer.' });
    expect(waiting).toMatchObject({ waiting: 'The cluster does not answer.', rows: started.rows });
    expect(withEvent(waiting, { type: 'lines', lines: [], truncated: false })).toMatchObject({
      waiting: null,
      rows: started.rows,
    });
  });

  it('is loaded after any event', () => {
    expect(emptyLog.isLoaded).toBe(false);
    expect(started.isLoaded).toBe(true);
    expect(withEvent(emptyLog, { type: 'waiting', message: 'Not started.' }).isLoaded).toBe(true);
  });

  it('keeps the newest 5,000 lines, and says that earlier ones are missing', () => {
    const many = lines(...Array.from({ length: maxRows }, (_, index) => String(index)));
    const buffer = withEvent(started, { type: 'lines', lines: many, truncated: false });
    expect(buffer.rows).toHaveLength(maxRows);
    expect(buffer.rows[0]?.text).toBe('0');
    expect(buffer.isTruncated).toBe(true);
  });

  it('marks the line after a gap', () => {
    const buffer = withEvent(started, { type: 'lines', lines: lines('nine', 'ten'), truncated: true });
    expect(buffer.rows.map(({ followsGap = false }) => followsGap)).toEqual([false, false, true, false]);
  });

  it('is copied as one line of text for each row, with its time', () => {
    expect(textOf(started.rows)).toBe('2026-01-01T10:00:00Z one\n2026-01-01T10:00:00Z two\n');
  });
});

it('colours and titles of a terminal are removed from a line', () => {
  expect(withoutEscapes('\u001b[1;32mINFO\u001b[0m done \u001b]0;title\u0007[1]')).toBe('INFO done [1]');
});
