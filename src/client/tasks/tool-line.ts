/** What a tool is used for, in one line. */

import type { MessagePart } from '../../shared/contract/tasks.ts';

/** The fields of the inputs of OpenCode's tools that say most. */
const informative = ['command', 'filePath', 'path', 'pattern', 'query', 'url', 'description'];
const maxLength = 160;

/** The title that OpenCode gives, or the most informative field of the input. */
export function toolLine({ title, input }: Pick<Extract<MessagePart, { type: 'tool' }>, 'title' | 'input'>): string {
  if (title !== null && title !== '') return shortened(title);
  const fields = fieldsOf(input);
  const found = informative.map((name) => fields[name]).find((value) => typeof value === 'string' && value !== '');
  return typeof found === 'string' ? shortened(found) : '';
}

function fieldsOf(input: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(input);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // long inputs are cut
  }
}

function shortened(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > maxLength ? `${line.slice(0, maxLength)}…` : line;
}
