/** What the person sees: tables, questions, and texts of others without control characters. */

import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  input: Readable & { isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown };
  output: Writable & { isTTY?: boolean; rows?: number; columns?: number };
  errors: Writable;
}

/**
 * Texts of a project are not ours. Escape sequences in them could change what the terminal shows, or its title. Line breaks and
 * tabs stay.
 */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are the characters that are removed
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** Columns that are as wide as their longest text. */
export function formatTable(head: string[], rows: string[][]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => printable(cell).replace(/\s+/g, ' ')));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** "3 minutes ago" for tables. */
export function formatAge(iso: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1_000));
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
  ] as const) {
    if (seconds >= length) return `${Math.floor(seconds / length)}${unit}`;
  }
  return `${seconds}s`;
}

/** Reads one line. `secret`: the terminal does not show what is typed. */
export async function ask(terminal: Terminal, question: string, { secret = false } = {}): Promise<string> {
  const { input, errors } = terminal;
  const isTerminal = input.isTTY === true;
  if (isTerminal) errors.write(question);
  // Without an output, readline shows nothing of what is typed.
  const lines = createInterface({ input, ...(isTerminal && !secret ? { output: errors } : {}), terminal: isTerminal });
  try {
    for await (const line of lines) return line.trim();
    return '';
  } finally {
    lines.close();
    if (isTerminal && secret) errors.write('\n');
  }
}
