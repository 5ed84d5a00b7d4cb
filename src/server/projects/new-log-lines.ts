/**
 * Finds the lines of a log that a subscriber was not sent yet. Kubernetes returns lines from a whole second on, so each
 * read repeats some lines. Pure.
 */

import type { LogLine } from '../../shared/contract/pod-logs.ts';

/** How far a subscriber has read: up to the n-th line of a time. */
export interface LogPosition {
  at: string;
  /** How many lines with this time were sent. */
  count: number;
}

/** The lines after `position`, and the position after them. */
export function newLogLines(
  lines: LogLine[],
  position: LogPosition | null,
): { fresh: LogLine[]; position: LogPosition | null; isAdjacent: boolean } {
  if (position === null) return { fresh: lines, position: positionAfter(lines, null), isAdjacent: true };
  let repeated = 0;
  const fresh = lines.filter(({ at }) => {
    const order = compareTimes(at, position.at);
    if (order === 0) repeated += 1;
    return order > 0 || (order === 0 && repeated > position.count);
  });
  return { fresh, position: positionAfter(fresh, position), isAdjacent: fresh.length < lines.length };
}

function positionAfter(sent: LogLine[], before: LogPosition | null): LogPosition | null {
  const last = sent.at(-1);
  if (!last) return before;
  const count = sent.filter(({ at }) => compareTimes(at, last.at) === 0).length;
  const isSameTime = before !== null && compareTimes(before.at, last.at) === 0;
  return { at: last.at, count: count + (isSameTime ? before.count : 0) };
}

/** Orders times in RFC 3339 with any number of fractional digits and any offset. `Date` knows only milliseconds. */
export function compareTimes(a: string, b: string): number {
  const [first, second] = [parseTime(a), parseTime(b)];
  return first.seconds - second.seconds || first.nanos - second.nanos;
}

function parseTime(text: string): { seconds: number; nanos: number } {
  const [, whole = '', fraction = '', offset = ''] = /^([^.]*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const ms = Date.parse(`${whole}${offset}`);
  return { seconds: Number.isNaN(ms) ? 0 : ms / 1_000, nanos: Number(fraction.slice(0, 9).padEnd(9, '0')) };
}
