import { SearchQuery } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import { describe, expect, it } from 'vitest';

import { findMatch, isPlain } from './find-match.ts';

const query = (search: string, change: Partial<ConstructorParameters<typeof SearchQuery>[0]> = {}) =>
  new SearchQuery({ search, ...change });
/** Longer than one block, in which "needle" begins the text and stands near its end. */
const filling = 'a line without it\n'.repeat(4_000);
const state = EditorState.create({ doc: `Needle\n${filling}a needle, a needles\n${filling}` });
const [first, second, third] = [0, filling.length + 9, filling.length + 19];

describe('the search in a large text', () => {
  it.each([
    ['forwards', 0, false, first],
    ['forwards', 6, false, second],
    ['forwards', second + 6, false, third],
    ['forwards', third + 6, false, first],
    ['backwards', state.doc.length, true, third],
    ['backwards', third, true, second],
    ['backwards', second, true, first],
    ['backwards', first, true, third],
  ])('finds the match %s from %i, and goes on at the other end', (_, at, isBackwards, expected) => {
    expect(findMatch(state, query('needle'), at, isBackwards)).toEqual({ from: expected, to: expected + 6 });
  });

  it('finds what the search of the editor finds: by case, by word, and across forms of a letter', () => {
    expect(findMatch(state, query('Needle', { caseSensitive: true }), 6, false)?.from).toBe(first);
    expect(findMatch(state, query('needles', { wholeWord: true }), 0, false)?.from).toBe(third);
    expect(findMatch(state, query('needle', { wholeWord: true }), second + 6, false)?.from).toBe(first);
    const forms = EditorState.create({ doc: `${filling}\u{ff2e}eedle \u{1f600} of\ufb01ce` });
    expect(findMatch(forms, query('needle'), 0, false)).toEqual({ from: filling.length, to: filling.length + 6 });
    expect(findMatch(forms, query('office'), 0, false)?.from).toBe(filling.length + 10);
  });

  it('finds nothing where nothing matches', () => {
    expect(findMatch(state, query('nowhere'), 50, false)).toBeNull();
    expect(findMatch(state, query('nowhere'), 50, true)).toBeNull();
  });

  it('leaves patterns, several lines and other letters to the search of the editor', () => {
    expect(isPlain(query('a needle.'))).toBe(true);
    expect(isPlain(query('a.*', { regexp: true }))).toBe(false);
    expect(isPlain(query(String.raw`a\nb`))).toBe(false);
    expect(isPlain(query(String.raw`a\nb`, { literal: true }))).toBe(true);
    expect(isPlain(query('Straße'))).toBe(false);
  });
});
