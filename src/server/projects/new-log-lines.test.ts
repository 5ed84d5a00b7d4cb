import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { LogLine } from '../../shared/contract/pod-logs.ts';
import { compareTimes, newLogLines, type LogPosition } from './new-log-lines.ts';

const line = (at: string, text = at): LogLine => ({ at, text });
const second = (seconds: number, rest = '') => `2026-01-01T10:00:0${seconds}${rest}Z`;

describe('the order of times', () => {
  it.each([
    ['2026-01-01T10:00:00Z', '2026-01-01T10:00:01Z', -1],
    ['2026-01-01T10:00:00.1Z', '2026-01-01T10:00:00.100000000Z', 0],
    ['2026-01-01T10:00:00.000000002Z', '2026-01-01T10:00:00.000000001Z', 1],
    ['2026-01-01T12:00:00.5+02:00', '2026-01-01T10:00:00.5Z', 0],
    ['2026-01-01T10:00:00.9Z', '2026-01-01T10:00:01Z', -1],
  ])('of %s and %s is %i', (a, b, expected) => {
    expect(Math.sign(compareTimes(a, b))).toBe(expected);
  });
});

describe('the new lines of a log', () => {
  it('are all lines for a subscriber who has none', () => {
    const lines = [line(second(1)), line(second(2))];
    expect(newLogLines(lines, null)).toEqual({ fresh: lines, position: { at: second(2), count: 1 }, isAdjacent: true });
  });

  it('leave out earlier lines, and as many lines of the last time as were sent', () => {
    const lines = [line(second(1)), line(second(2), 'a'), line(second(2), 'b'), line(second(3))];
    const { fresh, position } = newLogLines(lines, { at: second(2), count: 1 });
    expect(fresh.map(({ text }) => text)).toEqual(['b', second(3)]);
    expect(position).toEqual({ at: second(3), count: 1 });
  });

  it('keep the position when there is nothing new', () => {
    const position = { at: second(2), count: 2 };
    expect(newLogLines([], position).position).toEqual(position);
    expect(newLogLines([line(second(2)), line(second(2))], position)).toMatchObject({ fresh: [], position });
  });

  it('do not follow the sent lines when none of those is repeated', () => {
    expect(newLogLines([line(second(3))], { at: second(2), count: 1 }).isAdjacent).toBe(false);
    expect(newLogLines([line(second(2)), line(second(3))], { at: second(2), count: 1 }).isAdjacent).toBe(true);
  });

  it('are each line once and in order, however the log is read', () => {
    const logs = fc
      .array(fc.integer({ min: 0, max: 4 }), { maxLength: 30 })
      .map((times) => times.toSorted((a, b) => a - b).map((time, index) => line(second(time), String(index))));
    fc.assert(
      fc.property(logs, fc.array(fc.nat(30)), (log, reads) => {
        let position: LogPosition | null = null;
        const sent: LogLine[] = [];
        for (const length of [...reads.toSorted((a, b) => a - b), log.length]) {
          const since: LogPosition | null = position;
          const read = log.slice(0, length).filter(({ at }) => since === null || compareTimes(at, since.at) >= 0);
          const result = newLogLines(read, position);
          sent.push(...result.fresh);
          ({ position } = result);
        }
        expect(sent).toEqual(log);
      }),
    );
  });
});
