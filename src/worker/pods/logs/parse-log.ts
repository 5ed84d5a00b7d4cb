/** Splits the text of a log into lines. Pure. */

import type { LogLine } from '../../../shared/contract/pod-logs.ts';

const lineForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))(?: (.*))?$/s;

/**
 * @param text each line begins with its time in RFC 3339
 * @param options.isCut the text ends in the middle of the log: the end of its last line may be missing
 */
export function parseLog(text: string, { isCut }: { isCut: boolean }): LogLine[] {
  const rows = text.split('\n');
  const rest = rows.pop() ?? '';
  // A part of a line would count as the whole line when the log is read again from its time on.
  if (rest !== '' && (!isCut || rows.length === 0)) rows.push(rest);
  const lines: LogLine[] = [];
  for (const row of rows) {
    const [, at, lineText = ''] = lineForm.exec(row.replace(/\r$/, '')) ?? [];
    const last = lines.at(-1);
    if (at !== undefined) lines.push({ at, text: lineText });
    else if (last) last.text += `\n${row}`;
  }
  return lines;
}
