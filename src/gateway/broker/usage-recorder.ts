/** Adds usage to the database. What cannot be written yet is kept in memory, summed by row, and written later. */

import type { ModelPrice } from '../../shared/contract/models.ts';
import type { UsageEntry } from '../../shared/node/db/model-usage-repository.ts';
import type { MeasuredTokens } from './usage-meter.ts';

/** Rows that wait. Beyond it the oldest one is lost, and said so. */
const maxWaiting = 10_000;

export interface UsageRecorder {
  add: (entry: UsageEntry) => void;
  /** Writes everything that waits. Rejects when the database does not take it; nothing is lost then. */
  flush: () => Promise<void>;
}

export function createUsageRecorder(deps: {
  write: (entry: UsageEntry) => Promise<void>;
  onError: (error: unknown) => void;
  onLost: () => void;
}): UsageRecorder {
  const waiting = new Map<string, UsageEntry>();
  let writing: Promise<void> = Promise.resolve();

  function keep(entry: UsageEntry): void {
    const { userId, projectId, runId, provider, model, keyOwner } = entry;
    const key = JSON.stringify([userId, projectId, runId, provider, model, keyOwner]);
    const known = waiting.get(key);
    waiting.set(key, known ? sumOf(known, entry) : entry);
    if (waiting.size <= maxWaiting) return;
    waiting.delete(waiting.keys().next().value ?? key);
    deps.onLost();
  }
  async function writeAll(): Promise<void> {
    for (const [key, entry] of waiting) {
      waiting.delete(key);
      try {
        await deps.write(entry);
      } catch (error) {
        keep(entry);
        throw error;
      }
    }
  }
  const flush = (): Promise<void> => {
    writing = writing.catch(() => undefined).then(writeAll);
    return writing;
  };
  return {
    add(entry) {
      keep(entry);
      flush().catch(deps.onError);
    },
    flush,
  };
}

const counters = [
  'requests',
  'unmeasuredRequests',
  'unpricedRequests',
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'outputTokens',
  'costMicros',
] as const;

function sumOf(one: UsageEntry, other: UsageEntry): UsageEntry {
  const sum = { ...one };
  for (const name of counters) sum[name] += other[name];
  return sum;
}

/** Millionths of a US dollar; `null` without a price. Dollars for a million tokens are millionths for one. */
export function costOf(
  { input, cachedInput, cacheWrite, output }: MeasuredTokens,
  price: ModelPrice | null,
): number | null {
  if (price === null) return null;
  const plain = Math.max(0, input - cachedInput - cacheWrite);
  const cached = cachedInput * (price.cachedInput ?? price.input);
  const written = cacheWrite * (price.cacheWrite ?? price.input);
  return Math.round(plain * price.input + cached + written + output * price.output);
}
