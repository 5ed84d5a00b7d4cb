import { describe, expect, it } from 'vitest';

import { createLineSplitter, formatLogLine, parseLogLine } from './log-lines.ts';

describe('the lines of a log file', () => {
  it('keep their text and their time, also below a millisecond', () => {
    const atMs = Date.parse('2026-01-01T10:00:00.123Z') + 0.007;
    const line = formatLogLine({ atMs, text: 'stderr text with  spaces ' }, 'stderr');
    expect(line).toBe('2026-01-01T10:00:00.123007Z stderr stderr text with  spaces \n');
    const parsed = parseLogLine(line.slice(0, -1));
    expect(parsed?.text).toBe('stderr text with  spaces ');
    expect(parsed?.atMs).toBeCloseTo(atMs, 3);
    expect(parseLogLine('not a line')).toBeUndefined();
  });

  it('are joined from chunks, also within a character', () => {
    const splitter = createLineSplitter();
    const bytes = Buffer.from('first\r\nsécond\nrest');
    expect([...splitter.add(bytes.subarray(0, 9)), ...splitter.add(bytes.subarray(9))]).toEqual(['first', 'sécond']);
    expect(splitter.end()).toEqual(['rest']);
    expect(splitter.end()).toEqual([]);
  });

  it('are split when they are very long', () => {
    const splitter = createLineSplitter(10);
    expect(splitter.add(Buffer.from('x'.repeat(25)))).toEqual(['x'.repeat(25)]);
  });
});
