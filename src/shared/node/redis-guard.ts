/**
 * Keeps the loops of libraries from spinning. BullMQ sends its next command as soon as Redis has refused one, so a Redis that
 * refuses at once, as one that is full or read-only does, would cost a whole core. A guarded connection reports a refusal only
 * after a pause. It also opens no connections in quick succession when each is lost soon after it was ready.
 */

import { setTimeout as delay } from 'node:timers/promises';

import { ReplyError, type Redis, type RedisOptions } from 'ioredis';

import { createLimitedWarn, type LimitedWarn } from './log-limit.ts';
import type { Log } from './log.ts';

/** Shorter than a second: BullMQ takes a connection for broken when a read takes a second longer than it should. */
const refusalPauseMs = 700;
/** A Redis that stays a replica is not connected to more often than this. */
const replicaPauseMs = 2_000;
/** A connection that is lost earlier than this after the one before counts as a failed attempt to connect. */
const stableMs = 5_000;

/** One line a minute for all connections that share a log. */
const warnings = new WeakMap<Log, LimitedWarn>();

/**
 * @param options.pauses whether a refused command fails only after a pause. Connections that people wait for must not.
 * @returns the same connection. Its duplicates are guarded too.
 */
export function guardRedis(redis: Redis, options: { pauses: boolean; log: Log }): Redis {
  const { pauses, log } = options;
  const warn = warnings.get(log) ?? createLimitedWarn(log);
  warnings.set(log, warn);

  async function afterPause(answer: unknown): Promise<unknown> {
    try {
      return await answer;
    } catch (error) {
      const code = redis.status === 'ready' ? refusalCodeOf(error) : null;
      if (code !== null) {
        const { message } = error as Error; // only errors have a code
        // A blocking read ends like this when Redis becomes a replica. The refusals that follow say so.
        if (code !== 'UNBLOCKED') warn(code, { error: message }, 'Redis refuses commands; the queue may not work');
        if (pauses) await delay(refusalPauseMs);
      }
      throw error;
    }
  }

  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    const answer = send(command, stream);
    if (stream !== undefined) return answer; // part of a pipeline, which has its own promise
    const guarded = afterPause(answer);
    if (command.name === 'info') guarded.catch((error: unknown) => stopReadyCheck(redis, error));
    // The library sends a command again after a lost connection, and then ignores what this returns.
    guarded.catch(() => undefined);
    return guarded;
  };
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (override) => guardRedis(duplicate({ ...override, ...reconnectOptions() }), options);
  return redis;
}

/** The library would print a warning at each connect, if the user has no right to ask whether Redis loads its data. */
function stopReadyCheck(redis: Redis, error: unknown): void {
  if (refusalCodeOf(error) === 'NOPERM') redis.options.enableReadyCheck = false;
}

/** The code at the start of a refusal, such as `NOPERM`; `null` when the error is not a refusal by Redis. */
export function refusalCodeOf(error: unknown): string | null {
  if (!(error instanceof ReplyError)) return null;
  const code = /^[A-Z]{3,}\b/.exec((error as Error).message)?.[0] ?? 'ERR'; // the library has no type for it
  return code === 'NOSCRIPT' ? null : code; // the library sends the script then
}

/** When a connection is opened again. Each connection needs its own. */
export function reconnectOptions(): Pick<RedisOptions, 'reconnectOnError' | 'retryStrategy'> {
  return { reconnectOnError: createReplicaCheck(), retryStrategy: createRetryStrategy() };
}

/**
 * After a failover, an open connection may lead to the old primary, which is a replica now and refuses each write. A new
 * connection leads to the new primary if the address does.
 */
function createReplicaCheck(): (error: Error) => boolean {
  let reconnectedAtMs = -Infinity;
  return ({ message }) => {
    if (!message.startsWith('READONLY') || performance.now() - reconnectedAtMs < replicaPauseMs) return false;
    reconnectedAtMs = performance.now();
    return true;
  };
}

/** The library's own count starts again with each connection that was ready, even for a moment. */
function createRetryStrategy(): () => number {
  let failures = 0;
  let lostAtMs = -Infinity;
  return () => {
    failures = performance.now() - lostAtMs < stableMs ? failures + 1 : 1;
    lostAtMs = performance.now();
    return Math.min(50 * 2 ** Math.min(failures, 6), 2_000);
  };
}
