/**
 * The runner of agent runs in one worker. It takes a number in the row of a run, so that older runners write nothing, and follows
 * the run, unless earlier ones died of it. It also stops agents that a prompt of its own has started too late: when a newer
 * runner has ended the run meanwhile.
 */

import { hasEnded } from '../../shared/contract/tasks.ts';
import { changeRun, findRun, isSessionInUse } from '../../shared/node/db/runs-repository.ts';
import type { Log } from '../../shared/node/log.ts';
import { pause } from '../../shared/node/periodic.ts';
import { publishRun } from '../../shared/node/publish-run.ts';
import { createOpenCodeClient } from '../../shared/opencode/opencode-client.ts';
import { followRun, type FollowDeps, type FollowResult, type SentPrompt } from './follow-run.ts';
import { createRunAttempts } from './run-attempts.ts';
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
/** How long a run waits at least, while another one is tried alone. */
const turnMs = 500;

/** @param stopping aborts when the worker stops */
export function createRunner(deps: FollowDeps, { log, stopping }: { log: Log; stopping: AbortSignal }): Runner {
  const attempts = createRunAttempts({ db: deps.db, log });
  const strays = new Set<Promise<void>>();
  let count = 0;

  /** Until the newer runner has ended the run. From then on the agent must not work for it any more. */
  async function stopStrayAgent(runId: string, { projectId, access, sessionId }: SentPrompt): Promise<void> {
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
        if (await isSessionInUse(deps.db, { projectId, sessionId })) return;
        if ((await client.readStatus(sessionId)) !== null) await client.abort(sessionId);
      } catch (error) {
        log.debug({ runId, error: String(error) }, 'an agent that works for no run could not be stopped; trying again');
      }
    }
  }

  async function fail(runId: string, message: string): Promise<void> {
    const result = await changeRun(deps.db, { id: runId }, () => ({ state: 'failed', message }));
    if (result) await publishRun(deps.publisher, result);
  }

  return {
    async follow(runId, options) {
      const begun = await attempts.begin(runId);
      if (begun.kind === 'missing') return { kind: 'done' };
      if (begun.kind === 'wait') return { kind: 'requeue', requeueAfterMs: turnMs * (1 + deps.random()) };
      count += 1;
      try {
        if (begun.kind === 'exhausted') {
          log.error({ runId }, 'a run was given up: each worker that followed it ended or stopped answering');
          await fail(runId, runMessages.endsWorkers);
          return { kind: 'done' };
        }
        const leave = (sent: SentPrompt) => {
          const stray: Promise<void> = stopStrayAgent(runId, sent).finally(() => strays.delete(stray));
          strays.add(stray);
        };
        return await followRun(deps, begun.run, { ...options, leave });
      } finally {
        count -= 1;
        await begun.end();
      }
    },
    fail: (runId) => fail(runId, runMessages.internalError),
    count: () => count,
    async stop() {
      await Promise.all(strays);
    },
  };
}
