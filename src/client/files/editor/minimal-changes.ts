/**
 * The changes that turn one text into another. Cursor, selection and scroll position stay where nothing changed. Whole lines
 * are compared first, because comparing all characters of a large text takes seconds. Inside of changed lines, characters are.
 */

import { diff } from '@codemirror/merge';
import type { Text } from '@codemirror/state';

/** Beyond this the search for the smallest set gives up, and replaces larger pieces. */
const limits = { scanLimit: 500, timeout: 30 };
/** Longer pieces are replaced as a whole. */
const maxRefinedLength = 20_000;
/** A line is written as one UTF-16 code unit that is not half a character. */
const maxDistinctLines = 0xd7ff;

export interface TextChange {
  from: number;
  to: number;
  insert: Text;
}

/** Returns the changes in the order of their place; none for equal texts. */
export function minimalChanges(before: Text, after: Text): TextChange[] {
  if (before.eq(after)) return [];
  const [old, now] = [[...before.iterLines()], [...after.iterLines()]];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  const room = Math.min(old.length, now.length) - start;
  while (end < room && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const pieces = changedLines(old.slice(start, old.length - end), now.slice(start, now.length - end));
  return pieces.flatMap((piece) => refined(before, after, linesAsRange(before, after, piece, start)));
}

/** Numbers of lines, counted from the first line that differs. The ends are exclusive. */
interface Piece {
  fromA: number;
  toA: number;
  fromB: number;
  toB: number;
}

function changedLines(old: readonly string[], now: readonly string[]): readonly Piece[] {
  const whole = { fromA: 0, toA: old.length, fromB: 0, toB: now.length };
  const codes = new Map<string, number>();
  const encode = (lines: readonly string[]): string =>
    lines
      .map((line) => {
        const code = codes.get(line) ?? codes.size + 1;
        codes.set(line, code);
        return String.fromCharCode(Math.min(code, maxDistinctLines));
      })
      .join('');
  const [one, other] = [encode(old), encode(now)];
  return codes.size >= maxDistinctLines ? [whole] : diff(one, other, limits);
}

/** The characters of a piece, with the line break that an inserted or removed line brings. */
function linesAsRange(before: Text, after: Text, piece: Piece, start: number): Piece {
  const atEnd = start + piece.toA >= before.lines || start + piece.toB >= after.lines;
  const place = (text: Text, index: number): number => {
    // A piece that reaches the last line takes the break before it; any other piece takes the break after it.
    if (!atEnd) return text.line(start + index + 1).from;
    return start + index === 0 ? 0 : text.line(start + index).to;
  };
  return {
    fromA: place(before, piece.fromA),
    toA: place(before, piece.toA),
    fromB: place(after, piece.fromB),
    toB: place(after, piece.toB),
  };
}

function refined(before: Text, after: Text, range: Piece): TextChange[] {
  const [old, now] = [before.sliceString(range.fromA, range.toA), after.sliceString(range.fromB, range.toB)];
  const whole = [{ fromA: 0, toA: old.length, fromB: 0, toB: now.length }];
  const parts = old.length + now.length > maxRefinedLength ? whole : diff(old, now, limits);
  return parts.map(({ fromA, toA, fromB, toB }) => ({
    from: range.fromA + fromA,
    to: range.fromA + toA,
    insert: after.slice(range.fromB + fromB, range.fromB + toB),
  }));
}
