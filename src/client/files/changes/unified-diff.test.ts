import { describe, expect, it } from 'vitest';

import { lineToOpen, readPatch } from './unified-diff.ts';

const patch = `diff --git a/main.ts b/main.ts
index 1111111..2222222 100644
--- a/main.ts
+++ b/main.ts
@@ -1,4 +1,4 @@ head
 one
-two
+2
 three

@@ -20 +20,2 @@
--- dashes
+++ pluses
+last
\\ No newline at end of file
`;

describe('a patch', () => {
  it('is read as lines with their numbers before and after', () => {
    expect(readPatch(patch)).toEqual([
      { kind: 'hunk', text: '@@ -1,4 +1,4 @@ head' },
      { kind: 'same', text: 'one', before: 1, after: 1 },
      { kind: 'removed', text: 'two', before: 2 },
      { kind: 'added', text: '2', after: 2 },
      { kind: 'same', text: 'three', before: 3, after: 3 },
      { kind: 'same', text: '', before: 4, after: 4 },
      { kind: 'hunk', text: '@@ -20 +20,2 @@' },
      { kind: 'removed', text: '-- dashes', before: 20 },
      { kind: 'added', text: '++ pluses', after: 20 },
      { kind: 'added', text: 'last', after: 21 },
      { kind: 'remark', text: 'No newline at end of file' },
    ]);
  });

  it('without a hunk has no lines', () => {
    expect(readPatch('')).toEqual([]);
    expect(readPatch('diff --git a/x b/x\nnew file mode 100644\n')).toEqual([]);
  });

  it('keeps the CR of lines with CRLF out of the numbering', () => {
    expect(readPatch('@@ -1 +1 @@\n-a\r\n+b\r\n').map((line) => line.text)).toEqual(['@@ -1 +1 @@', 'a\r', 'b\r']);
  });

  it('leads to the line of the present file, also from a removed line', () => {
    const lines = readPatch(patch);
    expect([0, 2, 3, 7].map((index) => lineToOpen(lines, index))).toEqual([1, 2, 2, 20]);
    expect(lineToOpen(readPatch('@@ -1 +0,0 @@\n-gone\n'), 1)).toBe(1);
  });
});
