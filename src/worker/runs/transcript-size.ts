/** Keeps a stored conversation below a size. Pure. */

import type { TranscriptMessage } from '../../shared/contract/tasks.ts';

const maxLength = 4 * 1024 * 1024;

/** The newest messages whose JSON together is not longer than `limit` characters; at least the newest one without its parts. */
export function keepNewest(
  messages: TranscriptMessage[],
  limit = maxLength,
): { messages: TranscriptMessage[]; truncated: boolean } {
  const kept: TranscriptMessage[] = [];
  let length = 0;
  for (const message of messages.toReversed()) {
    length += JSON.stringify(message).length;
    if (length > limit) break;
    kept.unshift(message);
  }
  const last = messages.at(-1);
  if (kept.length === 0 && last) return { messages: [{ ...last, parts: [] }], truncated: true };
  return { messages: kept, truncated: kept.length < messages.length };
}
