/**
 * The runner of agent runs in one worker. It takes a number in the row of a run, so that older runners write nothing, and follows
 * the run. It also stops agents that a prompt of its own has started too late: when a newer runner has ended the run meanwhile.
 */

import { hasEnded } from '../../shared/contract/tasks.ts';
import { beginRunAttempt, changeRun, findRun, isSessionInUse } from '../../shared/node/db/runs-repository.ts';
import type { Log } from '../../shared/node/log.ts';
import { pause } from '../../shared/node/periodic.ts';
import { publishRun } from '../../shared/node/publish-run.ts';
import { createOpenCodeClient } from '../../shared/opencode/opencode-client.ts';
import { followRun, type FollowDeps, type FollowResult, type SentPrompt } from './follow-run.ts';
import { runMessages } from './run-messages.ts';

export interface Runner {
  /** @throws the reason of the signal; errors of the database */
  follow(runId: string, options: { log: Log; signal: AbortSignal }): Promise<FollowResult>;
  /** Ends a run that cannot be followed because of a bug. */
  fail(runId: string): Promise<void>;
  /** How many runs are followed now. */
  count: () => number;
  /** Waits for what `stopping` has not ended yet. */
  stop(): Promise<void>;
}

const strayMs = 1_000;

/** @param stopping aborts when the worker stops */
export function createRunner(deps: FollowDeps, { log, stopping }: { log: Log; stopping: AbortSignal }): Runner {
  const strays = new Set<Promise<void>>();
  let count = 0;

  /** Until the newer runner has ended the run. From then on the agent must not work for it any more. */
  async function stopStrayAgent(runId: string, { access, sessionId }: SentPrompt): Promise<void> {
    const { times, clock } = deps;
    const client = createOpenCodeClient({ ...access, signal: stopping });
    let endedAtMs: number | null = null;
    for (; !stopping.aborted; await pause(strayMs, stopping)) {
      try {
        const run = await findRun(deps.db, runId);
        if (run && !hasEnded(run)) continue;
        endedAtMs ??= clock.monotonic();
        // After this time the agent would have begun.
        if (clock.monotonic() - endedAtMs > times.neverBegunMs) return;
        if (await isSessionInUse(deps.db, sessionId)) return;
        if ((await client.readStatus(sessionId)) !== null) await client.abort(sessionId);
      } catch (error) {
        log.debug({ runId, error: String(error) }, 'an agent that works for no run could not be stopped; trying again');
      }
    }
  }

  return {
    async follow(runId, options) {
      const run = await beginRunAttempt(deps.db, runId);
      if (!run) return { kind: 'done' };
      count += 1;
      try {
        const { result, sent } = await followRun(deps, run, options);
        if (result.kind === 'done' && sent) {
          const stray: Promise<void> = stopStrayAgent(runId, sent).finally(() => strays.delete(stray));
          strays.add(stray);
        }
        return result;
      } finally {
        count -= 1;
      }
    },
    async fail(runId) {
      const result = await changeRun(deps.db, { id: runId }, () => ({
        state: 'failed',
        message: runMessages.internalError,
      }));
      if (result) await publishRun(deps.publisher, result);
    },
    count: () => count,
    async stop() {
      await Promise.all(strays);
    },
  };
}
