/** Tasks and agent runs of a chaos run: the commands, and the invariant I8. */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { hasEnded, type Run } from '../../src/shared/contract/tasks.ts';
import { runRecordSchema, type RunRecord } from '../../src/shared/node/db/run-record.ts';
import type { Client } from '../../src/shared/sdk/client.ts';
import type { Account, Ledger } from './ledger.ts';
import { describeOpenRuns, type OpenRunsPlace } from './open-runs.ts';
import type { PlannedCommand } from './schedule.ts';
import type { Sender } from './sender.ts';
import type { TaskViewers } from './task-viewers.ts';
import type { Violations } from './violations.ts';

interface KnownRun {
  runId: string;
  projectId: string;
  user: number;
}

export interface RunActions {
  /** Creates a task in the project and starts a run, each with an idempotency key, until both are answered. */
  start(client: Client, account: Account, user: number): Promise<void>;
  abort(client: Client, command: PlannedCommand): Promise<void>;
  /** Permits what the agent of some run asks for. */
  answer(client: Client, command: PlannedCommand): Promise<void>;
}

/** Refusals of a project that is deleted, was lost by a restore, or has as many tasks or runs as allowed. */
const expectedRefusals = new Set(['ILLEGAL_STATE', 'NOT_FOUND', 'QUOTA_EXCEEDED']);

export function createRunActions(deps: {
  ledger: Ledger;
  sender: Sender;
  violations: Violations;
  taskViewers: TaskViewers;
}): RunActions {
  const { ledger, sender, violations, taskViewers } = deps;
  const known: KnownRun[] = [];
  let count = 0;

  function refuse(what: string, projectId: string, { code, message }: { code: string; message: string }): void {
    const mayBeGone = ledger.isLost(projectId) || ledger.wasDeletionRequested(projectId) || code === 'QUOTA_EXCEEDED';
    if (mayBeGone && expectedRefusals.has(code)) return;
    violations.report('I5', projectId, `${what} was refused with ${code}: ${message}`);
  }

  function pickOf({ user, pick }: PlannedCommand): KnownRun | undefined {
    const own = known.filter((run) => run.user === user);
    return own[Math.floor(pick * own.length)];
  }

  return {
    async start(client, account, user) {
      count += 1;
      const restores = ledger.restores();
      const [title, taskKey, runKey] = [`Task ${count}`, randomUUID(), randomUUID()];
      const projectId = account.id;
      taskViewers.watch(client, projectId);
      const task = await sender.sendUntilAnswered(() =>
        client.tasks.create({ projectId, title, idempotencyKey: taskKey }),
      );
      if (task?.kind === 'refused') refuse('a task', projectId, task.error);
      if (task?.kind !== 'acknowledged') return;
      const { id: taskId } = task.value;
      const run = await sender.sendUntilAnswered(() => client.runs.start({ taskId, idempotencyKey: runKey }));
      // The task may have been lost meanwhile.
      if (run?.kind === 'refused' && ledger.restores() === restores) refuse('a run', projectId, run.error);
      if (run?.kind === 'acknowledged') known.push({ runId: run.value.id, projectId, user });
    },
    async abort(client, command) {
      const run = pickOf(command);
      if (run) await sender.send(() => client.runs.abort(run.runId));
    },
    async answer(client, command) {
      const run = pickOf(command);
      if (run) await answerPending(client, run.runId, sender);
    },
  };
}

async function answerPending(client: Client, runId: string, sender: Sender): Promise<void> {
  const read = await sender.send<Run>(() => client.runs.get(runId));
  const [request] = read.kind === 'acknowledged' ? read.value.pending : [];
  if (!request) return;
  const answer = { type: 'permission', reply: 'once' } as const;
  // Another answer may have come meanwhile.
  await sender.send(() => client.runs.answer({ runId, requestId: request.id, answer }));
}

/** What an agent asks for is permitted; every second run is aborted instead. */
async function endWaiting(client: Client, { id, seq, desiredState }: RunRecord, sender: Sender): Promise<void> {
  if (seq % 2 === 0) await answerPending(client, id, sender);
  else if (desiredState !== 'aborted') await sender.send(() => client.runs.abort(id));
}

export interface RunsCheck extends OpenRunsPlace {
  clientOf: (projectId: string) => Client | null;
  sender: Sender;
  violations: Violations;
  limitMs: number;
}

/** I8. Returns the number of runs by their state, how long the last one took to end, and what is known of those that have not. */
export async function checkRuns(
  check: RunsCheck,
): Promise<{ states: Map<string, number>; tookMs: number; openRuns: string[] }> {
  const { db, clientOf, sender, agents, violations, limitMs } = check;
  const startedAt = performance.now();
  let runs: RunRecord[] = [];
  let openRuns: string[] = [];
  for (;;) {
    runs = (await db('runs').select('*').orderBy('seq')).map((row) => runRecordSchema.parse(row));
    const stopped = new Set(await db('projects').where({ desiredState: 'stopped' }).pluck('id'));
    const open = runs.filter((run) => !hasEnded(run) && !(isWaiting(run) && stopped.has(run.projectId)));
    if (open.length === 0) break;
    if (performance.now() - startedAt > limitMs) {
      for (const { id, projectId, state, message } of open) {
        const seconds = limitMs / 1_000;
        violations.report('I8', projectId, `run ${id} is still ${state} ${seconds} s after the last fault: ${message}`);
      }
      openRuns = await describeOpenRuns(open, check);
      break;
    }
    for (const run of open.filter(({ pending }) => pending.length > 0)) {
      const client = clientOf(run.projectId);
      if (client) await endWaiting(client, run, sender);
    }
    await delay(200);
  }
  const tookMs = performance.now() - startedAt;
  for (const [prompt, count] of agents.promptCounts()) {
    if (count > 1) violations.report('I8', null, `the prompt "${prompt}" was given ${count} times`);
  }
  for (const run of runs) await checkTranscript(run, check);
  const states = new Map<string, number>();
  for (const { state } of runs) states.set(state, (states.get(state) ?? 0) + 1);
  return { states, tookMs, openRuns };
}

/** It waits for its project, and its agent has not been prompted. */
const isWaiting = ({ state, messageId }: RunRecord) => state === 'waiting-for-project' && messageId === null;

async function checkTranscript(run: RunRecord, { clientOf, violations }: RunsCheck): Promise<void> {
  const { id, projectId, prompt, state } = run;
  const client = clientOf(projectId);
  if (!client) return;
  try {
    const { messages } = await client.runs.transcript(id);
    if (state !== 'succeeded') return;
    const texts = messages.flatMap(({ role, parts }) =>
      parts.map((part) => `${role}: ${part.type === 'tool' ? part.tool : part.text}`),
    );
    const isWhole = texts[0] === `user: ${prompt}` && (texts.at(-1)?.startsWith('assistant: ') ?? false);
    if (!isWhole) violations.report('I8', projectId, `the transcript of run ${id} is ${JSON.stringify(texts)}`);
  } catch (error) {
    violations.report('I8', projectId, `the transcript of run ${id} cannot be read: ${String(error)}`);
  }
}
