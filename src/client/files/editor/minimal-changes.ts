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
  const middle = [old.slice(start, old.length - end), now.slice(start, now.length - end)] as const;
  const pieces = nearbyPieces(...middle) ?? piecesBetweenAnchors(...middle);
  return pieces.flatMap((piece) => refined(before, after, linesAsRange(before, after, piece, start)));
}

/** Numbers of lines, counted from the first line that differs. The ends are exclusive. */
interface Piece {
  fromA: number;
  toA: number;
  fromB: number;
  toB: number;
}

/** How many lines the texts may differ by at one place to be compared in one pass. */
const maxNearby = 40;

/** The usual change: a few lines at a few places. Returns `null` when a place differs by more lines. */
function nearbyPieces(old: readonly string[], now: readonly string[]): Piece[] | null {
  const pieces: Piece[] = [];
  let [a, b] = [0, 0];
  while (a < old.length || b < now.length) {
    if (a < old.length && b < now.length && old[a] === now[b]) {
      a += 1;
      b += 1;
      continue;
    }
    const length = differingLines(old.slice(a, a + maxNearby + 2), now.slice(b, b + maxNearby + 2));
    if (length === null) return null;
    pieces.push({ fromA: a, toA: a + length.a, fromB: b, toB: b + length.b });
    a += length.a;
    b += length.b;
  }
  return pieces;
}

/** How many lines of each text to skip until two lines in a row are equal, or both texts end. */
function differingLines(old: readonly string[], now: readonly string[]): Anchor | null {
  for (let both = 1; both <= maxNearby; both += 1) {
    for (let a = 0; a <= both; a += 1) {
      const b = both - a;
      if (a > old.length || b > now.length) continue;
      if (old[a] === now[b] && old[a + 1] === now[b + 1]) return { a, b };
    }
  }
  return null;
}

/** The pieces between lines that both texts have once, in the same order. Takes n log n steps. */
function piecesBetweenAnchors(old: readonly string[], now: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  let [fromA, fromB] = [0, 0];
  for (const { a, b } of [...anchorsOf(old, now), { a: old.length, b: now.length }]) {
    while (fromA < a && fromB < b && old[fromA] === now[fromB]) {
      fromA += 1;
      fromB += 1;
    }
    let [toA, toB] = [a, b];
    while (toA > fromA && toB > fromB && old[toA - 1] === now[toB - 1]) {
      toA -= 1;
      toB -= 1;
    }
    if (toA > fromA || toB > fromB) pieces.push({ fromA, toA, fromB, toB });
    [fromA, fromB] = [a + 1, b + 1];
  }
  return pieces;
}

interface Anchor {
  /** The number of the line in the old text, and in the new one. */
  a: number;
  b: number;
}

/** The longest list of lines that occur once in each text, in the same order in both. */
function anchorsOf(old: readonly string[], now: readonly string[]): Anchor[] {
  const inOld = numbersOfUniqueLines(old);
  const inNow = numbersOfUniqueLines(now);
  /** At index n: the end of the list of n + 1 anchors that leaves the most room. */
  const ends: (Anchor & { before: Anchor | undefined })[] = [];
  for (const [line, a] of inOld) {
    const b = inNow.get(line);
    if (a === repeated || b === undefined || b === repeated) continue;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle]?.b ?? 0) < b) low = middle + 1;
      else high = middle;
    }
    ends[low] = { a, b, before: ends[low - 1] };
  }
  const anchors: Anchor[] = [];
  for (let end: (Anchor & { before?: Anchor | undefined }) | undefined = ends.at(-1); end; end = end.before) {
    anchors.push(end);
  }
  return anchors.toReversed();
}

const repeated = -1;

function numbersOfUniqueLines(lines: readonly string[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const [index, line] of lines.entries()) numbers.set(line, numbers.has(line) ? repeated : index);
  return numbers;
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
