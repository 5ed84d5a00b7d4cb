import { expect, it } from 'vitest';

import { revealHidden } from './reveal-hidden.ts';

it.each([
  ['photo_\u202Egpj.exe', String.raw`photo_\u{202e}gpj.exe`],
  ['if (a) /*\u2066 } \u2069*/', String.raw`if (a) /*\u{2066} } \u{2069}*/`],
  ['one\ntwo\u001B[2J', String.raw`one\u{a}two\u{1b}[2J`],
  ['zero\u200Bwidth\uFEFF', String.raw`zero\u{200b}width\u{feff}`],
])('shows %j', (text, shown) => {
  expect(revealHidden(text)).toBe(shown);
});

it.each(['\tconst name = "Ünï";\r', '👩\u200D💻.txt', 'می\u200Cخواهم', 'שלום.md'])('leaves %j as it is', (text) => {
  expect(revealHidden(text)).toBe(text);
});
