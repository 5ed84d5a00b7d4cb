/**
 * The next step of a run: a pure function from the desired state (the row) and what was observed (project and OpenCode) to one
 * effect. It keeps no memory, so two runners may follow one run for a while, and a runner may die between any two steps.
 *
 * Why a prompt is never given twice: the session carries the id of its run, so it is found again. The id of the prompt is
 * stored before the prompt is sent, and OpenCode stores a prompt with a known id only once.
 */

import type { PendingRequest, RunAnswer } from '../../shared/contract/tasks.ts';
import type { RunRecord } from '../../shared/node/db/run-record.ts';
import { runMessages } from './run-messages.ts';

/** The part of the row that decides. */
export type DesiredRun = Pick<
  RunRecord,
  'desiredState' | 'opencodeSessionId' | 'messageId' | 'startedAt' | 'answers' | 'workspace' | 'isSaved'
>;

/** How a run ends. */
export interface RunEnd {
  state: 'succeeded' | 'failed' | 'aborted';
  message: string;
}

export type ObservedRun =
  /** The project cannot be used now. `isFinal`: and it will not be usable again without a command of a person. */
  | { kind: 'no-project'; isFinal: boolean; isDeleted: boolean; message: string }
  /** The pod is ready, and OpenCode does not answer. `forMs`: since when this runner observes it. */
  | { kind: 'no-answer'; forMs: number }
  /** Something that only a person can repair. */
  | { kind: 'unusable'; message: string }
  /** It is not decided yet where the run works. OpenCode was not asked for a session. */
  | { kind: 'no-workspace' }
  | {
      kind: 'session';
      /** The session of the run; `null`: there is none in OpenCode. */
      sessionId: string | null;
      /** An id for the prompt that sorts after everything in the session. */
      freeMessageId: string | null;
      /** What has become of the prompt; `null`: it is not in the session. */
      turn: ObservedTurn | null;
    };

export interface ObservedTurn {
  /** The agent works, or waits for a person. */
  isBusy: boolean;
  /** For how long this runner has observed that the agent does nothing. */
  idleForMs: number;
  /** For how long this runner has observed the agent since the run is to be aborted. */
  abortingForMs: number;
  /** The agent has begun to answer. */
  hasAnswer: boolean;
  /** How the run ends if the agent does nothing more; `null`: its last message is not complete. */
  end: RunEnd | null;
  /** What the agent waits for. */
  pending: PendingRequest[];
  /** What keeps the agent from its work right now, such as a model that does not answer. */
  hindrance: string | null;
}

export type RunEffect =
  /** `agentMayWork`: it was not stopped, or may still begin. */
  | { kind: 'end'; end: RunEnd; agentMayWork?: true }
  /** Nothing can be done before the project is ready. */
  | { kind: 'wait'; message: string }
  /** Creates branch and worktree of the task unless they exist, and stores where the run works. */
  | { kind: 'prepare-workspace' }
  /** Commits what the agent has left in the worktree, and stores what the branch changes. */
  | { kind: 'save-changes' }
  | { kind: 'create-session' }
  | { kind: 'store-session'; sessionId: string }
  | { kind: 'store-message-id'; messageId: string }
  | { kind: 'send-prompt'; sessionId: string; messageId: string }
  | { kind: 'abort'; sessionId: string }
  | { kind: 'answer'; requestId: string; answer: RunAnswer }
  /** The agent works. Look again when something has changed. */
  | { kind: 'follow'; state: 'running' | 'waiting-for-answer'; message: string };

export interface RunTimes {
  /** A complete answer is final when the agent has done nothing for this time. Statistics of the diff arrive late. */
  settleMs: number;
  /** An incomplete answer was interrupted when the agent has done nothing for this time. */
  interruptedMs: number;
  /** As before, for an agent that has not begun. OpenCode may have to load its plugins first. */
  neverBegunMs: number;
  /** An abort that has no effect for so much longer than the agent may do nothing is given up. */
  abortMs: number;
  /** A project whose OpenCode has not answered, or has not done what the run needs next, for this time has lost the run. */
  noAnswerMs: number;
}

export const runTimes: RunTimes = {
  settleMs: 1_000,
  interruptedMs: 5_000,
  neverBegunMs: 60_000,
  abortMs: 30_000,
  noAnswerMs: 600_000,
};

export function decideRun(run: DesiredRun, observed: ObservedRun, times: RunTimes = runTimes): RunEffect {
  const effect = decideWithoutBranch(run, observed, times);
  const hasWorked = observed.kind === 'session' && run.messageId !== null;
  const isUnsaved = run.workspace?.kind === 'worktree' && !run.isSaved;
  return effect.kind === 'end' && hasWorked && isUnsaved ? { kind: 'save-changes' } : effect;
}

function decideWithoutBranch(run: DesiredRun, observed: ObservedRun, times: RunTimes): RunEffect {
  const isAborted = run.desiredState === 'aborted';
  /** The prompt may be in the session. */
  const mayHavePrompt = run.messageId !== null;
  if (isAborted && !mayHavePrompt) return aborted();
  switch (observed.kind) {
    case 'no-project':
      if (observed.isDeleted) return failed(runMessages.projectDeleted);
      if (!mayHavePrompt || !observed.isFinal) return { kind: 'wait', message: observed.message };
      return isAborted ? aborted() : failed(runMessages.projectStopped);
    case 'no-answer':
      if (observed.forMs >= times.noAnswerMs) return isAborted ? aborted() : failed(runMessages.noAnswerForLong);
      return mayHavePrompt
        ? { kind: 'follow', state: 'running', message: runMessages.noAnswer }
        : { kind: 'wait', message: runMessages.noAnswer };
    case 'unusable':
      return isAborted ? aborted() : failed(observed.message);
    case 'no-workspace':
      return { kind: 'prepare-workspace' };
    case 'session':
      return decideInSession(run, observed, times);
  }
}

function decideInSession(
  run: DesiredRun,
  { sessionId, freeMessageId, turn }: Extract<ObservedRun, { kind: 'session' }>,
  times: RunTimes,
): RunEffect {
  if (sessionId === null) {
    return run.opencodeSessionId === null ? { kind: 'create-session' } : failed(runMessages.sessionGone);
  }
  if (run.opencodeSessionId === null) return { kind: 'store-session', sessionId };
  const { messageId } = run;
  if (messageId === null) {
    return freeMessageId === null
      ? failed(runMessages.unknownIds)
      : { kind: 'store-message-id', messageId: freeMessageId };
  }
  if (turn) return decideOnTurn(run, { sessionId, turn }, times);
  if (run.startedAt !== null) return failed(runMessages.promptGone);
  // The prompt of an earlier runner may still be on its way.
  if (run.desiredState === 'aborted') return { ...aborted(), agentMayWork: true };
  return { kind: 'send-prompt', sessionId, messageId };
}

/** The prompt is in the session. */
function decideOnTurn(
  run: DesiredRun,
  { sessionId, turn }: { sessionId: string; turn: ObservedTurn },
  times: RunTimes,
): RunEffect {
  const isAborted = run.desiredState === 'aborted';
  const isFinal = !turn.isBusy && turn.idleForMs >= graceMs(turn, times);
  if (isFinal && turn.end)
    return isAborted && turn.end.state === 'aborted' ? aborted() : { kind: 'end', end: turn.end };
  if (isFinal) return isAborted ? aborted() : failed(runMessages.interrupted);
  if (isAborted && turn.abortingForMs >= graceMs(turn, times) + times.abortMs) {
    return { kind: 'end', end: { state: 'aborted', message: runMessages.abortIgnored }, agentMayWork: true };
  }
  // Repeated until it has an effect: an agent that has not begun yet does not notice it.
  if (isAborted) return turn.end && !turn.isBusy ? following(turn, run) : { kind: 'abort', sessionId };
  for (const { id } of turn.pending) {
    const answer = Object.hasOwn(run.answers, id) ? run.answers[id] : undefined;
    if (answer) return { kind: 'answer', requestId: id, answer };
  }
  return following(turn, run);
}

function graceMs({ end, hasAnswer }: ObservedTurn, times: RunTimes): number {
  if (end) return times.settleMs;
  return hasAnswer ? times.interruptedMs : times.neverBegunMs;
}

function following({ pending, hindrance }: ObservedTurn, { desiredState }: DesiredRun): RunEffect {
  if (desiredState === 'aborted') return { kind: 'follow', state: 'running', message: runMessages.aborting };
  if (pending.length === 0) return { kind: 'follow', state: 'running', message: hindrance ?? runMessages.running };
  const asks = pending.some(({ type }) => type === 'question') ? runMessages.hasQuestion : runMessages.needsPermission;
  return { kind: 'follow', state: 'waiting-for-answer', message: asks };
}

const aborted = (): Extract<RunEffect, { kind: 'end' }> => ({
  kind: 'end',
  end: { state: 'aborted', message: runMessages.aborted },
});
const failed = (message: string): RunEffect => ({ kind: 'end', end: { state: 'failed', message } });
