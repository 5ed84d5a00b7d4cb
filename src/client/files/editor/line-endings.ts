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

export function toContent({ text, lineEnding }: FileText): string {
  return text.sliceString(0, text.length, lineEnding);
}

/** CRLF when every line ends with it, and no CR stands alone. */
function lineEndingOf(content: string): LineEnding {
  return content.includes('\r\n') && !/(?:^|[^\r])\n|\r(?!\n)/.test(content) ? '\r\n' : '\n';
}
