/** Whether Redis takes what the programs send: the check behind `/readyz`. */

import type { Redis } from 'ioredis';

import { refusalCodeOf } from './redis-guard.ts';
import { connectionErrorOf } from './redis.ts';

const checkKey = 'opencode:readiness';
const emptyKey = 'opencode:readiness:empty';

/**
 * Sends a write, a script and both kinds of blocking reads. A ping says nothing: a Redis that is full or read-only, or whose
 * user lacks a right, answers pings.
 * @throws the refusal, or an error that says why there is no connection
 */
export async function checkRedis(redis: Redis): Promise<void> {
  const connectionError = connectionErrorOf(redis);
  if (connectionError) throw connectionError;
  await Promise.all([
    redis.set(checkKey, '1', 'EX', 60),
    redis.eval('return 1', 0),
    redis.bzpopmin(emptyKey, 0.001),
    redis.xread('BLOCK', 1, 'STREAMS', emptyKey, '0-0'),
  ]);
}

const advice: Record<string, string> = {
  OOM: 'Its memory is full: give it more.',
  READONLY: 'It is a replica: let REDIS_URL lead to the primary.',
  NOAUTH: 'It wants a password: add it to REDIS_URL.',
  WRONGPASS: 'It does not accept the password of REDIS_URL: correct it.',
  LOADING: 'It is loading its data: wait.',
  MISCONF: 'It cannot save its data: make room on its disk.',
};

/** A sentence for the public about a failed check. It contains no address and no password. */
export function redisProblem(error: unknown): string {
  const code = refusalCodeOf(error);
  if (code === null) return 'Redis does not take a command (no answer).';
  const { command } = error as { command?: { name?: string } }; // the library adds it to refusals
  const right = `Its user may not send ${(command?.name ?? 'a command').toUpperCase()}: give the user this right.`;
  return [`Redis does not take a command (${code}).`, code === 'NOPERM' ? right : advice[code]].join(' ').trim();
}
