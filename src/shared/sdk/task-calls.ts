/** The calls of the SDK for tasks and agent runs, and their subscriptions as async iterators. */

import type { TRPCClient } from '@trpc/client';

import type { AppRouter } from '../../server/router.ts';
import type {
  AcceptInput,
  AcceptResult,
  FileDiff,
  FileDiffInput,
  PushResult,
  TaskChanges,
} from '../contract/review.ts';
import type {
  AnswerRunInput,
  CreateTaskInput,
  FollowUpInput,
  MoveTaskInput,
  Run,
  RunOutputEvent,
  StartRunInput,
  Task,
  TaskEvent,
  Transcript,
  UpdateTaskInput,
} from '../contract/tasks.ts';
import { readAppError, withAppErrors } from './read-app-error.ts';

/** The input of a create without the fields that have defaults. */
export type NewTask = Pick<CreateTaskInput, 'projectId' | 'title'> & Partial<CreateTaskInput>;

interface WatchOptions {
  signal?: AbortSignal;
}

/** @throws AppError if the API refuses the call; the library's TRPCClientError if the API did not answer */
export interface TaskCalls {
  create(input: NewTask): Promise<Task>;
  get(id: string): Promise<Task>;
  /** The tasks of a project. */
  list(projectId: string): Promise<Task[]>;
  update(input: UpdateTaskInput): Promise<Task>;
  move(input: MoveTaskInput): Promise<Task>;
  delete(id: string): Promise<void>;
  /** What the branch of a task changes, file by file; `null` while the agent has not worked on a branch. */
  changes(id: string): Promise<TaskChanges | null>;
  /** The lines that one file of `changes` has changed. */
  fileDiff(input: FileDiffInput): Promise<FileDiff>;
  /** Merges the branch into the project. `outcome` says whether it was possible. Accepting twice has no further effect. */
  accept(input: AcceptInput): Promise<AcceptResult>;
  /** Removes the branch with everything that the agent has changed on it. */
  discard(id: string): Promise<Task>;
  /** Pushes the branch to the remote of the repository. */
  push(id: string): Promise<PushResult>;
  /** All tasks of a project, then each change, until the signal aborts. After a lost connection a snapshot follows. */
  watch(projectId: string, options?: WatchOptions): AsyncGenerator<TaskEvent, void, undefined>;
}

/** @throws as {@link TaskCalls} */
export interface RunCalls {
  /** Gives a task to the agent. */
  start(input: StartRunInput): Promise<Run>;
  /** Continues the session of a run that has ended. */
  followUp(input: FollowUpInput): Promise<Run>;
  get(runId: string): Promise<Run>;
  /** The newest runs of a task, the newest first. */
  list(taskId: string): Promise<Run[]>;
  abort(runId: string): Promise<Run>;
  answer(input: AnswerRunInput): Promise<Run>;
  transcript(runId: string): Promise<Transcript>;
  /** The conversation of a run as it grows (see `applyOutput`), until the run has ended or the signal aborts. */
  output(runId: string, options?: WatchOptions): AsyncGenerator<RunOutputEvent, void, undefined>;
}

interface Handlers<T> {
  onData: (event: T) => void;
  onError: (error: unknown) => void;
  onComplete: () => void;
}

export function createTaskCalls({ tasks }: TRPCClient<AppRouter>, closed: AbortSignal): TaskCalls {
  return {
    create: (input) => withAppErrors(tasks.create.mutate(input)),
    get: (id) => withAppErrors(tasks.get.query({ id })),
    list: async (projectId) => (await withAppErrors(tasks.list.query({ projectId }))).items,
    update: (input) => withAppErrors(tasks.update.mutate(input)),
    move: (input) => withAppErrors(tasks.move.mutate(input)),
    async delete(id) {
      await withAppErrors(tasks.delete.mutate({ id }));
    },
    changes: async (id) => (await withAppErrors(tasks.changes.query({ id }))).changes,
    fileDiff: (input) => withAppErrors(tasks.fileDiff.query(input)),
    accept: (input) => withAppErrors(tasks.accept.mutate(input)),
    discard: (id) => withAppErrors(tasks.discard.mutate({ id })),
    push: (id) => withAppErrors(tasks.push.mutate({ id })),
    watch: (projectId, options) =>
      iterate(
        (handlers: Handlers<TaskEvent>) => tasks.onChange.subscribe({ projectId }, handlers),
        signalOf(closed, options),
      ),
  };
}

export function createRunCalls({ runs }: TRPCClient<AppRouter>, closed: AbortSignal): RunCalls {
  return {
    start: (input) => withAppErrors(runs.start.mutate(input)),
    followUp: (input) => withAppErrors(runs.followUp.mutate(input)),
    get: (runId) => withAppErrors(runs.get.query({ runId })),
    list: async (taskId) => (await withAppErrors(runs.list.query({ taskId }))).items,
    abort: (runId) => withAppErrors(runs.abort.mutate({ runId })),
    answer: (input) => withAppErrors(runs.answer.mutate(input)),
    transcript: (runId) => withAppErrors(runs.transcript.query({ runId })),
    output: (runId, options) =>
      iterate(
        (handlers: Handlers<RunOutputEvent>) => runs.onOutput.subscribe({ runId }, handlers),
        signalOf(closed, options),
      ),
  };
}

const signalOf = (closed: AbortSignal, { signal }: WatchOptions = {}): AbortSignal =>
  signal ? AbortSignal.any([closed, signal]) : closed;

/** As long as the back-off of the socket at first. */
const againMs = 250;

/**
 * The events of one subscription. The socket below reconnects by itself, and the server then begins with a snapshot. A subscription
 * that begins at the moment in which the socket breaks ends with an error of the library, so it begins again.
 */
async function* iterate<T>(
  subscribe: (handlers: Handlers<T>) => { unsubscribe(): void },
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const events: T[] = [];
  let end: { error: unknown } | 'complete' | null = null;
  let wake: (() => void) | null = null;
  const notify = () => wake?.();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () =>
    subscribe({
      onData(event) {
        events.push(event);
        notify();
      },
      onError(error) {
        if (readAppError(error) === null) {
          timer = setTimeout(() => {
            subscription = begin();
          }, againMs);
          return;
        }
        end = { error };
        notify();
      },
      onComplete() {
        end ??= 'complete';
        notify();
      },
    });
  let subscription = begin();
  signal.addEventListener('abort', notify, { once: true });
  try {
    while (!signal.aborted) {
      const event = events.shift();
      const ended = end as { error: unknown } | 'complete' | null; // the handlers change it
      if (event !== undefined) yield event;
      else if (ended === 'complete') return;
      else if (ended) await withAppErrors(Promise.reject(ended.error as Error));
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    signal.removeEventListener('abort', notify);
    clearTimeout(timer);
    subscription.unsubscribe();
  }
}
