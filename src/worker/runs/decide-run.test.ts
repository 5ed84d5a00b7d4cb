import { describe, expect, it } from 'vitest';

import type { PendingRequest } from '../../shared/contract/tasks.ts';
import { decideRun, runTimes, type DesiredRun, type ObservedRun, type ObservedTurn } from './decide-run.ts';
import { runMessages } from './run-messages.ts';

const queued: DesiredRun = {
  desiredState: 'running',
  opencodeSessionId: null,
  messageId: null,
  startedAt: null,
  answers: {},
  workspace: { kind: 'project', cause: 'no-commit' },
  isSaved: false,
};
const prompted: DesiredRun = {
  ...queued,
  opencodeSessionId: 's',
  messageId: 'm',
  startedAt: '2026-01-01T00:00:00.000Z',
};
const busy: ObservedTurn = {
  isBusy: true,
  idleForMs: 0,
  abortingForMs: 0,
  hasAnswer: true,
  end: null,
  pending: [],
  hindrance: null,
};
const session = (turn: Partial<ObservedTurn> | null): ObservedRun => ({
  kind: 'session',
  sessionId: 's',
  freeMessageId: 'm',
  turn: turn && { ...busy, ...turn },
});
const noProject = (state: object = {}): ObservedRun => ({
  kind: 'no-project',
  isFinal: false,
  isDeleted: false,
  message: 'Not ready.',
  ...state,
});
const done = { state: 'succeeded', message: 'Done.' } as const;
const request: PendingRequest = {
  type: 'permission',
  id: 'r',
  permission: 'bash',
  patterns: [],
  always: [],
  detail: null,
};
const stateOf = (run: DesiredRun, observed: ObservedRun) => {
  const effect = decideRun(run, observed);
  return effect.kind === 'end' ? effect.end.state : effect.kind;
};

describe('decideRun', () => {
  it('goes from the session over the id of the prompt to the prompt', () => {
    expect(decideRun(queued, { kind: 'session', sessionId: null, freeMessageId: null, turn: null })).toEqual({
      kind: 'create-session',
    });
    expect(decideRun(queued, session(null))).toEqual({ kind: 'store-session', sessionId: 's' });
    const withSession = { ...queued, opencodeSessionId: 's' };
    expect(decideRun(withSession, session(null))).toEqual({ kind: 'store-message-id', messageId: 'm' });
    const chosen = { ...withSession, messageId: 'm' };
    expect(decideRun(chosen, session(null))).toEqual({ kind: 'send-prompt', sessionId: 's', messageId: 'm' });
    expect(decideRun(chosen, session({}))).toEqual({ kind: 'follow', state: 'running', message: runMessages.running });
  });

  it('prepares the branch before the session, and saves what the agent has changed before the end', () => {
    expect(decideRun({ ...queued, workspace: null }, { kind: 'no-workspace' })).toEqual({ kind: 'prepare-workspace' });
    const aborted = { ...queued, workspace: null, desiredState: 'aborted' } as const;
    expect(stateOf(aborted, { kind: 'no-workspace' })).toBe('aborted');
    const workspace = { kind: 'worktree', branch: 'b', baseCommit: 'c', uncommitted: 0, directory: '/w' } as const;
    const worked = { ...prompted, workspace };
    const idle = session({ isBusy: false, idleForMs: runTimes.settleMs, end: done });
    expect(decideRun(worked, idle)).toEqual({ kind: 'save-changes' });
    expect(decideRun({ ...worked, isSaved: true }, idle)).toEqual({ kind: 'end', end: done });
    expect(decideRun(prompted, idle)).toEqual({ kind: 'end', end: done });
    expect(decideRun(worked, session({}))).toMatchObject({ kind: 'follow' });
    // What cannot be saved now stays in the worktree.
    expect(stateOf(worked, noProject({ isFinal: true }))).toBe('failed');
  });

  it('waits for a project that is not ready, and fails when it is stopped after the prompt', () => {
    expect(stateOf(queued, noProject())).toBe('wait');
    expect(stateOf(queued, noProject({ isFinal: true }))).toBe('wait');
    expect(stateOf(prompted, noProject())).toBe('wait');
    expect(stateOf(prompted, noProject({ isFinal: true }))).toBe('failed');
    expect(stateOf(queued, noProject({ isDeleted: true }))).toBe('failed');
  });

  it('ends a complete answer when it has settled, and an incomplete one when the agent was interrupted', () => {
    const { settleMs, interruptedMs, neverBegunMs } = runTimes;
    const idle = (idleForMs: number, turn: Partial<ObservedTurn>) =>
      stateOf(prompted, session({ isBusy: false, idleForMs, ...turn }));
    expect([idle(settleMs - 1, { end: done }), idle(settleMs, { end: done })]).toEqual(['follow', 'succeeded']);
    expect([idle(interruptedMs - 1, {}), idle(interruptedMs, {})]).toEqual(['follow', 'failed']);
    const notBegun = { hasAnswer: false };
    expect([idle(neverBegunMs - 1, notBegun), idle(neverBegunMs, notBegun)]).toEqual(['follow', 'failed']);
  });

  it('sends each answer of a person that the agent still waits for', () => {
    const answer = { type: 'permission', reply: 'once' } as const;
    const waiting = session({ pending: [request] });
    expect(decideRun(prompted, waiting)).toMatchObject({ kind: 'follow', state: 'waiting-for-answer' });
    expect(decideRun({ ...prompted, answers: { r: answer } }, waiting)).toEqual({
      kind: 'answer',
      requestId: 'r',
      answer,
    });
    expect(stateOf({ ...prompted, answers: { r: answer } }, session({}))).toBe('follow');
    expect(stateOf(prompted, session({ pending: [{ ...request, id: 'constructor' }] }))).toBe('follow');
  });

  it('aborts the agent until it has stopped, and needs no pod before the prompt', () => {
    const aborted = { ...prompted, desiredState: 'aborted' } as const;
    expect(stateOf({ ...queued, desiredState: 'aborted' }, noProject())).toBe('aborted');
    expect(stateOf(aborted, session({}))).toBe('abort');
    expect(stateOf(aborted, session({ isBusy: false, hasAnswer: false }))).toBe('abort');
    const stopped = { isBusy: false, idleForMs: runTimes.settleMs, end: { state: 'aborted', message: '' } } as const;
    expect(decideRun(aborted, session(stopped))).toEqual({
      kind: 'end',
      end: { state: 'aborted', message: runMessages.aborted },
    });
    expect(stateOf(aborted, session({ isBusy: false, idleForMs: runTimes.settleMs, end: done }))).toBe('succeeded');
  });

  it('does not wait for ever for an agent that an abort does not stop', () => {
    const aborted = { ...prompted, desiredState: 'aborted' } as const;
    const { abortMs, interruptedMs, neverBegunMs } = runTimes;
    const ignoredFor = (abortingForMs: number, turn: Partial<ObservedTurn> = {}) =>
      decideRun(aborted, session({ abortingForMs, ...turn }));
    expect(ignoredFor(interruptedMs + abortMs - 1)).toEqual({ kind: 'abort', sessionId: 's' });
    const end = { state: 'aborted', message: runMessages.abortIgnored };
    expect(ignoredFor(interruptedMs + abortMs)).toEqual({ kind: 'end', end, agentMayWork: true });
    // An agent that has not begun yet may notice it later.
    const notBegun = { isBusy: false, hasAnswer: false };
    expect(ignoredFor(interruptedMs + abortMs, notBegun)).toMatchObject({ kind: 'abort' });
    expect(ignoredFor(neverBegunMs + abortMs, notBegun)).toMatchObject({ kind: 'end' });
    // Nor for one whose messages change although it does nothing.
    expect(ignoredFor(interruptedMs + abortMs, { isBusy: false })).toMatchObject({ kind: 'end' });
    const workspace = { kind: 'worktree', branch: 'b', baseCommit: 'c', uncommitted: 0, directory: '/w' } as const;
    expect(decideRun({ ...aborted, workspace }, session({ abortingForMs: Infinity }))).toEqual({
      kind: 'save-changes',
    });
  });

  it('does not give a prompt again that was removed, and does not wait for ever for an OpenCode that is silent', () => {
    expect(stateOf(prompted, session(null))).toBe('failed');
    expect(stateOf(prompted, { kind: 'session', sessionId: null, freeMessageId: null, turn: null })).toBe('failed');
    expect(stateOf(prompted, { kind: 'no-answer', forMs: 0 })).toBe('follow');
    expect(stateOf(prompted, { kind: 'no-answer', forMs: runTimes.noAnswerMs })).toBe('failed');
    expect(stateOf(queued, { kind: 'unusable', message: 'Simulated.' })).toBe('failed');
  });
});
