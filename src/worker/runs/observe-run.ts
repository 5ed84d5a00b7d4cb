/** Reads what has become of a run: the state of its project, and its session in OpenCode. It changes nothing. */

import type { Clock } from '../../shared/clock.ts';
import { noUsage, type PendingRequest, type Todo, type Usage } from '../../shared/contract/tasks.ts';
import type { AccessKeys } from '../../shared/node/access/credentials.ts';
import { isPodAddress } from '../../shared/node/access/pod-address.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import type { RunRecord } from '../../shared/node/db/run-record.ts';
import { firstMessageId, isPromptOf, messageIdAfter } from '../../shared/opencode/message-ids.ts';
import type { SessionMessage } from '../../shared/opencode/opencode-answers.ts';
import type { OpenCodeClient } from '../../shared/opencode/opencode-client.ts';
import { OpenCodeError } from '../../shared/opencode/opencode-error.ts';
import type { ObservedRun, ObservedTurn } from './decide-run.ts';
import { endOfFailure, endOfFinish, retryMessage, waitingMessage } from './run-messages.ts';

/** Where the pod of a project is, and what opens it. */
export interface PodAccess {
  podUid: string;
  address: string;
  credential: string;
}

/** What was read of the session, beyond what decides. */
export interface TurnFacts {
  /** The conversation from the prompt on. */
  messages: SessionMessage[];
  truncated: boolean;
  todos: Todo[];
  usage: Usage;
}

/** @returns how to reach OpenCode, or why it cannot be reached */
export function accessOf(
  project: ProjectRecord | null,
  accessKeys: Pick<AccessKeys, 'credential'> | null,
): PodAccess | Extract<ObservedRun, { kind: 'no-project' | 'unusable' }> {
  if (!project || project.desiredState === 'deleted') {
    return { kind: 'no-project', isFinal: true, isDeleted: true, message: '' };
  }
  const { podIp: address, podUid, accessKeyId: keyId } = project;
  const isStopped = project.desiredState === 'stopped';
  if (isStopped || project.status !== 'ready' || address === null || podUid === null) {
    const message = waitingMessage({ isStopped, message: project.message });
    return { kind: 'no-project', isFinal: isStopped, isDeleted: false, message };
  }
  if (!isPodAddress(address)) {
    const message = 'The pods of this installation are simulated, so no agent can work in them. Use a real cluster.';
    return { kind: 'unusable', message };
  }
  if (accessKeys === null) {
    const message = 'Agents cannot be reached, because ACCESS_SECRET is not set. An administrator must set it.';
    return { kind: 'unusable', message };
  }
  const credential = keyId === null ? null : accessKeys.credential('sidecar', { id: project.id, keyId });
  if (credential === null) {
    const message =
      'The pod was created with credentials that are no longer valid. Restart the project, then choose “Run again”.';
    return { kind: 'unusable', message };
  }
  return { podUid, address, credential };
}

export interface SessionObserver {
  /** @throws when the signal of the client aborts; nothing else */
  observe(
    run: RunRecord,
    client: OpenCodeClient,
  ): Promise<{ observed: Extract<ObservedRun, { kind: 'no-answer' | 'session' }>; facts: TurnFacts | null }>;
}

/** It remembers since when the agent does nothing, since when it is to be aborted, and since when OpenCode does not answer. */
export function createSessionObserver({ clock }: { clock: Pick<Clock, 'monotonic'> }): SessionObserver {
  let idleSinceMs: number | null = null;
  let idleProgress = '';
  let abortingSinceMs: number | null = null;
  let silentSinceMs: number | null = null;

  const idleForMs: IdleTime = ({ isBusy, progress }) => {
    // An agent whose messages change has worked in between.
    if (isBusy || progress !== idleProgress) idleSinceMs = null;
    idleProgress = progress;
    if (isBusy) return 0;
    idleSinceMs ??= clock.monotonic();
    return clock.monotonic() - idleSinceMs;
  };
  const abortingForMs = ({ desiredState }: RunRecord): number => {
    if (desiredState !== 'aborted') return 0;
    abortingSinceMs ??= clock.monotonic();
    return clock.monotonic() - abortingSinceMs;
  };

  return {
    async observe(run, client) {
      try {
        const result = await observeSession(run, client, { idleForMs, abortingForMs });
        silentSinceMs = null;
        return result;
      } catch (error) {
        if (!(error instanceof OpenCodeError)) throw error;
        // It may have been restarted meanwhile.
        idleSinceMs = null;
        silentSinceMs ??= clock.monotonic();
        return { observed: { kind: 'no-answer', forMs: clock.monotonic() - silentSinceMs }, facts: null };
      }
    },
  };
}

/** `progress`: a text that differs when the agent has done something. */
type IdleTime = (agent: { isBusy: boolean; progress: string }) => number;

async function observeSession(
  run: RunRecord,
  client: OpenCodeClient,
  { idleForMs, abortingForMs }: { idleForMs: IdleTime; abortingForMs: (run: RunRecord) => number },
): Promise<{ observed: Extract<ObservedRun, { kind: 'session' }>; facts: TurnFacts | null }> {
  const none = { kind: 'session', sessionId: null, freeMessageId: null, turn: null } as const;
  const { messageId } = run;
  const sessionId = run.opencodeSessionId ?? (await client.findSessionOfRun(run.id))?.id ?? null;
  if (sessionId === null) return { observed: none, facts: null };
  if (messageId === null) {
    const freeMessageId = await orNull(readFreeMessageId(client, { runId: run.id, sessionId }));
    if (freeMessageId === null) return { observed: none, facts: null };
    return { observed: { kind: 'session', sessionId, freeMessageId: freeMessageId.id, turn: null }, facts: null };
  }
  // The messages last: they contain the tool that a request belongs to, and an agent that ends between the reads is idle in the
  // next observation only.
  const status = await client.readStatus(sessionId);
  const pending = await readPending(client, sessionId);
  const read = await orNull(client.readMessages(sessionId));
  if (read === null) return { observed: none, facts: null };
  const messages = read.messages.filter(({ id }) => id >= messageId);
  const hasPrompt =
    messages[0]?.id === messageId || (read.truncated && (await client.hasMessage(sessionId, messageId)));
  const found = { kind: 'session', sessionId, freeMessageId: null } as const;
  if (!hasPrompt) return { observed: { ...found, turn: null }, facts: null };
  const todos = await client.readTodos(sessionId);
  const turn = turnOf(messages, {
    isBusy: status !== null,
    idleForMs,
    abortingForMs: abortingForMs(run),
    pending,
    hindrance: hindranceOf(status),
  });
  const truncated = messages[0]?.id !== messageId;
  return { observed: { ...found, turn }, facts: { messages, truncated, todos, usage: usageOf(messages) } };
}

/**
 * The id of the prompt, if the session contains it already, else an id that sorts after everything in the session. It is `null`
 * when the session contains ids of another form.
 */
async function readFreeMessageId(
  client: OpenCodeClient,
  { runId, sessionId }: { runId: string; sessionId: string },
): Promise<{ id: string | null }> {
  const [session, { messages, truncated }] = await Promise.all([
    client.readSession(sessionId),
    client.readMessages(sessionId),
  ]);
  const ids = messages.map(({ id }) => id).toSorted();
  const known = ids.find((id) => isPromptOf(runId, id));
  if (known !== undefined) return { id: known };
  const first = firstMessageId(runId, session.createdMs);
  if (truncated && session.runId === runId && (await client.hasMessage(sessionId, first))) return { id: first };
  const newest = ids.at(-1);
  return { id: newest === undefined ? first : messageIdAfter(runId, newest) };
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof OpenCodeError && error.kind === 'not-found') return null;
    throw error;
  }
}

/** The requests of the session, and of the sessions that its agent has started. */
async function readPending(client: OpenCodeClient, sessionId: string): Promise<PendingRequest[]> {
  const requests = await client.listRequests();
  if (requests.every((each) => each.sessionId === sessionId)) return requests.map(({ request }) => request);
  const children = await client.listChildren(sessionId);
  const ids = new Set([sessionId, ...children.map(({ id }) => id)]);
  return requests.flatMap((each) => (ids.has(each.sessionId) ? [each.request] : []));
}

function turnOf(
  messages: SessionMessage[],
  {
    isBusy,
    idleForMs,
    ...rest
  }: Pick<ObservedTurn, 'isBusy' | 'abortingForMs' | 'pending' | 'hindrance'> & { idleForMs: IdleTime },
): ObservedTurn {
  const last = messages.findLast(({ role }) => role === 'assistant');
  const isComplete = last !== undefined && (last.completedMs !== null || last.failure !== null);
  const end = isComplete ? (last.failure ? endOfFailure(last.failure) : endOfFinish(last.finish)) : null;
  const progress = `${last?.id} ${last?.completedMs} ${last?.failure?.name} ${last?.parts.length}`;
  return { ...rest, isBusy, idleForMs: idleForMs({ isBusy, progress }), hasAnswer: last !== undefined, end };
}

function hindranceOf(status: Awaited<ReturnType<OpenCodeClient['readStatus']>>): string | null {
  return status?.type === 'retry' ? retryMessage(status) : null;
}

function usageOf(messages: SessionMessage[]): Usage {
  const sum = { ...noUsage };
  for (const { usage } of messages) {
    for (const key of Object.keys(sum) as (keyof Usage)[]) sum[key] += usage[key];
  }
  return sum;
}
