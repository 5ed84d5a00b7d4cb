/**
 * The status stream in Redis: every change of a project, in the order of the appends, read by each server once. A stream
 * and not pub/sub, so that a reader that lost its connection reads on from its last id.
 */

import { setTimeout as delay } from 'node:timers/promises';

import type { Redis } from 'ioredis';

import { streamEntrySchema, type StreamEntry } from '../contract/events.ts';
import { parseJson } from '../parse-json.ts';
import type { Log } from './log.ts';

const streamKey = 'opencode:status';
/** Enough for minutes of a busy installation; a reader that was away longer is told of the gap. */
const maxLength = 20_000;
/** Entries in one read. */
const batchSize = 500;

export interface StatusPublisher {
  /** Appends; `false` when Redis does not take it. Each server's comparison with the database then heals the screen. */
  publish(entry: StreamEntry): Promise<boolean>;
}

/** @param redis a connection for producers, owned by the caller */
export function createStatusPublisher({ redis, log }: { redis: Redis; log: Log }): StatusPublisher {
  return {
    async publish(entry) {
      try {
        await redis.xadd(streamKey, 'MAXLEN', '~', maxLength, '*', 'entry', JSON.stringify(entry));
        return true;
      } catch (error) {
        log.warn({ error: String(error) }, 'status not appended to the stream');
        return false;
      }
    },
  };
}

type StreamEntries = [id: string, fields: string[]][];
type StreamsReply = [key: string, entries: StreamEntries][] | null;

export interface StatusReader {
  onEntry(id: string, entry: StreamEntry): void;
  /** Reading goes on after this id, and entries before it may be missing: read the database anew. */
  onGap(id: string): void;
}

/**
 * Reads the stream from its present end until `signal` aborts, across every loss of the connection.
 * @param redis a blocking connection that nobody else uses
 */
export async function followStatusStream(
  redis: Redis,
  reader: StatusReader,
  { log, signal }: { log: Log; signal: AbortSignal },
): Promise<void> {
  let last: string | null = null;
  let interrupted = false;
  const aborted = Promise.withResolvers<void>();
  const stop = () => {
    redis.disconnect();
    aborted.resolve();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  // A read that loses its connection does not fail: the client sends it again, to a stream that may have lost entries.
  const onClose = () => {
    interrupted = true;
  };
  redis.on('close', onClose);
  // A read that waits for a connection is left to itself: a client that is told to disconnect then never ends it.
  await Promise.race([read(), aborted.promise]);
  redis.off('close', onClose);
  signal.removeEventListener('abort', stop);

  async function read(): Promise<void> {
    while (!signal.aborted) {
      try {
        await readOnce();
      } catch (error) {
        if (signal.aborted) return;
        interrupted = true;
        log.debug({ error: String(error) }, 'reading the status stream failed; trying again');
        await delay(250, undefined, { signal }).catch(() => undefined); // an abort ends the wait and the loop
      }
    }
  }

  async function readOnce(): Promise<void> {
    if (last === null) {
      const [newest] = await redis.xrevrange(streamKey, '+', '-', 'COUNT', 1);
      last = newest?.[0] ?? '0-0';
      reader.onGap(last);
      interrupted = false;
    }
    const streams: StreamsReply = await redis.xread('COUNT', batchSize, 'BLOCK', 2_000, 'STREAMS', streamKey, last);
    const entries: StreamEntries = streams?.[0]?.[1] ?? [];
    // What is trimmed before it is read is missed while the connection is away, or while this process is frozen or too
    // slow: then there is more than one read brings.
    if (interrupted || entries.length === batchSize) {
      interrupted = false;
      const [oldest] = await redis.xrange(streamKey, '-', '+', 'COUNT', 1);
      if (!oldest || compareStreamIds(oldest[0], last) > 0) {
        // From the end on, for nobody could tell by an id from here whether it was given out before the gap or after it.
        last = null;
        return;
      }
    }
    for (const [id, fields] of entries) {
      last = id;
      const entry = parseEntry(fields);
      if (entry) reader.onEntry(id, entry);
      else log.error({ id }, 'an entry of the status stream could not be read and was passed over');
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
