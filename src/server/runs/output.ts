/**
 * The live output of one run: the stored conversation, then what the runner appends to the stream of the run, until the run has
 * ended. Without Redis the stored conversation is sent again whenever it has changed.
 */

import type { Redis } from 'ioredis';

import type { Clock } from '../../shared/clock.ts';
import { hasEnded, type RunOutputEvent } from '../../shared/contract/tasks.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { outageOf } from '../../shared/node/db/outage.ts';
import { findPermittedRun, readTranscript } from '../../shared/node/db/runs-repository.ts';
import { outputStart, readOutput } from '../../shared/node/run-output.ts';
import type { ProjectCaller, RunOutput } from '../services.ts';
import { runNotFound } from './service.ts';

/**
 * Between two reads of a stream that has grown within the last second, and of one that rests. A person waits for a word at most as long
 * as this and the 50 ms of the runner together.
 */
const busyMs = 40;
const quietMs = 100;
const growsForMs = 1_000;
/** The row is read this often: the run may have ended, or been deleted, or the caller may have lost the access. */
const rowMs = 1_000;

interface OutputDeps {
  db: Database;
  redis: Redis;
  /** Resolves after this time, or at once when the signal aborts. Never rejects. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  clock: Clock;
}

export function createRunOutput(deps: OutputDeps): RunOutput {
  return {
    async *follow(caller, { runId, signal, whenWritable }) {
      const reader = createReader(deps, { runId, caller });
      let grewAtMs = -Infinity;
      while (!signal.aborted) {
        const events = await reader.read();
        for (const event of events) {
          await whenWritable(signal);
          if (signal.aborted) return;
          yield event;
          if (event.type === 'ended') return;
        }
        const nowMs = deps.clock.monotonic();
        if (events.length > 0) grewAtMs = nowMs;
        await deps.pause(nowMs - grewAtMs < growsForMs ? busyMs : quietMs, signal);
      }
    },
  };
}

function createReader({ db, redis, clock }: OutputDeps, { runId, caller }: { runId: string; caller: ProjectCaller }) {
  let last = outputStart;
  let rowReadAtMs = -Infinity;
  let readAt: string | null = null;
  let hasSnapshot = false;
  let ended = false;

  async function snapshot(): Promise<RunOutputEvent> {
    const transcript = await readTranscript(db, runId);
    ({ readAt } = transcript);
    hasSnapshot = true;
    return { type: 'snapshot', messages: transcript.messages, truncated: transcript.truncated };
  }

  async function readRow(): Promise<void> {
    const run = await findPermittedRun(db, { id: runId, userId: caller.user.id, right: caller.right });
    if (!run) throw runNotFound();
    ended = hasEnded(run);
    rowReadAtMs = clock.monotonic();
  }

  async function readOnce(): Promise<RunOutputEvent[]> {
    const isDue = clock.monotonic() - rowReadAtMs >= rowMs;
    if (isDue) await readRow();
    // The transcript was stored before the end of the run.
    if (ended) return [await snapshot(), { type: 'ended' }];
    if (!hasSnapshot) return [await snapshot()];
    const output = await readOutput(redis, runId, last).catch(() => null); // Redis does not answer
    if (output) {
      ({ last } = output);
      return output.entries;
    }
    if (!isDue) return [];
    const before = readAt;
    const event = await snapshot();
    return readAt === before ? [] : [event];
  }

  return {
    /** An outage of the database is waited for, because an error would end the subscription. */
    async read(): Promise<RunOutputEvent[]> {
      try {
        return await readOnce();
      } catch (error) {
        if (outageOf(error)) return [];
        throw error;
      }
    },
  };
}
