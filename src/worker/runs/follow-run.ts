/**
 * Follows one run until it ends: read the row, observe project and OpenCode, decide the next effect, apply it, and repeat. Events
 * of OpenCode and changes of the row only wake the loop, and reading decides. It keeps nothing that another runner could not read
 * again. The loop and its effects stay in one file, because all of them work on the state of one follower: hence its length.
 */

import { randomUUID } from 'node:crypto';

import type { Redis } from 'ioredis';

import { backOffMs } from '../../shared/back-off.ts';
import type { Clock } from '../../shared/clock.ts';
import { hasEnded, type DiffStatistics } from '../../shared/contract/tasks.ts';
import type { AccessKeys } from '../../shared/node/access/credentials.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { findProject } from '../../shared/node/db/projects-repository.ts';
import type { RunRecord } from '../../shared/node/db/run-record.ts';
import {
  changeRun,
  findRun,
  storeTranscript,
  type NewReview,
  type RunPatch,
} from '../../shared/node/db/runs-repository.ts';
import type { Log } from '../../shared/node/log.ts';
import { pause } from '../../shared/node/periodic.ts';
import { publishRun } from '../../shared/node/publish-run.ts';
import { appendOutput } from '../../shared/node/run-output.ts';
import type { RunQueue } from '../../shared/node/run-queue.ts';
import type { StatusPublisher } from '../../shared/node/status-stream.ts';
import { createWakeUp, type WakeUp } from '../../shared/node/wake-up.ts';
import { BranchError } from '../../shared/opencode/branch-problems.ts';
import { createOpenCodeClient, type OpenCodeClient } from '../../shared/opencode/opencode-client.ts';
import { OpenCodeError } from '../../shared/opencode/opencode-error.ts';
import { lastTextOf, parseVerdict, reviewAfter } from './ai-review.ts';
import { decideRun, type ObservedRun, type RunEffect, type RunEnd, type RunTimes } from './decide-run.ts';
import { accessOf, createSessionObserver, type PodAccess, type TurnFacts } from './observe-run.ts';
import { createOutputWriter, toTranscriptMessage, type OutputWriter } from './output-writer.ts';
import type { RowWatch } from './row-watch.ts';
import { prepareWorkspace, saveChanges } from './run-branch.ts';
import { runMessages } from './run-messages.ts';
import { keepNewest } from './transcript-size.ts';

/** Without events OpenCode is looked at again after this time. */
const quietMs = 3_000;
/** Events do not make the loop run more often than this. */
const paceMs = 400;
/** After an effect that takes a moment to show, and while the end of a run settles. */
const soonMs = 300;
/** The conversation of a running agent is stored at most this often. */
const transcriptMs = 3_000;
/** A prompt waits so long for the stream of events. */
const openMs = 2_000;
const eventsBackOff = { firstMs: 250, longestMs: 5_000 };
/** As many of the newest messages are passed on again when a runner begins. */
const repeatedMessages = 20;
/** OpenCode may refuse so many effects in a row before the run has failed. */
const maxRefusals = 10;
/** A run that waits for its project is looked at again after a part of the time that it has waited. */
const waitBounds = { firstMs: 500, longestMs: 5_000 };

export interface FollowDeps {
  db: Database;
  redis: Redis;
  publisher: StatusPublisher;
  /** `null`: this installation has no ACCESS_SECRET. */
  accessKeys: Pick<AccessKeys, 'credential'> | null;
  rowWatch: RowWatch;
  queue: Pick<RunQueue, 'enqueue'>;
  times: RunTimes;
  clock: Clock;
  random: () => number;
}

export type FollowResult =
  /** The run has ended, was deleted, or is followed by a newer runner. */
  | { kind: 'done' }
  /** The run waits for its project. Follow it again after this time. */
  | { kind: 'requeue'; requeueAfterMs: number };

/** An agent may work for a run that has ended, or that this runner does not follow any more. */
export interface SentPrompt {
  projectId: string;
  access: PodAccess & { directory: string | null };
  sessionId: string;
}

interface Follower extends FollowDeps {
  runId: string;
  attempt: number;
  log: Log;
  signal: AbortSignal;
  wakeUp: WakeUp;
  output: OutputWriter;
  connection: Connection | null;
  /** The prompt that this runner has sent, or whose agent it could not stop. */
  sent: SentPrompt | null;
  refusals: number;
  /** The command to OpenCode that the run needs, and since when. */
  repeated: { key: string; sinceMs: number } | null;
  /** The messages before this runner began were passed on again. */
  hasRepeated: boolean;
  transcriptAtMs: number;
  transcriptText: string;
}

interface Connection {
  access: PodAccess & { directory: string | null };
  client: OpenCodeClient;
  observer: ReturnType<typeof createSessionObserver>;
  closed: AbortSignal;
  /** Ends the requests of the client and its stream of events. */
  close(): void;
  /** The session whose events arrive. */
  followedSession: string | null;
  /** Resolves when the stream of events was opened for the first time. */
  eventsOpen: PromiseWithResolvers<void>;
}

/**
 * @param run as this runner has begun it
 * @param options.leave is called with the prompt whose agent may work although this runner does not follow the run any more. The
 * caller stops it when the run has ended.
 * @throws the reason of the signal; errors of the database
 */
export async function followRun(
  deps: FollowDeps,
  run: RunRecord,
  { log, signal, leave }: { log: Log; signal: AbortSignal; leave: (sent: SentPrompt) => void },
): Promise<FollowResult> {
  const wakeUp = createWakeUp();
  const follower: Follower = {
    ...deps,
    runId: run.id,
    attempt: run.attempt,
    log,
    signal,
    wakeUp,
    output: createOutputWriter((entries) => appendOutput(deps.redis, run.id, entries)),
    connection: null,
    sent: null,
    refusals: 0,
    repeated: null,
    hasRepeated: false,
    transcriptAtMs: -Infinity,
    transcriptText: '',
  };
  const unfollow = deps.rowWatch.follow(run.id, wakeUp.notify);
  let result: FollowResult | null = null;
  try {
    result = await repeat(follower);
    return result;
  } finally {
    if (follower.sent && result?.kind !== 'requeue') leave(follower.sent);
    unfollow();
    follower.connection?.close();
    await follower.output.flush();
  }
}

async function repeat(follower: Follower): Promise<FollowResult> {
  const { db, runId, attempt, rowWatch, signal } = follower;
  for (;;) {
    signal.throwIfAborted();
    const run = await findRun(db, runId);
    if (!run || run.attempt !== attempt) return { kind: 'done' };
    if (hasEnded(run)) return { kind: 'done' };
    rowWatch.note(runId, run.version);
    const { observed, facts } = await observe(follower, run);
    signal.throwIfAborted();
    const result = await apply(follower, decideRun(run, observed, follower.times), { run, observed, facts });
    if (result) return result;
  }
}

async function observe(
  follower: Follower,
  run: RunRecord,
): Promise<{ observed: ObservedRun; facts: TurnFacts | null }> {
  const access = accessOf(await findProject(follower.db, run.projectId), follower.accessKeys);
  if ('kind' in access) {
    follower.connection?.close();
    follower.connection = null;
    return { observed: access, facts: null };
  }
  const { workspace } = run;
  const directory = workspace?.kind === 'worktree' ? workspace.directory : null;
  const { client, observer } = connect(follower, { ...access, directory });
  if (workspace === null) return { observed: { kind: 'no-workspace' }, facts: null };
  return await observer.observe(run, client);
}

/** The connection to a folder of this pod. Another pod or folder gets another one. */
function connect(follower: Follower, access: Connection['access']): Connection {
  const { connection, signal, clock } = follower;
  const known = connection?.access;
  const isSamePod = known?.podUid === access.podUid && known.address === access.address;
  if (connection && isSamePod && known.directory === access.directory) return connection;
  connection?.close();
  const closing = new AbortController();
  const client = createOpenCodeClient({
    ...access,
    signal: AbortSignal.any([signal, closing.signal]),
  });
  const observer = createSessionObserver({ clock });
  const close = () => closing.abort();
  const eventsOpen = Promise.withResolvers<void>();
  follower.connection = { access, client, observer, closed: closing.signal, close, followedSession: null, eventsOpen };
  return follower.connection;
}

interface Step {
  run: RunRecord;
  observed: ObservedRun;
  facts: TurnFacts | null;
}

/** @returns `null` when the loop continues */
async function apply(follower: Follower, effect: RunEffect, step: Step): Promise<FollowResult | null> {
  switch (effect.kind) {
    case 'end':
      await finish(follower, effect.end, step);
      if (effect.agentMayWork) leaveAgent(follower, step);
      return { kind: 'done' };
    case 'wait': {
      await write(follower, () => ({ state: 'waiting-for-project', message: effect.message }));
      return { kind: 'requeue', requeueAfterMs: waitMs(follower, step.run) };
    }
    case 'store-session':
      await write(follower, storeOnce('opencodeSessionId', effect.sessionId));
      return null;
    case 'store-message-id':
      await write(follower, storeOnce('messageId', effect.messageId));
      return null;
    case 'follow':
      if (step.observed.kind === 'session') follower.repeated = null;
      await record(follower, effect, step);
      await waitForNews(follower, step);
      return null;
    default:
      return await tryCommand(follower, effect, step);
  }
}

/** Applies an effect in OpenCode, which may fail, or have no effect. @returns `null` when the loop continues */
async function tryCommand(follower: Follower, effect: Command, step: Step): Promise<FollowResult | null> {
  const { wakeUp, signal, log, connection, times, random } = follower;
  let failure: OpenCodeError | null = null;
  try {
    if (connection) await command(follower, connection, { effect, run: step.run });
    follower.refusals = 0;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BranchError) {
      await finish(follower, { state: 'failed', message: error.message }, step);
      return { kind: 'done' };
    }
    if (!(error instanceof OpenCodeError)) throw error;
    log.debug({ error: error.message, kind: error.kind }, 'OpenCode did not do what it was asked');
    failure = error;
    // An OpenCode that is away does not refuse: the next observation shows it.
    if (error.kind !== 'unreachable') follower.refusals += 1;
  }
  const isHopeless = follower.refusals >= maxRefusals || repeatedForMs(follower, effect) >= times.noAnswerMs;
  // An abort has a time limit of its own.
  if (isHopeless && effect.kind !== 'abort') {
    const why = failure?.kind ?? `${effect.kind} has no effect`;
    const message = `OpenCode does not do what a run needs (${why}). Restart the project, then choose “Run again”.`;
    await finish(follower, { state: 'failed', message }, step);
    leaveAgent(follower, step);
    return { kind: 'done' };
  }
  if (failure) await wakeUp.wait(backOffMs(Math.max(follower.refusals, 1), { ...eventsBackOff, random }), signal);
  return null;
}

/** The run has ended, and the agent may still work. */
function leaveAgent(follower: Follower, { run: { projectId, opencodeSessionId: sessionId } }: Step): void {
  const { connection } = follower;
  if (connection && sessionId !== null) follower.sent = { projectId, access: connection.access, sessionId };
}

/** For how long the run has needed nothing but this command. */
function repeatedForMs(follower: Follower, effect: Command): number {
  const key = effect.kind === 'answer' ? `${effect.kind} ${effect.requestId}` : effect.kind;
  const nowMs = follower.clock.monotonic();
  if (follower.repeated?.key !== key) follower.repeated = { key, sinceMs: nowMs };
  return nowMs - follower.repeated.sinceMs;
}

type Command = Extract<
  RunEffect,
  { kind: 'prepare-workspace' | 'save-changes' | 'create-session' | 'send-prompt' | 'abort' | 'answer' }
>;

async function command(
  follower: Follower,
  connection: Connection,
  { effect, run }: { effect: Command; run: RunRecord },
): Promise<void> {
  const { client, access } = connection;
  switch (effect.kind) {
    case 'prepare-workspace': {
      await write(follower, () => ({ state: 'queued', message: runMessages.preparing }));
      const workspace = await prepareWorkspace({ ...follower, client }, run);
      await write(follower, (current) => (current.workspace === null && workspace ? { workspace } : null));
      return;
    }
    case 'save-changes':
      await saveChanges({ ...follower, client }, run);
      await write(follower, () => ({ isSaved: true }));
      return;
    case 'create-session': {
      const session = await client.createSession({
        runId: run.id,
        title: run.kind === 'review' ? 'Review of a task' : titleOf(run.prompt),
        isReadOnly: run.kind === 'review',
      });
      await write(follower, storeOnce('opencodeSessionId', session.id));
      return;
    }
    case 'send-prompt':
      followEvents(follower, connection, effect.sessionId);
      // The first words of the agent are part of the output only if the stream is open before they are written.
      await Promise.race([connection.eventsOpen.promise, pause(openMs, follower.signal)]);
      follower.sent = { projectId: run.projectId, access, sessionId: effect.sessionId };
      await client.prompt(effect.sessionId, { messageId: effect.messageId, text: run.prompt });
      // An OpenCode that still loads its plugins shows the prompt later. Its first event ends this wait.
      await follower.wakeUp.wait(quietMs, follower.signal);
      return;
    case 'abort':
      await client.abort(effect.sessionId);
      await follower.wakeUp.wait(soonMs, follower.signal);
      return;
    case 'answer':
      await client.answer(effect.requestId, effect.answer).catch((error: unknown) => {
        // It was answered in OpenCode meanwhile, or the agent does not wait any more.
        if (!(error instanceof OpenCodeError) || error.kind !== 'not-found') throw error;
      });
      await follower.wakeUp.wait(soonMs, follower.signal);
  }
}

const titleOf = (prompt: string): string => (prompt.split('\n')[0] ?? '').slice(0, 100);

/** Another runner may have stored one before. */
function storeOnce(field: 'opencodeSessionId' | 'messageId', value: string) {
  return (run: RunRecord): RunPatch | null => (run[field] === null ? { [field]: value } : null);
}

/** @returns `false` when a newer runner follows the run, or when the run was deleted */
async function write(
  follower: Follower,
  patchOf: (run: RunRecord) => RunPatch | null,
  review: NewReview | null = null,
): Promise<boolean> {
  const { db, runId, attempt, rowWatch, publisher } = follower;
  const result = await changeRun(db, { id: runId, attempt }, patchOf, review);
  if (!result) return false;
  rowWatch.note(runId, result.record.version);
  await publishRun(publisher, result);
  return true;
}

/** Writes what was observed of a running agent. */
async function record(
  follower: Follower,
  { state, message }: Extract<RunEffect, { kind: 'follow' }>,
  { run: before, observed, facts }: Step,
): Promise<void> {
  const { connection, clock } = follower;
  if (facts && !follower.hasRepeated) {
    follower.hasRepeated = true;
    follower.output.repeat(facts.messages.slice(-repeatedMessages));
  }
  const isInSession = observed.kind === 'session' && observed.turn !== null && observed.sessionId !== null;
  if (isInSession && connection && observed.sessionId) followEvents(follower, connection, observed.sessionId);
  // What people read when the agent waits for them is complete.
  const isDue = state !== before.state || clock.monotonic() - follower.transcriptAtMs >= transcriptMs;
  const diff = isDue ? await readDiff(follower, before) : null;
  if (facts && isDue) await store(follower, facts);
  await write(follower, (run) => ({
    state,
    message,
    ...(isInSession ? { startedAt: run.startedAt ?? new Date(clock.now()).toISOString() } : {}),
    ...factsPatch(run, { observed, facts }),
    ...(diff ? { diff } : {}),
  }));
}

function factsPatch(run: RunRecord, { observed, facts }: Pick<Step, 'observed' | 'facts'>): RunPatch {
  const turn = observed.kind === 'session' ? observed.turn : null;
  return {
    ...(turn ? { pending: turn.pending.filter(({ id }) => !Object.hasOwn(run.answers, id)) } : {}),
    ...(facts ? { todos: facts.todos } : {}),
    // Of a long conversation only the newest messages are read.
    ...(facts && !facts.truncated ? { usage: facts.usage } : {}),
  };
}

async function readDiff(
  { connection }: Follower,
  { opencodeSessionId, messageId, startedAt }: RunRecord,
): Promise<DiffStatistics | null> {
  if (!connection || opencodeSessionId === null || messageId === null || startedAt === null) return null;
  // It is an ornament: a run does not fail without it.
  return await connection.client.readDiff(opencodeSessionId, messageId).catch((error: unknown) => {
    if (error instanceof OpenCodeError) return null;
    throw error;
  });
}

async function store(follower: Follower, facts: TurnFacts): Promise<void> {
  const { db, runId, attempt, clock } = follower;
  follower.transcriptAtMs = clock.monotonic();
  const kept = keepNewest(facts.messages.map(toTranscriptMessage));
  const text = JSON.stringify(kept.messages);
  if (text === follower.transcriptText) return;
  follower.transcriptText = text;
  const truncated = facts.truncated || kept.truncated;
  await storeTranscript(db, { runId, attempt }, { messages: kept.messages, truncated });
}

/** The transcript is stored before the end of the run is written, so that whoever learns of the end finds it complete. */
async function finish(follower: Follower, end: RunEnd, { run: before, observed, facts }: Step): Promise<void> {
  if (facts) await store(follower, facts);
  const diff = await readDiff(follower, before);
  await follower.output.flush();
  const prompt = await reviewAfter(follower.db, before, end.state);
  const review = prompt === null ? null : { id: randomUUID(), prompt, message: runMessages.reviewQueued };
  const isOurs = await write(
    follower,
    (run) => ({
      ...factsPatch(run, { observed, facts }),
      ...(diff ? { diff } : {}),
      ...endOf(run, end, facts),
    }),
    review,
  );
  if (isOurs) follower.sent = null;
  if (isOurs && review) await follower.queue.enqueue(review.id);
}

/** A review without a verdict that can be read has failed. */
function endOf({ kind }: RunRecord, end: RunEnd, facts: TurnFacts | null): RunPatch {
  if (kind !== 'review' || end.state !== 'succeeded') return end;
  const verdict = parseVerdict(lastTextOf(facts?.messages ?? []));
  return verdict ? { ...end, verdict } : { state: 'failed', message: runMessages.noVerdict };
}

/** Waits for an event, for a change of the row, or for the time at which the observed state becomes final. */
async function waitForNews({ wakeUp, signal, times }: Follower, { observed }: Step): Promise<void> {
  const isIdle = observed.kind === 'session' && observed.turn !== null && !observed.turn.isBusy;
  const limitMs = isIdle ? Math.min(soonMs, times.settleMs) : quietMs;
  await wakeUp.wait(limitMs, signal);
  await pause(Math.min(paceMs, limitMs), signal);
}

function waitMs({ clock, random }: Follower, run: RunRecord): number {
  const waitedMs = clock.now() - Date.parse(run.createdAt);
  return Math.min(Math.max(waitBounds.firstMs, waitedMs / 4), waitBounds.longestMs) * (0.5 + random() / 2);
}

/** Passes on the output of the session, and wakes the loop when something else has changed, until the connection is closed. */
function followEvents(follower: Follower, connection: Connection, sessionId: string): void {
  if (connection.followedSession === sessionId) return;
  connection.followedSession = sessionId;
  const { output, wakeUp, random, log } = follower;
  const ended = AbortSignal.any([follower.signal, connection.closed]);

  async function passOn(): Promise<void> {
    const events = connection.client.events(ended, { onOpen: () => connection.eventsOpen.resolve() });
    for await (const event of events) {
      if (event.type === 'changed') {
        if (event.sessionId === null || event.sessionId === sessionId) wakeUp.notify();
      } else if (event.sessionId === sessionId) {
        output.write(event);
        if (event.type !== 'delta') wakeUp.notify();
      }
    }
  }

  void (async () => {
    for (let failures = 1; !ended.aborted; failures += 1) {
      output.restart();
      await passOn().catch((error: unknown) =>
        log.debug({ error: String(error) }, 'the events of OpenCode ended; trying again'),
      );
      wakeUp.notify();
      await pause(backOffMs(failures, { ...eventsBackOff, random }), ended);
    }
  })();
}
