/**
 * Makes characters visible that change how the text around them is read, or that nobody sees: with the right-to-left override
 * U+202E, "photo_gpj.exe" looks like "photo_exe.jpg" (CVE-2021-42574 describes the same in source code). Joiners stay, because
 * Persian texts and emoji need them.
 */

import { nameOf } from './paths.ts';

const hidden = /(?![\t\r])\p{Cc}|[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** The text with each hidden character as "\u{202e}". Tabs and line ends of Windows stay. */
export const revealHidden = (text: string): string =>
  text.replaceAll(hidden, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);

/** The name of an entry as people may read it. */
export const shownNameOf = (path: string): string => revealHidden(nameOf(path));
