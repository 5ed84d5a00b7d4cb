/**
 * Finds the next match of a search in a large text. The search of the editor folds each character by itself, which stops the page for a third
 * of a second in a text of 5 MB. Here whole blocks are folded, and only a block that can have a match is searched by the editor.
 */

import type { SearchQuery } from '@codemirror/search';
import type { EditorState, Text } from '@codemirror/state';

export interface Match {
  from: number;
  to: number;
}

const blockLength = 50_000;

/** Whether {@link findMatch} can search for it: by text and not by pattern, in one line, and without letters that are folded in context. */
export const isPlain = ({ regexp, search, literal }: SearchQuery): boolean =>
  !regexp && /^[\x20-\x7e]+$/.test(search) && (literal || !search.includes('\\'));

/**
 * The first match that begins at `at` or later; backwards the last one that ends at `at` or earlier. The search goes on at the other end
 * of the text.
 *
 * @param query a valid query for which {@link isPlain} holds
 * @param at as an offset in the text
 */
export function findMatch(state: EditorState, query: SearchQuery, at: number, isBackwards: boolean): Match | null {
  const { length } = state.doc;
  const reach = query.search.length; // of a match that lies across `at`
  if (isBackwards) {
    return (
      lastIn(state, query, { from: 0, to: at }) ?? lastIn(state, query, { from: Math.max(at - reach, 0), to: length })
    );
  }
  return (
    firstIn(state, query, { from: at, to: length }) ??
    firstIn(state, query, { from: 0, to: Math.min(at + reach, length) })
  );
}

function firstIn(state: EditorState, query: SearchQuery, { from, to }: Match): Match | null {
  for (let start = from; start < to;) {
    const end = Math.min(endOfLine(state.doc, start + blockLength), to);
    const first = matchesIn(state, query, start, end).next();
    if (first.done !== true) return first.value;
    start = end + 1;
  }
  return null;
}

function lastIn(state: EditorState, query: SearchQuery, { from, to }: Match): Match | null {
  for (let end = to; end > from;) {
    const start = Math.max(state.doc.lineAt(Math.max(end - blockLength, 0)).from, from);
    const last = [...matchesIn(state, query, start, end)].at(-1);
    if (last !== undefined) return last;
    end = start - 1;
  }
  return null;
}

function* matchesIn(state: EditorState, query: SearchQuery, from: number, to: number): Generator<Match> {
  const fold = (text: string): string => {
    const normal = text.normalize('NFKD');
    return query.caseSensitive ? normal : normal.toLowerCase();
  };
  if (!fold(state.doc.sliceString(from, to)).includes(fold(query.search))) return;
  const cursor = query.getCursor(state, from, to);
  for (let match = cursor.next(); match.done !== true; match = cursor.next()) {
    yield { from: match.value.from, to: match.value.to };
  }
}

const endOfLine = (doc: Text, at: number): number => (at >= doc.length ? doc.length : doc.lineAt(at).to);
