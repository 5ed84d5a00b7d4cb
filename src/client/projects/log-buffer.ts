/** The lines of a log that the page holds: a pure function of the events of the subscription. */

import type { LogEvent, LogLine } from '../../shared/contract/pod-logs.ts';

/** More lines make the page slow. */
export const maxRows = 5_000;

export interface LogRow extends LogLine {
  key: number;
  /** Lines before this one were left out. */
  followsGap?: boolean;
}

export interface LogBuffer {
  rows: LogRow[];
  /** Earlier lines exist that are not in `rows`. */
  isTruncated: boolean;
  /** Why no lines arrive now; `null` while they arrive. */
  waiting: string | null;
  /** Whether any event has arrived. */
  isLoaded: boolean;
  nextKey: number;
}

export const emptyLog: LogBuffer = { rows: [], isTruncated: false, waiting: null, isLoaded: false, nextKey: 0 };

/** The buffer after an event. It never has more than {@link maxRows} rows. */
export function withEvent(buffer: LogBuffer, event: LogEvent): LogBuffer {
  switch (event.type) {
    case 'snapshot':
      return append({ ...buffer, rows: [], isTruncated: event.truncated }, event.lines, { followsGap: false });
    case 'lines':
      return append(buffer, event.lines, { followsGap: event.truncated });
    case 'waiting':
      return { ...buffer, waiting: event.message, isLoaded: true };
  }
}

function append(buffer: LogBuffer, lines: LogLine[], { followsGap }: { followsGap: boolean }): LogBuffer {
  const added = lines.map(({ at, text }, index): LogRow => {
    const row = { key: buffer.nextKey + index, at, text: withoutEscapes(text) };
    return followsGap && index === 0 ? { ...row, followsGap } : row;
  });
  const rows = added.length === 0 ? buffer.rows : [...buffer.rows, ...added];
  return {
    rows: rows.slice(-maxRows),
    isTruncated: buffer.isTruncated || rows.length > maxRows,
    waiting: null,
    isLoaded: true,
    nextKey: buffer.nextKey + added.length,
  };
}

// Terminals read colours and movements of the cursor from these sequences. On a page they are noise.
// oxlint-disable-next-line no-control-regex -- escape sequences begin with a control character
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g;

export function withoutEscapes(text: string): string {
  return text.replace(escapes, '');
}

/** The rows as text for the clipboard, each with its time. */
export function textOf(rows: readonly LogRow[]): string {
  return rows.map(({ at, text }) => `${at} ${text}\n`).join('');
}
