import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createTextBuilder, toContent, toFileText } from './line-endings.ts';

describe('the lines of a file', () => {
  it('are the same text again when nobody changes them, whatever the line endings are', () => {
    const piece = fc.constantFrom('a', 'b ', '\n', '\r\n', '\r', '', '\uFEFF', '日本', '\u2028');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const content = pieces.join('');
        expect(toContent(toFileText(content))).toBe(content);
      }),
    );
  });

  it('are the same whether the content arrives in parts or as a whole', () => {
    const piece = fc.constantFrom('a', '\n', '\r\n', '\r', '\n\r', 'b\r\n'.repeat(40), '');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const builder = createTextBuilder();
        for (const part of pieces) builder.add(part);
        const [built, whole] = [builder.finish(), toFileText(pieces.join(''))];
        expect([...built.text.iterLines()]).toEqual([...whole.text.iterLines()]);
        // Without a line there is no ending.
        if (whole.text.lines > 1) expect(built.lineEnding).toBe(whole.lineEnding);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are edited without the CR of CRLF, which new lines get too', () => {
    const { text, lineEnding } = toFileText('one\r\ntwo\r\n');
    expect([...text.iterLines()]).toEqual(['one', 'two', '']);
    const edited = text.replace(3, 3, toFileText('\nnew').text);
    expect(toContent({ text: edited, lineEnding })).toBe('one\r\nnew\r\ntwo\r\n');
  });

  it('keep a missing final newline missing', () => {
    expect(toFileText('one\ntwo').text.lines).toBe(2);
    expect(toFileText('').text.length).toBe(0);
  });

  it('keep the CRs in the text when the endings are mixed', () => {
    expect(toFileText('one\r\ntwo\n').text.line(1).text).toBe('one\r');
    expect(toFileText('one\r\n\r\r\n').lineEnding).toBe('\n');
  });
});
