/**
 * The one adapter to OpenCode's API. It talks to the session proxy of a pod with the credential of its project. Every answer of a
 * pod is hostile: it has a time limit, a size limit and a schema, and its texts are cleaned. It is written by hand on `fetch`,
 * because the official SDK has neither limits nor schemas (see docs/decisions/0032-runs-are-reconciled.md).
 */

import { isIPv6 } from 'node:net';

import type { z } from 'zod';

import type { DiffStatistics, PendingRequest, RunAnswer, Todo } from '../contract/tasks.ts';
import { pause } from '../node/periodic.ts';
import { parseJson } from '../parse-json.ts';
import { readEvents, readLimited } from './limited-body.ts';
import { textPartId } from './message-ids.ts';
import {
  diffSchema,
  fileSchema,
  messagesSchema,
  permissionsSchema,
  questionsSchema,
  readOnlyRules,
  runIdKey,
  sessionSchema,
  sessionsSchema,
  statusesSchema,
  terminalSchema,
  todosSchema,
  workingFolderSchema,
  type OpenCodeSession,
  type SessionMessage,
  type BusyStatus,
} from './opencode-answers.ts';
import { kindOfStatus, OpenCodeError } from './opencode-error.ts';
import { createDeltaJoiner, parseEvent, type OpenCodeEvent } from './opencode-events.ts';

/** The port of the session proxy in every pod. */
const sessionProxyPort = 3002;
const timeLimitMs = 5_000;
/** The first request to a project makes OpenCode read its configuration and plugins, which takes seconds. */
const firstTimeLimitMs = 20_000;
/** The first terminal makes OpenCode look at all folders of a project. A command that is given up may still begin. */
const commandLimitMs = 60_000;
const maxAnswerBytes = 1024 * 1024;
const maxMessagesBytes = 8 * 1024 * 1024;
/** Messages in one answer. When the answer is too large, the newest ones are read with the next smaller limit. */
const messageLimits = [200, 50, 10, 2];
/** A session that a run has created is among the newest ones. */
const newestSessions = 100;
const maxEventLength = 1024 * 1024;
/** A pod that sends more events than this a second is slowed down. */
const maxEventBytesPerSecond = 4 * 1024 * 1024;

export interface OpenCodeClient {
  /** The session that this run has created, or `null`. */
  findSessionOfRun(runId: string): Promise<OpenCodeSession | null>;
  /** @throws OpenCodeError `not-found` */
  readSession(sessionId: string): Promise<OpenCodeSession>;
  /** @param session.isReadOnly its agent may read and search files, and nothing else */
  createSession(session: { runId: string; title: string; isReadOnly?: boolean }): Promise<OpenCodeSession>;
  /** The sessions of agents that agents of this session have started. */
  listChildren(sessionId: string): Promise<OpenCodeSession[]>;
  /** `null`: idle, or unknown to this process of OpenCode. */
  readStatus(sessionId: string): Promise<BusyStatus | null>;
  /** The newest messages, the oldest first. `truncated`: there may be earlier ones. */
  readMessages(sessionId: string): Promise<{ messages: SessionMessage[]; truncated: boolean }>;
  hasMessage(sessionId: string, messageId: string): Promise<boolean>;
  readTodos(sessionId: string): Promise<Todo[]>;
  /** What was changed since this prompt. */
  readDiff(sessionId: string, messageId: string): Promise<DiffStatistics>;
  /** What the agents of all sessions wait for. */
  listRequests(): Promise<{ sessionId: string; request: PendingRequest }[]>;
  /** Sends a prompt. Sending the same one again has no further effect. */
  prompt(sessionId: string, prompt: { messageId: string; text: string }): Promise<void>;
  abort(sessionId: string): Promise<void>;
  /** @throws OpenCodeError `not-found` when nobody waits for this answer any more */
  answer(requestId: string, answer: RunAnswer): Promise<void>;
  /** The working folder of OpenCode, which is the folder of the project. */
  readWorkingFolder(): Promise<string>;
  /** Starts a program in OpenCode's container, in the folder of the project. @returns an id for `isCommandRunning` */
  startCommand(command: { command: string; args: string[] }): Promise<string>;
  isCommandRunning(commandId: string): Promise<boolean>;
  /** A text file in a folder of OpenCode's container, without blanks at its end; `null` when it does not exist. */
  readFile(file: { folder: string; path: string }): Promise<string | null>;
  /** The events of all sessions, until the signal aborts or the connection ends. @throws OpenCodeError */
  events(signal: AbortSignal, options?: { onOpen?: () => void }): AsyncGenerator<OpenCodeEvent, void>;
}

interface ClientOptions {
  /** The address of the pod. */
  address: string;
  /** The sidecar credential of the project. */
  credential: string;
  signal: AbortSignal;
  /** The folder of the sessions; unless given, the folder of the project. Sessions, requests and status belong to one folder. */
  directory?: string | null;
}

interface Call {
  method?: 'GET' | 'POST';
  body?: object;
  limitMs?: number;
  maxBytes?: number;
  /** Instead of the folder of the client. `null`: the folder of the project. */
  folder?: string | null;
}

export function createOpenCodeClient({ address, credential, signal, directory = null }: ClientOptions): OpenCodeClient {
  const base = `http://${isIPv6(address) ? `[${address}]` : address}:${sessionProxyPort}`;
  const headers = { authorization: `Bearer ${credential}`, 'content-type': 'application/json' };

  async function open(path: string, { method = 'GET', body, folder = directory }: Call, limits: AbortSignal) {
    const query = folder === null ? '' : `${path.includes('?') ? '&' : '?'}directory=${encodeURIComponent(folder)}`;
    const response = await fetch(base + path + query, {
      method,
      headers,
      redirect: 'error',
      signal: limits,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(rethrowUnreachable);
    if (response.ok) return response;
    await response.body?.cancel().catch(() => undefined);
    throw new OpenCodeError(
      kindOfStatus(response.status),
      `OpenCode answered ${response.status} to ${method} ${path}.`,
    );
  }

  async function send(path: string, call: Call): Promise<string> {
    const limits = AbortSignal.any([signal, AbortSignal.timeout(call.limitMs ?? timeLimitMs)]);
    const response = await open(path, call, limits);
    return await readLimited(response.body, call.maxBytes ?? maxAnswerBytes).catch(rethrowUnreachable);
  }

  async function read<T extends z.ZodType>(path: string, schema: T, call: Call = {}): Promise<z.output<T>> {
    const parsed = schema.safeParse(parseJson(await send(path, call)));
    if (parsed.success) return parsed.data;
    throw new OpenCodeError('unreadable', `The answer to ${call.method ?? 'GET'} ${path} has another shape.`);
  }

  async function readNewest(sessionId: string, limit: number) {
    const path = `/session/${sessionId}/message?limit=${limit}`;
    const messages = await read(path, messagesSchema, { maxBytes: maxMessagesBytes });
    return { messages, truncated: messages.length >= limit };
  }

  return {
    async findSessionOfRun(runId) {
      const sessions = await read(`/session?limit=${newestSessions}`, sessionsSchema, { limitMs: firstTimeLimitMs });
      return sessions.find((session) => session.runId === runId) ?? null;
    },
    readSession: (id) => read(`/session/${id}`, sessionSchema),
    createSession: ({ runId, title, isReadOnly = false }) =>
      read('/session', sessionSchema, {
        method: 'POST',
        body: { title, metadata: { [runIdKey]: runId }, ...(isReadOnly ? { permission: readOnlyRules } : {}) },
        limitMs: firstTimeLimitMs,
      }),
    listChildren: (id) => read(`/session/${id}/children`, sessionsSchema),
    async readStatus(id) {
      const status = (await read('/session/status', statusesSchema))[id];
      return status && status.type !== 'idle' ? status : null;
    },
    async readMessages(id) {
      for (const limit of messageLimits.slice(0, -1)) {
        try {
          return await readNewest(id, limit);
        } catch (error) {
          if (!(error instanceof OpenCodeError) || error.kind !== 'unreadable') throw error;
        }
      }
      return await readNewest(id, messageLimits.at(-1) ?? 1);
    },
    async hasMessage(id, messageId) {
      try {
        await send(`/session/${id}/message/${messageId}`, { maxBytes: maxMessagesBytes });
        return true;
      } catch (error) {
        if (error instanceof OpenCodeError && error.kind === 'not-found') return false;
        throw error;
      }
    },
    readTodos: (id) => read(`/session/${id}/todo`, todosSchema),
    readDiff: (id, messageId) =>
      read(`/session/${id}/diff?messageID=${messageId}`, diffSchema, { maxBytes: maxMessagesBytes }),
    async listRequests() {
      const lists = [read('/permission', permissionsSchema), read('/question', questionsSchema)];
      return (await Promise.all(lists)).flat();
    },
    async prompt(id, { messageId, text }) {
      const parts = [{ id: textPartId(messageId), type: 'text', text }];
      const body = { messageID: messageId, parts };
      await send(`/session/${id}/prompt_async`, { method: 'POST', body, limitMs: firstTimeLimitMs });
    },
    async abort(id) {
      await send(`/session/${id}/abort`, { method: 'POST' });
    },
    async answer(requestId, answer) {
      const { path, body } = replyOf(requestId, answer);
      await send(path, { method: 'POST', body });
    },
    readWorkingFolder: async () =>
      (await read('/path', workingFolderSchema, { folder: null, limitMs: firstTimeLimitMs })).directory,
    async startCommand({ command, args }) {
      const body = { command, args, title: 'git for a task' };
      const started = await read('/pty', terminalSchema, {
        method: 'POST',
        body,
        folder: null,
        limitMs: commandLimitMs,
      });
      return started.id;
    },
    async isCommandRunning(commandId) {
      try {
        return (await read(`/pty/${commandId}`, terminalSchema, { folder: null })).status === 'running';
      } catch (error) {
        if (error instanceof OpenCodeError && error.kind === 'not-found') return false;
        throw error;
      }
    },
    async readFile({ folder, path }) {
      const call = { folder, maxBytes: maxMessagesBytes, limitMs: firstTimeLimitMs };
      const { type, content } = await read(`/file/content?path=${encodeURIComponent(path)}`, fileSchema, call);
      return type === 'text' && content !== '' ? content : null;
    },
    async *events(ended, { onOpen } = {}) {
      const limits = AbortSignal.any([signal, ended]);
      const { body } = await open('/global/event', { folder: null }, limits);
      if (body === null) return;
      onOpen?.();
      const join = createDeltaJoiner();
      try {
        const texts = readEvents(body, { maxLength: maxEventLength, throttle: createThrottle(limits) });
        for await (const text of texts) {
          const event = parseEvent(text, join);
          if (event) yield event;
        }
      } catch (error) {
        if (!limits.aborted) rethrowUnreachable(error);
      }
    },
  };
}

function replyOf(requestId: string, answer: RunAnswer): { path: string; body: object } {
  if (answer.type === 'permission') {
    const { reply, message } = answer;
    return { path: `/permission/${requestId}/reply`, body: message === undefined ? { reply } : { reply, message } };
  }
  return answer.answers === null
    ? { path: `/question/${requestId}/reject`, body: {} }
    : { path: `/question/${requestId}/reply`, body: { answers: answer.answers } };
}

function rethrowUnreachable(error: unknown): never {
  if (error instanceof OpenCodeError) throw error;
  throw new OpenCodeError('unreachable', 'OpenCode does not answer.', { cause: error });
}

/** Waits as soon as more bytes have come within a second than allowed, so that the sender has to wait too. */
function createThrottle(signal: AbortSignal): (bytes: number) => Promise<void> {
  let startedAtMs = performance.now();
  let sum = 0;
  return async (bytes) => {
    const nowMs = performance.now();
    if (nowMs - startedAtMs > 1_000) {
      startedAtMs = nowMs;
      sum = 0;
    }
    sum += bytes;
    if (sum > maxEventBytesPerSecond) await pause(startedAtMs + 1_000 - nowMs, signal);
  };
}
