/** Entries of the audit log as CSV (RFC 4180). */

import type { AuditEntry } from '../../shared/contract/admin.ts';

const columns = ['at', 'actor', 'actorId', 'via', 'action', 'outcome', 'details', 'requestId'] as const;

/** @returns lines that each end with a line break */
export function csvOf(entries: readonly AuditEntry[], { hasHead }: { hasHead: boolean }): string {
  const rows = entries.map((entry) =>
    columns.map((column) => {
      const value = entry[column];
      return field(typeof value === 'object' && value !== null ? JSON.stringify(value) : (value ?? ''));
    }),
  );
  return [...(hasHead ? [columns] : []), ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

/** A spreadsheet would run a text that begins like a formula. An apostrophe before it keeps it a text. */
function field(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
