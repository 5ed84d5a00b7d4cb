/**
 * Between the text of a file and the lines of the editor, so that each byte that a person did not change stays as it was.
 * A file whose lines all end with CRLF is edited without the CRs. In a file with mixed endings they stay in the text, where
 * the editor shows them.
 */

import { Text } from '@codemirror/state';

export type LineEnding = '\n' | '\r\n';

export interface FileText {
  /** The lines. A final newline is an empty last line. */
  text: Text;
  lineEnding: LineEnding;
}

export function toFileText(content: string): FileText {
  const lineEnding = lineEndingOf(content);
  return { text: Text.of(content.split(lineEnding)), lineEnding };
}

/**
 * Builds the text of a file from its parts as they arrive, because turning megabytes into lines at once stops the page for a moment.
 * The result is that of `toFileText` for the whole content.
 */
export function createTextBuilder(): { add(part: string): void; finish(): FileText } {
  const parts: string[] = [];
  let text = Text.empty;
  let lineEnding: LineEnding | null = null;
  /** The CR at the end of the last part. The next part may begin with its LF. */
  let held = '';
  /** The first parts have CRLF alone, and a later one has not. */
  let isMixed = false;

  function append(part: string): void {
    if (part === '' || isMixed) return;
    if (/[\r\n]/.test(part)) {
      const own = lineEndingOf(part);
      lineEnding ??= own;
      isMixed = lineEnding === '\r\n' && own === '\n';
    }
    text = text.append(Text.of(part.split(lineEnding ?? '\n')));
  }

  return {
    add(part) {
      parts.push(part);
      const content = held + part;
      held = content.endsWith('\r') ? '\r' : '';
      append(content.slice(0, content.length - held.length));
    },
    finish() {
      append(held);
      return isMixed ? toFileText(parts.join('')) : { text, lineEnding: lineEnding ?? '\n' };
    },
  };
}

export function toContent({ text, lineEnding }: FileText): string {
  return text.sliceString(0, text.length, lineEnding);
}

/** CRLF when every line ends with it, and no CR stands alone. */
function lineEndingOf(content: string): LineEnding {
  return content.includes('\r\n') && !/(?:^|[^\r])\n|\r(?!\n)/.test(content) ? '\r\n' : '\n';
}
