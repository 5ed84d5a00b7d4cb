/**
 * An exhaustive small model of one run. It contains the row, the branch, OpenCode with its sessions, and two runners that may follow the run
 * at the same time, read old states, and die between any two steps. A person may abort the run at any moment, and OpenCode may be
 * killed at any moment. Every order of the steps is tried. The decisions are those of the product (`decideRun`).
 *
 * It abstracts from: the queue (any runner may begin at any moment), time (an agent that can still begin is not observed as idle
 * for long, and an abort is not given up), texts, permissions, and the project, which is always ready.
 */

import { describe, expect, it } from 'vitest';

import { decideRun, type ObservedRun, type RunEffect } from '../../src/worker/runs/decide-run.ts';

/** `accepted`: the prompt is stored, and the agent begins soon. `dead`: its process was killed in the middle. */
type Agent = 'none' | 'accepted' | 'busy' | 'done' | 'aborted' | 'dead';

interface Session {
  /** The ids of the prompts in it. */
  prompts: string[];
  agent: Agent;
  hasAnswer: boolean;
}

interface Row {
  desiredState: 'running' | 'aborted';
  end: 'succeeded' | 'failed' | 'aborted' | null;
  session: number | null;
  hasWorkspace: boolean;
  isSaved: boolean;
  messageId: string | null;
  isStarted: boolean;
  attempt: number;
}

interface Runner {
  attempt: number;
  /** The row that it has read; `null`: it reads next. */
  row: Row | null;
  /** What it does next; `null`: it observes next. */
  effect: RunEffect | null;
  /** It has sent the prompt. */
  hasSent: boolean;
}

interface World {
  row: Row;
  hasBranch: boolean;
  /** What the agent has changed is committed. */
  isCommitted: boolean;
  sessions: Session[];
  runners: (Runner | null)[];
  left: { crashes: number; kills: number; aborts: number };
  /** A runner died after it had sent the prompt for a run that had ended meanwhile. */
  lostSender: boolean;
}

interface Step {
  name: string;
  world: World;
}

interface Guards {
  /** A session is found by the id of the run. */
  findsSession: boolean;
  /** The id of the prompt is stored before the prompt is sent. */
  storesMessageId: boolean;
  /** A runner whose prompt came too late stops the agent. */
  stopsStrayAgents: boolean;
}

const allGuards: Guards = { findsSession: true, storesMessageId: true, stopsStrayAgents: true };

const start: World = {
  row: {
    desiredState: 'running',
    end: null,
    session: null,
    hasWorkspace: false,
    isSaved: false,
    messageId: null,
    isStarted: false,
    attempt: 0,
  },
  hasBranch: false,
  isCommitted: false,
  sessions: [],
  runners: [null, null],
  left: { crashes: 1, kills: 1, aborts: 1 },
  lostSender: false,
};

const far = Number.MAX_SAFE_INTEGER;
const worktree = { kind: 'worktree', branch: 'b', baseCommit: 'c', uncommitted: 0, directory: '/w' } as const;

function observe({ sessions }: World, row: Row, isLong: boolean, guards: Guards): ObservedRun {
  if (!row.hasWorkspace) return { kind: 'no-workspace' };
  const found = guards.findsSession && sessions.length > 0 ? sessions.length - 1 : null;
  const index = row.session ?? found;
  const session = index === null ? undefined : sessions[index];
  if (index === null || !session) return { kind: 'session', sessionId: null, freeMessageId: null, turn: null };
  const sessionId = String(index);
  const hasPrompt = session.prompts.some((prompt) => row.messageId !== null && prompt.startsWith(row.messageId));
  const { agent, hasAnswer } = session;
  const isBusy = agent === 'busy';
  const state = agent === 'done' ? 'succeeded' : 'aborted';
  const turn = {
    isBusy,
    idleForMs: isLong && agent !== 'accepted' ? far : 0,
    abortingForMs: 0,
    hasAnswer,
    end: agent === 'done' || agent === 'aborted' ? ({ state, message: '' } as const) : null,
    pending: [],
    hindrance: null,
  };
  return { kind: 'session', sessionId, freeMessageId: 'prompt', turn: hasPrompt ? turn : null };
}

const decide = (world: World, row: Row, isLong: boolean, guards: Guards) =>
  decideRun(
    {
      desiredState: row.desiredState,
      opencodeSessionId: row.session === null ? null : String(row.session),
      messageId: row.messageId,
      startedAt: row.isStarted ? '2026-01-01T00:00:00.000Z' : null,
      answers: {},
      workspace: row.hasWorkspace ? worktree : null,
      isSaved: row.isSaved,
    },
    observe(world, row, isLong, guards),
  );

function change(world: World, edit: (copy: World) => void): World {
  const copy: World = {
    row: { ...world.row },
    sessions: world.sessions.map((session) => ({ ...session, prompts: [...session.prompts] })),
    runners: world.runners.map((runner) => runner && { ...runner }),
    left: { ...world.left },
    hasBranch: world.hasBranch,
    isCommitted: world.isCommitted,
    lostSender: world.lostSender,
  };
  edit(copy);
  return copy;
}

/** Writes of older runners are refused, and a run that has ended does not change. */
function write(copy: World, runner: Runner, edit: (row: Row) => void): void {
  if (copy.row.attempt === runner.attempt && copy.row.end === null) edit(copy.row);
}

function apply(copy: World, index: number, guards: Guards): void {
  const runner = copy.runners[index];
  const { effect } = runner ?? {};
  if (!runner || !effect) return;
  runner.effect = null;
  runner.row = null;
  switch (effect.kind) {
    case 'prepare-workspace':
      copy.hasBranch = true;
      return write(copy, runner, (row) => (row.hasWorkspace = true));
    case 'save-changes':
      copy.isCommitted = true;
      return write(copy, runner, (row) => (row.isSaved = true));
    case 'create-session':
      copy.sessions.push({ prompts: [], agent: 'none', hasAnswer: false });
      return;
    case 'store-session':
      return write(copy, runner, (row) => (row.session ??= Number(effect.sessionId)));
    case 'store-message-id':
      return write(copy, runner, (row) => (row.messageId ??= effect.messageId));
    case 'send-prompt': {
      const session = copy.sessions[Number(effect.sessionId)];
      if (!session) return;
      const id = guards.storesMessageId ? effect.messageId : `${effect.messageId} of ${runner.attempt}`;
      const isNew = !session.prompts.includes(id);
      if (isNew) session.prompts.push(id);
      if (isNew || session.agent === 'dead') session.agent = 'accepted';
      runner.hasSent = true;
      return;
    }
    case 'abort': {
      const session = copy.sessions[Number(effect.sessionId)];
      if (session?.agent === 'busy') session.agent = 'aborted';
      return;
    }
    case 'follow':
      return write(copy, runner, (row) => (row.isStarted = true));
    case 'end':
      return write(copy, runner, (row) => (row.end = effect.end.state));
    case 'answer':
    case 'wait':
      throw new Error(`The model has no ${effect.kind}.`);
  }
}

/** What a runner may do next. After the end of the run it stops an agent that it has started too late. */
function runnerSteps(world: World, index: number, guards: Guards): Step[] {
  const runner = world.runners[index];
  const name = `runner ${index}`;
  if (!runner) {
    if (world.row.end !== null) return [];
    const begin = (copy: World) => {
      copy.row.attempt += 1;
      copy.runners[index] = { attempt: copy.row.attempt, row: null, effect: null, hasSent: false };
    };
    return [{ name: `${name} begins`, world: change(world, begin) }];
  }
  if (runner.effect) {
    return [{ name: `${name}: ${runner.effect.kind}`, world: change(world, (copy) => apply(copy, index, guards)) }];
  }
  if (!runner.row) {
    if (world.row.end === null && world.row.attempt === runner.attempt) {
      const read = (copy: World) => void Object.assign(copy.runners[index] ?? {}, { row: { ...copy.row } });
      return [{ name: `${name} reads`, world: change(world, read) }];
    }
    const session = world.row.session === null ? undefined : world.sessions[world.row.session];
    const isSender = runner.hasSent && guards.stopsStrayAgents;
    // Its prompt may have come when the newer runner no longer expected one, so it stays until the run has ended.
    if (isSender && world.row.end === null) return [];
    const isStray = isSender && world.row.end !== null;
    if (isStray && session?.agent === 'accepted') return []; // it waits until the agent begins
    const leave = (copy: World) => {
      const stray = copy.row.session === null ? undefined : copy.sessions[copy.row.session];
      if (isStray && stray?.agent === 'busy') stray.agent = 'aborted';
      else copy.runners[index] = null;
    };
    return [{ name: `${name} leaves`, world: change(world, leave) }];
  }
  const { row } = runner;
  return [false, true].map((isLong) => ({
    name: `${name} observes${isLong ? ' for long' : ''}`,
    world: change(world, (copy) => {
      const observing = copy.runners[index];
      if (observing) observing.effect = decide(world, row, isLong, guards);
    }),
  }));
}

function otherSteps(world: World): Step[] {
  const steps: Step[] = [];
  const add = (name: string, edit: (copy: World) => void) => steps.push({ name, world: change(world, edit) });
  for (const [index, { agent }] of world.sessions.entries()) {
    const become = (next: Agent, hasAnswer: boolean) => (copy: World) =>
      void Object.assign(copy.sessions[index] ?? {}, { agent: next, hasAnswer });
    if (agent === 'accepted') add('the agent begins', become('busy', true));
    if (agent === 'busy') add('the agent finishes', become('done', true));
  }
  return steps;
}

function faults(world: World): Step[] {
  const { left } = world;
  const steps: Step[] = [];
  const add = (name: string, edit: (copy: World) => void) => steps.push({ name, world: change(world, edit) });
  for (const [index, runner] of world.runners.entries()) {
    if (runner && left.crashes > 0) {
      add(`runner ${index} dies`, (copy) => {
        copy.left.crashes -= 1;
        copy.lostSender ||= runner.hasSent && runner.attempt !== copy.row.attempt;
        copy.runners[index] = null;
      });
    }
  }
  if (left.kills > 0) {
    add('OpenCode is killed', (copy) => {
      copy.left.kills -= 1;
      for (const session of copy.sessions) if (/^(accepted|busy)$/.test(session.agent)) session.agent = 'dead';
    });
  }
  if (left.aborts > 0 && world.row.end === null) {
    add('a person aborts', (copy) => {
      copy.left.aborts -= 1;
      copy.row.desiredState = 'aborted';
    });
  }
  return steps;
}

function faultIn(before: World, after: World): string | null {
  const prompts = after.sessions.flatMap((session) => session.prompts);
  if (prompts.length > 1) return 'the prompt was given twice';
  if (before.row.end !== null && before.row.end !== after.row.end) return 'a run that had ended has changed';
  if (after.sessions.length > 0 && !after.hasBranch) return 'a session began without a branch';
  if (after.row.end === 'succeeded' && !after.isCommitted) return 'changes were not committed';
  const isQuiet = after.runners.every((runner) => runner === null);
  const works = after.sessions.some(({ agent }) => agent === 'busy' || agent === 'accepted');
  if (after.row.end !== null && isQuiet && works && !after.lostSender) return 'an agent works for a run that has ended';
  return null;
}

/** Without further faults one runner reaches the end, whatever has happened before. */
function heal(world: World, guards: Guards, healed: Set<string>): string | null {
  const passed: string[] = [];
  let current = change(world, (copy) => void (copy.left = { crashes: 0, kills: 0, aborts: 0 }));
  for (let count = 0; count < 60; count += 1) {
    const key = JSON.stringify(current);
    passed.push(key);
    if (current.row.end !== null || healed.has(key)) {
      for (const each of passed) healed.add(each);
      return null;
    }
    const [progress] = otherSteps(current);
    // Where the newest runner has died, another one begins.
    const index = current.runners.findIndex((runner) => runner?.attempt === current.row.attempt);
    if (index < 0) current.runners.push(null);
    const next = progress ?? runnerSteps(current, index < 0 ? current.runners.length - 1 : index, guards).at(-1);
    if (!next) return 'nothing can happen any more';
    current = next.world;
  }
  return 'the run never ends';
}

function explore(guards: Guards): { states: number; fault: string | null; trace: string[] } {
  const keyOf = (world: World) => JSON.stringify(world);
  const origins = new Map<string, { from: string | null; name: string }>([
    [keyOf(start), { from: null, name: 'start' }],
  ]);
  const traceOf = (key: string | null): string[] => {
    const origin = key === null ? undefined : origins.get(key);
    return origin ? [...traceOf(origin.from), origin.name] : [];
  };
  const queue = [start];
  const healed = new Set<string>();
  for (const world of queue) {
    const key = keyOf(world);
    const stuck = heal(world, guards, healed);
    if (stuck !== null) return { states: origins.size, fault: stuck, trace: traceOf(key) };
    const steps = [
      ...runnerSteps(world, 0, guards),
      ...runnerSteps(world, 1, guards),
      ...otherSteps(world),
      ...faults(world),
    ];
    for (const { name, world: unsorted } of steps) {
      // The runners are equal, so their order does not matter.
      const runners = unsorted.runners.toSorted((one, other) => (other?.attempt ?? 0) - (one?.attempt ?? 0));
      const next = { ...unsorted, runners };
      if (next.row.attempt > 3) continue; // each beginning is a new number: two takeovers are enough
      const fault = faultIn(world, next);
      if (fault !== null) return { states: origins.size, fault, trace: [...traceOf(key), name] };
      const nextKey = keyOf(next);
      if (origins.has(nextKey)) continue;
      origins.set(nextKey, { from: key, name });
      queue.push(next);
    }
  }
  return { states: origins.size, fault: null, trace: [] };
}

describe('two runners that die between any two steps, while OpenCode is killed and a person aborts', () => {
  it('never give a prompt twice, always reach the end, and leave no agent at work', { timeout: 120_000 }, () => {
    const { states, fault, trace } = explore(allGuards);
    expect({ fault, trace }).toEqual({ fault: null, trace: [] });
    expect(states).toBeGreaterThan(50_000);
  });
});

describe('without a guard of the product the model finds that', () => {
  it.each([
    { fault: 'the prompt was given twice', without: 'storesMessageId' },
    { fault: 'an agent works for a run that has ended', without: 'stopsStrayAgents' },
  ] as const)('$fault (without $without)', { timeout: 120_000 }, ({ fault, without }) => {
    expect(explore({ ...allGuards, [without]: false }).fault).toBe(fault);
  });
});
