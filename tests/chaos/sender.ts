/** Sends the calls of clients: one by one counted, and held back while the database is restored. */

import { setTimeout as delay } from 'node:timers/promises';

import type { AppError } from '../../src/shared/contract/errors.ts';
import { readAppError } from '../../src/shared/sdk/client.ts';
import type { Violations } from './violations.ts';

export type Outcome<T> =
  | { kind: 'acknowledged'; value: T }
  /** The server refused the command, so nothing was done. */
  | { kind: 'refused'; error: AppError }
  /** Nobody knows whether the command was carried out. */
  | { kind: 'unanswered'; why: string };

export interface SenderCounts {
  acknowledged: number;
  refused: number;
  unanswered: number;
}

export interface Sender {
  send<T>(call: () => Promise<T>): Promise<Outcome<T>>;
  /** Repeats a call that has an idempotency key until it is answered. `null`: the run of chaos ended before. */
  sendUntilAnswered<T>(call: () => Promise<T>): Promise<Exclude<Outcome<T>, { kind: 'unanswered' }> | null>;
  /** Waits until no call is under way, and holds further ones back until the work is done. */
  whileSilent(work: () => Promise<void>): Promise<void>;
  counts(): SenderCounts;
  /** The reasons for missing answers, with their number. */
  unansweredReasons(): ReadonlyMap<string, number>;
  /** The times of all answers in milliseconds, sorted; also those of failed commands. */
  latencies(): number[];
}

const attempts = 20;

export function createSender({ violations, signal }: { violations: Violations; signal: AbortSignal }): Sender {
  const counts: SenderCounts = { acknowledged: 0, refused: 0, unanswered: 0 };
  const reasons = new Map<string, number>();
  const latencies: number[] = [];
  const underWay = new Set<Promise<unknown>>();
  let silence: Promise<void> = Promise.resolve();

  async function send<T>(call: () => Promise<T>): Promise<Outcome<T>> {
    for (let before: Promise<void> | null = null; before !== silence;) await (before = silence);
    const startedAt = performance.now();
    const answering = outcomeOf(call);
    underWay.add(answering);
    const outcome = await answering.finally(() => underWay.delete(answering));
    latencies.push(performance.now() - startedAt);
    counts[outcome.kind] += 1;
    if (outcome.kind === 'unanswered') reasons.set(outcome.why, (reasons.get(outcome.why) ?? 0) + 1);
    if (outcome.kind === 'refused' && outcome.error.code === 'UNAUTHENTICATED') {
      violations.report('I5', null, `a valid token was refused: ${outcome.error.message}`);
    }
    return outcome;
  }

  /** The server must never answer with INTERNAL. */
  async function outcomeOf<T>(call: () => Promise<T>): Promise<Outcome<T>> {
    try {
      return { kind: 'acknowledged', value: await call() };
    } catch (failure) {
      const error = readAppError(failure);
      if (error === null)
        return { kind: 'unanswered', why: failure instanceof Error ? failure.message : String(failure) };
      if (error.code === 'INTERNAL')
        violations.report('I5', null, `a command was answered with INTERNAL: ${error.message}`);
      if (error.code === 'UNAVAILABLE' && error.retryAfterSeconds === null) {
        violations.report('I5', null, `UNAVAILABLE has no Retry-After: ${error.message}`);
      }
      const passing = error.code === 'UNAVAILABLE' || error.code === 'INTERNAL' || error.code === 'RATE_LIMITED';
      return passing ? { kind: 'unanswered', why: error.code } : { kind: 'refused', error };
    }
  }

  return {
    send,
    async sendUntilAnswered(call) {
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const outcome = await send(call);
        if (outcome.kind !== 'unanswered') return outcome;
        await delay(1_000, undefined, { signal }).catch(() => undefined); // the run ends
        if (signal.aborted) return null;
      }
      return null;
    },
    async whileSilent(work) {
      const before = silence;
      silence = (async () => {
        await before;
        await Promise.allSettled(underWay);
        await work();
      })();
      const working = silence;
      silence = silence.catch(() => undefined); // the caller gets the error
      await working;
    },
    counts: () => ({ ...counts }),
    unansweredReasons: () => reasons,
    latencies: () => latencies.toSorted((a, b) => a - b),
  };
}
