/**
 * Tasks and agent runs. A task is an entry on the board of a project. A run gives its text to OpenCode and follows it until it
 * ends. A follow-up is a run of its own in the same session, so each run has one prompt and ends once.
 *
 * Procedures: `tasks.create`, `.list`, `.get`, `.update`, `.move`, `.delete`, `.onChange {projectId}` (`TaskEvent`); `runs.start`,
 * `.followUp`, `.get`, `.list`, `.abort`, `.answer`, `.transcript`, `.onOutput {runId}` (`RunOutputEvent`).
 * The file has only schemas, hence its length.
 */

import { z } from 'zod';

import { idempotencyKeySchema, isoDateTimeSchema, plainText, projectIdSchema } from './fields.ts';

/** The columns of the board, in their order. */
export const taskStates = ['TODO', 'IN_PROGRESS', 'AI_REVIEW', 'HUMAN_REVIEW', 'DONE'] as const;
export const taskStateSchema = z.enum(taskStates);
export type TaskState = z.infer<typeof taskStateSchema>;

export const taskPrioritySchema = z.enum(['low', 'normal', 'high', 'urgent']);
export type TaskPriority = z.infer<typeof taskPrioritySchema>;

/**
 * - `queued`: no worker has taken the run yet.
 * - `waiting-for-project`: the project is not ready. The run begins when it is.
 * - `running`: the agent works.
 * - `waiting-for-answer`: the agent waits for a person; see `pending`.
 * - `succeeded`, `failed`, `aborted`: the run has ended. These states are final.
 */
export const runStateSchema = z.enum([
  'queued',
  'waiting-for-project',
  'running',
  'waiting-for-answer',
  'succeeded',
  'failed',
  'aborted',
]);
export type RunState = z.infer<typeof runStateSchema>;

export const endedRunStates = ['succeeded', 'failed', 'aborted'] as const satisfies readonly RunState[];

/** Whether the run has ended. */
export function hasEnded({ state }: { state: RunState }): boolean {
  return endedRunStates.some((each) => each === state);
}

export const desiredRunStateSchema = z.enum(['running', 'aborted']);
export type DesiredRunState = z.infer<typeof desiredRunStateSchema>;

const permissionRequestSchema = z.object({
  type: z.literal('permission'),
  id: z.string(),
  /** What the agent wants to do, as OpenCode names it, for example `bash`, `edit` or `webfetch`. */
  permission: z.string(),
  /** What it wants to do it with, for example the commands or the paths. */
  patterns: z.array(z.string()),
  /** What the answer `always` allows for the rest of the session. */
  always: z.array(z.string()),
  /** The command or the change itself, if OpenCode tells it. */
  detail: z.string().nullable(),
});

const questionSchema = z.object({
  header: z.string(),
  question: z.string(),
  options: z.array(z.object({ label: z.string(), description: z.string() })),
  /** More than one option may be chosen. */
  multiple: z.boolean(),
  /** A text that is not an option may be answered. */
  custom: z.boolean(),
});

const questionRequestSchema = z.object({
  type: z.literal('question'),
  id: z.string(),
  questions: z.array(questionSchema),
});

/** What the agent waits for. `runs.answer` answers it. */
export const pendingRequestSchema = z.discriminatedUnion('type', [permissionRequestSchema, questionRequestSchema]);
export type PendingRequest = z.infer<typeof pendingRequestSchema>;

/** An entry of the list that the agent keeps of its own steps. */
export const todoSchema = z.object({
  content: z.string(),
  status: z.enum(['pending', 'in_progress', 'completed', 'cancelled']),
});
export type Todo = z.infer<typeof todoSchema>;

export const usageSchema = z.object({
  inputTokens: z.number().nonnegative(),
  outputTokens: z.number().nonnegative(),
  reasoningTokens: z.number().nonnegative(),
  cacheReadTokens: z.number().nonnegative(),
  cacheWriteTokens: z.number().nonnegative(),
  /** In US dollars, as OpenCode computes it from the prices that it knows. */
  cost: z.number().nonnegative(),
});
export type Usage = z.infer<typeof usageSchema>;

export const noUsage: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cost: 0,
};

/** What the run has changed in the files of the project. */
export const diffStatisticsSchema = z.object({
  files: z.int().nonnegative(),
  additions: z.int().nonnegative(),
  deletions: z.int().nonnegative(),
});
export type DiffStatistics = z.infer<typeof diffStatisticsSchema>;

/** `work`: the agent changes files. `review`: it reads what another run has changed, and gives a verdict. */
export const runKindSchema = z.enum(['work', 'review']);
export type RunKind = z.infer<typeof runKindSchema>;

/** Where a run works. */
export const workspaceSchema = z.discriminatedUnion('kind', [
  /** On the branch of its task, in a worktree of its own beside the project. */
  z.object({
    kind: z.literal('worktree'),
    branch: z.string(),
    /** The commit that the branch was compared with when the run began. */
    baseCommit: z.string(),
    /** Files of the project that were not committed when the run began, so the agent did not see these changes; at most 1,000. */
    uncommitted: z.int().nonnegative(),
    /** The folder in the container of OpenCode. */
    directory: z.string(),
  }),
  /** In the folder of the project itself. `older`: it began before tasks had branches. */
  z.object({ kind: z.literal('project'), cause: z.enum(['no-git', 'no-repository', 'no-commit', 'older']) }),
]);
export type Workspace = z.infer<typeof workspaceSchema>;

/** What a reviewer says about the changes of a task. */
export const verdictSchema = z.object({
  decision: z.enum(['approve', 'request-changes']),
  summary: z.string(),
  comments: z.array(z.object({ path: z.string().nullable(), line: z.int().positive().nullable(), text: z.string() })),
});
export type Verdict = z.infer<typeof verdictSchema>;

export const runSchema = z.object({
  id: z.string(),
  kind: runKindSchema,
  taskId: z.string(),
  projectId: z.string(),
  /** The run whose session this one continues; `null` for a run with a session of its own. */
  continuesRunId: z.string().nullable(),
  /** Of a review: the run that it reviews. */
  reviewsRunId: z.string().nullable(),
  /** `null`: not decided yet. */
  workspace: workspaceSchema.nullable(),
  /** Of a review that has succeeded. */
  verdict: verdictSchema.nullable(),
  /** The text that the agent is given. */
  prompt: z.string(),
  desiredState: desiredRunStateSchema,
  state: runStateSchema,
  /** What is happening, or how the run ended and what to do next: one or two sentences. */
  message: z.string(),
  /** `null` until OpenCode has created the session. */
  opencodeSessionId: z.string().nullable(),
  /** The id of the prompt in the session; `null` until it was chosen. */
  messageId: z.string().nullable(),
  /** The requests of the agent that nobody has answered yet. */
  pending: z.array(pendingRequestSchema),
  todos: z.array(todoSchema),
  usage: usageSchema,
  /** `null` as long as nothing is known about it. */
  diff: diffStatisticsSchema.nullable(),
  /** Rises with each change of the run. */
  version: z.int(),
  createdAt: isoDateTimeSchema,
  /** When the agent was given the prompt. */
  startedAt: isoDateTimeSchema.nullable(),
  endedAt: isoDateTimeSchema.nullable(),
  /** Since when the agent waits for an answer of a person; `null` while it does not. By the clock of the database. */
  waitingSince: isoDateTimeSchema.nullable(),
  updatedAt: isoDateTimeSchema,
});
export type Run = z.infer<typeof runSchema>;

export const taskSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  title: z.string(),
  description: z.string(),
  state: taskStateSchema,
  /** Tasks of a column are sorted by this text, compared by code units, and then by id. */
  position: z.string(),
  priority: taskPrioritySchema,
  /** The branch that the agent works on, until it is accepted or discarded. */
  branch: z.string().nullable(),
  latestRun: runSchema.nullable(),
  /** Rises with each change of the task or of one of its runs. Drop a task whose version is lower than the one you have. */
  version: z.int(),
  createdAt: isoDateTimeSchema,
  updatedAt: isoDateTimeSchema,
});
export type Task = z.infer<typeof taskSchema>;

const textLimit = 20_000;
const titleSchema = plainText({ min: 1, max: 200, empty: 'Enter a title.' });
const textSchema = plainText({ max: textLimit });
const promptSchema = plainText({ min: 1, max: textLimit, empty: 'Enter a text.' });
export const taskIdSchema = z.uuid('This is not a task id: it should look like a UUID.');
const runIdSchema = z.uuid('This is not a run id: it should look like a UUID.');

export const createTaskInputSchema = z.strictObject({
  projectId: projectIdSchema,
  title: titleSchema,
  description: textSchema.default(''),
  state: taskStateSchema.default('TODO'),
  /** At which end of its column. */
  place: z.enum(['top', 'bottom']).default('bottom'),
  priority: taskPrioritySchema.default('normal'),
  /** Chosen by the caller. Repeating a create with the same key returns the task of the first call. */
  idempotencyKey: idempotencyKeySchema.optional(),
});
export type CreateTaskInput = z.infer<typeof createTaskInputSchema>;

export const listTasksInputSchema = z.strictObject({ projectId: projectIdSchema });
export const taskIdInputSchema = z.strictObject({ id: taskIdSchema });

export const updateTaskInputSchema = z.strictObject({
  id: taskIdSchema,
  title: titleSchema.optional(),
  description: textSchema.optional(),
  priority: taskPrioritySchema.optional(),
});
export type UpdateTaskInput = z.infer<typeof updateTaskInputSchema>;

export const moveTaskInputSchema = z.strictObject({
  id: taskIdSchema,
  state: taskStateSchema,
  /** The task of that column that stands directly before the moved one; `null`: it becomes the first. */
  afterId: taskIdSchema.nullable(),
});
export type MoveTaskInput = z.infer<typeof moveTaskInputSchema>;

/** All tasks of a project, in no particular order of columns; those of one column are in their order. */
export const taskListSchema = z.object({ items: z.array(taskSchema) });
export const deletedTaskSchema = z.object({ id: z.string() });

export const startRunInputSchema = z.strictObject({
  taskId: taskIdSchema,
  /** What to tell the agent; default: title and description of the task. */
  prompt: promptSchema.optional(),
  /** Chosen by the caller. Repeating a start with the same key returns the run of the first call. */
  idempotencyKey: idempotencyKeySchema,
});
export type StartRunInput = z.infer<typeof startRunInputSchema>;

export const followUpInputSchema = z.strictObject({
  /** The run to continue. It must have ended. */
  runId: runIdSchema,
  text: promptSchema,
  idempotencyKey: idempotencyKeySchema,
});
export type FollowUpInput = z.infer<typeof followUpInputSchema>;

export const runIdInputSchema = z.strictObject({ runId: runIdSchema });
export const listRunsInputSchema = z.strictObject({ taskId: taskIdSchema });
/** The newest runs of a task, the newest first, at most 100. */
export const runListSchema = z.object({ items: z.array(runSchema) });

/** The answer to a request of the agent. Its type must be the type of the request. */
export const runAnswerSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('permission'),
    /** `always`: also later requests of the same kind in this session. */
    reply: z.enum(['once', 'always', 'reject']),
    /** With `reject`: what the agent should do instead. Without it the agent stops. */
    message: promptSchema.optional(),
  }),
  z.strictObject({
    type: z.literal('question'),
    /** For each question the chosen labels, or a text of one's own. `null`: the questions are dismissed. */
    answers: z
      .array(z.array(plainText({ min: 1, max: 2_000, empty: 'Enter an answer.' })).max(20))
      .max(20)
      .nullable(),
  }),
]);
export type RunAnswer = z.infer<typeof runAnswerSchema>;

export const answerRunInputSchema = z.strictObject({
  runId: runIdSchema,
  /** `id` of an entry of `pending`. */
  requestId: z
    .string()
    .max(100, 'This is not the id of a request.')
    .regex(/^[A-Za-z0-9_-]+$/, 'This is not the id of a request.'),
  answer: runAnswerSchema,
});
export type AnswerRunInput = z.infer<typeof answerRunInputSchema>;

const toolPartSchema = z.object({
  id: z.string(),
  type: z.literal('tool'),
  /** The tool's name in OpenCode, for example `bash`. */
  tool: z.string(),
  status: z.enum(['pending', 'running', 'completed', 'error']),
  title: z.string().nullable(),
  /** The input as JSON. Long texts are shortened. */
  input: z.string(),
  /** The output, or the error. Long texts are shortened. */
  output: z.string(),
});

/** A part of a message. Long texts are shortened. */
export const messagePartSchema = z.discriminatedUnion('type', [
  z.object({ id: z.string(), type: z.literal('text'), text: z.string() }),
  z.object({ id: z.string(), type: z.literal('reasoning'), text: z.string() }),
  toolPartSchema,
]);
export type MessagePart = z.infer<typeof messagePartSchema>;

export const transcriptMessageSchema = z.object({
  id: z.string(),
  role: z.enum(['user', 'assistant']),
  createdAt: isoDateTimeSchema,
  /** `null` while the agent writes it, and for messages of people. */
  completedAt: isoDateTimeSchema.nullable(),
  error: z.string().nullable(),
  parts: z.array(messagePartSchema),
});
export type TranscriptMessage = z.infer<typeof transcriptMessageSchema>;

/** The conversation of the run, from its prompt on. It stays readable after the project was stopped. */
export const transcriptSchema = z.object({
  messages: z.array(transcriptMessageSchema),
  /** Earlier messages were left out, because the conversation is too long. */
  truncated: z.boolean(),
  /** When it was read from OpenCode; `null`: it was not read yet. */
  readAt: isoDateTimeSchema.nullable(),
});
export type Transcript = z.infer<typeof transcriptSchema>;

/** Events of `tasks.onChange`. */
export type TaskEvent =
  /** All tasks of the project. They replace what the client has. */
  { type: 'snapshot'; tasks: Task[] } | { type: 'changed'; task: Task } | { type: 'removed'; taskId: string };

/**
 * One step of the output. Texts may be repeated: a delta says where its text begins, so applying it twice has no effect
 * (see `applyOutput`).
 */
export const outputEntrySchema = z.discriminatedUnion('type', [
  /** A new or changed message. Its parts stay. */
  z.object({ type: z.literal('message'), message: transcriptMessageSchema.omit({ parts: true }) }),
  /** A new or changed part of a message. It replaces the part with its id. */
  z.object({ type: z.literal('part'), messageId: z.string(), part: messagePartSchema }),
  /** More text of a part. `offset`: the length of the text before it. */
  z.object({
    type: z.literal('delta'),
    messageId: z.string(),
    partId: z.string(),
    offset: z.int().nonnegative(),
    text: z.string(),
  }),
]);
export type OutputEntry = z.infer<typeof outputEntrySchema>;

/** Events of `runs.onOutput`. The subscription ends after `ended`. */
export type RunOutputEvent =
  /** The conversation so far. It replaces what the client has. */
  | { type: 'snapshot'; messages: TranscriptMessage[]; truncated: boolean }
  | OutputEntry
  /** The run has ended. Its transcript is final. */
  | { type: 'ended' };
