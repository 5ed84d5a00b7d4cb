import { describe, expect, it } from 'vitest';

import { splitAtMatches } from './split-at-matches.ts';

const drawn = (text: string, query: string) =>
  splitAtMatches(text, query)
    .map((part) => (part.isMatch ? `[${part.text}]` : part.text))
    .join('');

describe('the matches in a line', () => {
  it.each([
    ['const Files = files', 'files', 'const [Files] = [files]'],
    ['aaa', 'a', '[a][a][a]'],
    ['none', 'x', 'none'],
    ['any', '', 'any'],
    ['İstanbul', 'stan', 'İstanbul'],
  ])('of %j for %j are %j', (text, query, expected) => {
    expect(drawn(text, query)).toBe(expected);
  });
});
