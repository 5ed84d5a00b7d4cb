/**
 * What OpenCode answers, parsed and cleaned. A pod may answer anything, so each text is cut and cleaned, each number is checked,
 * and entries that cannot be read are left out. Tested with OpenCode 1.18; fields that we do not use may change.
 */

import { z } from 'zod';

import { cleanText } from '../clean-texts.ts';
import type { MessagePart, PendingRequest, Todo, Usage } from '../contract/tasks.ts';

const maxTextLength = 100_000;
const maxToolTextLength = 8_000;
const maxInputLength = 4_000;
const maxTitleLength = 300;
const maxPartsPerMessage = 500;
const maxRequests = 50;
const maxTodos = 100;

const text = (longest: number) => z.string().transform((value) => cleanText(value, longest));
/** Ids are parts of paths. */
const id = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/);
const count = z.number().nonnegative().max(1e15).catch(0);
const timeMs = z.number().int().nonnegative().max(8.64e15);

/** A list without the entries that cannot be read. */
const listOf = <T extends z.ZodType>(item: T, max: number) =>
  z.array(z.unknown()).transform((values) =>
    values.slice(0, max).flatMap((value): z.output<T>[] => {
      const parsed = item.safeParse(value);
      return parsed.success ? [parsed.data] : [];
    }),
  );

export const sessionSchema = z
  .object({
    id,
    time: z.object({ created: timeMs }),
    metadata: z.record(z.string(), z.unknown()).nullish().catch(null),
  })
  .transform(({ id: sessionId, time, metadata }) => ({
    id: sessionId,
    createdMs: time.created,
    /** The run that created the session, if one did. */
    runId: typeof metadata?.[runIdKey] === 'string' ? metadata[runIdKey] : null,
  }));
export type OpenCodeSession = z.output<typeof sessionSchema>;

/** The key of a session's metadata that names the run which created it. */
export const runIdKey = 'opencode-project-manager-run';

export const sessionsSchema = listOf(sessionSchema, 1_000);

const statusSchema = z.union([
  z.object({ type: z.literal('retry'), attempt: count, message: text(maxTitleLength) }),
  z
    .object({ type: z.string() })
    .transform(({ type }) => ({ type: type === 'idle' ? ('idle' as const) : ('busy' as const) })),
]);
/** Sessions that are not idle, by id. OpenCode usually leaves idle ones out. */
export const statusesSchema = z.record(z.string(), statusSchema);
/** `retry`: the model did not answer, and OpenCode tries again. */
export type BusyStatus = Exclude<z.output<typeof statusSchema>, { type: 'idle' }>;

const failureSchema = z
  .object({
    name: text(100),
    data: z
      .object({ message: text(500).catch(''), statusCode: z.int().optional().catch(undefined) })
      .catch({ message: '' }),
  })
  .transform(({ name, data }) => ({ name, message: data.message, statusCode: data.statusCode ?? null }));
/** Why a message of the agent failed, as OpenCode says it. */
export type MessageFailure = z.output<typeof failureSchema>;

const tokensSchema = z.object({
  input: count,
  output: count,
  reasoning: count,
  cache: z.object({ read: count, write: count }).catch({ read: 0, write: 0 }),
});

const diffsSchema = listOf(z.object({ additions: count, deletions: count }), 10_000);
export const diffSchema = diffsSchema.transform((diffs) => ({
  files: diffs.length,
  additions: diffs.reduce((sum, { additions }) => sum + Math.floor(additions), 0),
  deletions: diffs.reduce((sum, { deletions }) => sum + Math.floor(deletions), 0),
}));

export const messageInfoSchema = z
  .object({
    id,
    role: z.enum(['user', 'assistant']),
    time: z.object({ created: timeMs, completed: timeMs.nullish().catch(null) }),
    error: failureSchema.nullish().catch(null),
    finish: text(50).nullish().catch(null),
    cost: count.optional(),
    tokens: tokensSchema.nullish().catch(null),
  })
  .transform(({ time, error, finish, cost, tokens, ...info }) => ({
    ...info,
    createdMs: time.created,
    completedMs: time.completed ?? null,
    failure: error ?? null,
    /** Why the model stopped, such as `stop` or `tool-calls`. */
    finish: finish ?? null,
    usage: usageOf(cost ?? 0, tokens ?? null),
  }));
export type MessageInfo = z.output<typeof messageInfoSchema>;

function usageOf(cost: number, tokens: z.output<typeof tokensSchema> | null): Usage {
  return {
    inputTokens: tokens?.input ?? 0,
    outputTokens: tokens?.output ?? 0,
    reasoningTokens: tokens?.reasoning ?? 0,
    cacheReadTokens: tokens?.cache.read ?? 0,
    cacheWriteTokens: tokens?.cache.write ?? 0,
    cost,
  };
}

const toolStateSchema = z.object({
  status: z.enum(['pending', 'running', 'completed', 'error']),
  title: text(maxTitleLength).nullish().catch(null),
  input: z.unknown(),
  output: text(maxToolTextLength).nullish().catch(null),
  error: text(maxToolTextLength).nullish().catch(null),
});

export const partSchema = z
  .discriminatedUnion('type', [
    z.object({ id, type: z.literal('text'), text: text(maxTextLength) }),
    z.object({ id, type: z.literal('reasoning'), text: text(maxTextLength) }),
    z.object({ id, type: z.literal('tool'), tool: text(100), state: toolStateSchema }),
  ])
  .transform((part): MessagePart => {
    if (part.type !== 'tool') return part;
    const { status, title, input, output, error } = part.state;
    return {
      id: part.id,
      type: 'tool',
      tool: part.tool,
      status,
      title: title ?? null,
      input: cleanText(JSON.stringify(input ?? {}), maxInputLength),
      output: error ?? output ?? '',
    };
  });

const messageSchema = z
  .object({ info: messageInfoSchema, parts: listOf(partSchema, maxPartsPerMessage) })
  .transform(({ info, parts }) => ({ ...info, parts }));
export type SessionMessage = z.output<typeof messageSchema>;

export const messagesSchema = listOf(messageSchema, 10_000);

export const todosSchema = listOf(
  z.object({
    content: text(1_000),
    status: z.enum(['pending', 'in_progress', 'completed', 'cancelled']).catch('pending'),
  }),
  maxTodos,
).transform((todos): Todo[] => todos);

const texts = listOf(text(2_000), 50);
const permissionSchema = z
  .object({
    id,
    sessionID: id,
    permission: text(100),
    patterns: texts.catch([]),
    always: texts.catch([]),
    metadata: z.record(z.string(), z.unknown()).catch({}),
  })
  .transform(({ sessionID, metadata, ...request }): { sessionId: string; request: PendingRequest } => ({
    sessionId: sessionID,
    request: { type: 'permission', ...request, detail: detailOf(metadata) },
  }));

/** The command, the change or the address that the agent asks for. */
function detailOf(metadata: Record<string, unknown>): string | null {
  for (const key of ['command', 'diff', 'url', 'filepath', 'filePath']) {
    const value = metadata[key];
    if (typeof value === 'string') return cleanText(value);
  }
  return null;
}

const questionSchema = z
  .object({
    id,
    sessionID: id,
    questions: listOf(
      z.object({
        header: text(100).catch(''),
        question: text(2_000),
        options: listOf(z.object({ label: text(500), description: text(2_000).catch('') }), 50),
        multiple: z.boolean().catch(false),
        custom: z.boolean().catch(true),
      }),
      20,
    ),
  })
  .transform(({ sessionID, ...request }): { sessionId: string; request: PendingRequest } => ({
    sessionId: sessionID,
    request: { type: 'question', ...request },
  }));

export const permissionsSchema = listOf(permissionSchema, maxRequests);
export const questionsSchema = listOf(questionSchema, maxRequests);

/** Absolute, and a part of addresses of OpenCode. */
export const workingFolderSchema = z.object({ directory: z.string().max(1_000).startsWith('/') });

export const terminalSchema = z.object({ id, status: z.string().catch('exited') });

/** Not cut: the caller limits the bytes of the answer, and parses the content. */
export const fileSchema = z.object({ type: z.string(), content: z.string() });

/** The permissions of a session whose agent must not change anything. The last rule that fits counts. */
export const readOnlyRules = [
  { permission: '*', pattern: '*', action: 'deny' },
  ...['read', 'grep', 'glob', 'list', 'todowrite', 'todoread'].map((permission) => ({
    permission,
    pattern: '*',
    action: 'allow',
  })),
];
