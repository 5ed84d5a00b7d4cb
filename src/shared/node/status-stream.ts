/**
 * The status stream in Redis: every change of a project, in the order of the appends. Each server reads it once. It is a
 * stream and not pub/sub, so that a reader continues at its last id after its connection was lost.
 */

import type { Redis } from 'ioredis';

import { streamEntrySchema, type StreamEntry } from '../contract/events.ts';
import { parseJson } from '../parse-json.ts';
import type { Log } from './log.ts';
import { pause } from './periodic.ts';

const streamKey = 'opencode:status';
/** Enough for minutes of a busy installation. A reader that was interrupted for longer loses continuity. */
const maxLength = 20_000;
/** Entries in one read. */
const batchSize = 500;
/** Delay after a failed read. */
const retryMs = 250;

export interface StatusPublisher {
  /** Appends the entry; `false` if Redis did not accept it. Then each server's comparison with the database delivers it. */
  publish(entry: StreamEntry): Promise<boolean>;
}

/** @param redis a producer connection, owned by the caller */
export function createStatusPublisher({ redis, log }: { redis: Redis; log: Log }): StatusPublisher {
  return {
    async publish(entry) {
      try {
        await redis.xadd(streamKey, 'MAXLEN', '~', maxLength, '*', 'entry', JSON.stringify(entry));
        return true;
      } catch (error) {
        // The connection warns of the cause.
        log.debug({ error: String(error) }, 'status not appended to the stream');
        return false;
      }
    },
  };
}

type StreamEntries = [id: string, fields: string[]][];
type StreamsReply = [key: string, entries: StreamEntries][] | null;

export interface StatusReader {
  onEntry(id: string, entry: StreamEntry): void;
  /** Reading continues after this id. Entries before it may be missing, so read the database again. */
  onContinuityLost(id: string): void;
}

/**
 * Reads the stream from its current end until `signal` aborts, across lost connections.
 * @param redis a blocking connection that nothing else uses
 */
export async function followStatusStream(
  redis: Redis,
  reader: StatusReader,
  { log, signal }: { log: Log; signal: AbortSignal },
): Promise<void> {
  let last: string | null = null;
  let isInterrupted = false;
  const aborted = Promise.withResolvers<void>();
  const stop = () => {
    redis.disconnect();
    aborted.resolve();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  // A read whose connection is lost does not fail. The library sends it again, but the stream may have lost entries.
  const onClose = () => {
    isInterrupted = true;
  };
  redis.on('close', onClose);
  // A read that waits for a connection never ends after `disconnect`, so this does not wait for it.
  await Promise.race([read(), aborted.promise]);
  redis.off('close', onClose);
  signal.removeEventListener('abort', stop);

  async function read(): Promise<void> {
    while (!signal.aborted) {
      try {
        await readOnce();
      } catch (error) {
        if (signal.aborted) return;
        isInterrupted = true;
        log.debug({ error: String(error) }, 'reading the status stream failed; trying again');
        await pause(retryMs, signal);
      }
    }
  }

  async function readOnce(): Promise<void> {
    if (last === null) {
      const [newest] = await redis.xrevrange(streamKey, '+', '-', 'COUNT', 1);
      last = newest?.[0] ?? '0-0';
      reader.onContinuityLost(last);
      isInterrupted = false;
    }
    const streams: StreamsReply = await redis.xread('COUNT', batchSize, 'BLOCK', 2_000, 'STREAMS', streamKey, last);
    const entries: StreamEntries = streams?.[0]?.[1] ?? [];
    // Entries may have been trimmed before they were read: during an interruption, or because this process is too slow, in
    // which case a read returns a full batch.
    if (isInterrupted || entries.length === batchSize) {
      isInterrupted = false;
      const [oldest] = await redis.xrange(streamKey, '-', '+', 'COUNT', 1);
      if (!oldest || compareStreamIds(oldest[0], last) > 0) {
        // Continues at the end of the stream. An id in between would not show whether entries before it were lost.
        last = null;
        return;
      }
    }
    for (const [id, fields] of entries) {
      last = id;
      const entry = parseEntry(fields);
      if (entry) reader.onEntry(id, entry);
      else log.error({ id }, 'an entry of the status stream could not be read and was skipped');
    }
  }
}

/** Orders two stream ids ("milliseconds-sequence") as Redis does. */
export function compareStreamIds(a: string, b: string): number {
  const [aTime = 0, aSequence = 0] = a.split('-').map(Number);
  const [bTime = 0, bSequence = 0] = b.split('-').map(Number);
  return aTime - bTime || aSequence - bSequence;
}

function parseEntry(fields: string[]): StreamEntry | null {
  // An entry that is not JSON, or not in our shape, was written by another program.
  const result = streamEntrySchema.safeParse(parseJson(fields[1] ?? ''));
  return result.success ? result.data : null;
}
