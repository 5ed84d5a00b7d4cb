/**
 * What people may do with the branch of a task: read its changes, accept, discard or push them. The server calls git in
 * the pod at once, and each action can be repeated: after a crash at any moment the same call completes it. So no command is
 * stored (docs/decisions/0034-a-branch-for-each-task.md).
 */

import { AppError } from '../../shared/contract/errors.ts';
import type { AcceptResult, TaskChanges } from '../../shared/contract/review.ts';
import type { Task } from '../../shared/contract/tasks.ts';
import type { Database } from '../../shared/node/db/database.ts';
import {
  claimForReview,
  readChanges,
  readPatch,
  recordAccepted,
  recordDiscarded,
  releaseFromReview,
  storeBranch,
  storeChanges,
} from '../../shared/node/db/task-changes-repository.ts';
import { findPermittedTask } from '../../shared/node/db/tasks-repository.ts';
import type { StatusPublisher } from '../../shared/node/status-stream.ts';
import { BranchError, listed } from '../../shared/opencode/branch-problems.ts';
import { createOpenCodeClient } from '../../shared/opencode/opencode-client.ts';
import { OpenCodeError } from '../../shared/opencode/opencode-error.ts';
import { createTaskBranch, type TaskBranch } from '../../shared/opencode/task-branch.ts';
import type { FindOpenPod } from '../files/open-pod.ts';
import type { ProjectCaller, ReviewService } from '../services.ts';
import { taskNotFound } from './service.ts';

/** Shorter than the time that a request to the server may take. */
const waitMs = 7_000;

interface ReviewDeps {
  db: Database;
  findOpenPod: FindOpenPod;
  publisher: StatusPublisher;
}

type TaskWithBranch = Task & { branch: string };

export function createReviewService({ db, findOpenPod, publisher }: ReviewDeps): ReviewService {
  async function findTask(caller: ProjectCaller, id: string): Promise<Task> {
    const task = await findPermittedTask(db, { id, userId: caller.user.id, right: caller.right });
    if (!task) throw taskNotFound();
    return task;
  }

  /** While `action` runs, no agent begins to work on the task. */
  async function withBranch<T>(
    caller: ProjectCaller,
    task: Task,
    action: (branch: TaskBranch, task: TaskWithBranch) => Promise<T>,
  ): Promise<T> {
    const { branch } = task;
    if (branch === null) throw noBranch();
    const pod = await findOpenPod(caller, task.projectId);
    if (!(await claimForReview(db, task.id))) throw busy();
    const signal = AbortSignal.timeout(waitMs);
    const client = createOpenCodeClient({ ...pod, signal });
    try {
      const result = await action(createTaskBranch({ client, taskId: task.id, branch, waitMs, signal }), {
        ...task,
        branch,
      });
      await releaseFromReview(db, task.id);
      return result;
    } catch (error) {
      // Without an answer git may still be at work. Then the claim ends by itself.
      if (error instanceof OpenCodeError || signal.aborted) throw unanswered(error);
      await releaseFromReview(db, task.id);
      throw error instanceof BranchError ? new AppError('ILLEGAL_STATE', error.message, { cause: error }) : error;
    } finally {
      await publisher.publish({ type: 'tasks', projectId: task.projectId });
    }
  }

  async function withTask(
    caller: ProjectCaller,
    id: string,
    fields: Omit<AcceptResult, 'task'>,
  ): Promise<AcceptResult> {
    return { ...fields, task: await findTask(caller, id) };
  }

  async function accept(
    branch: TaskBranch,
    task: TaskWithBranch,
    reviewed: TaskChanges,
  ): Promise<Omit<AcceptResult, 'task'>> {
    const merged = await branch.merge({ message: `Merge task: ${task.title}`, headCommit: reviewed.headCommit ?? '' });
    switch (merged.kind) {
      case 'merged':
        await recordAccepted(db, { taskId: task.id, commit: merged.commit });
        return await removeAccepted(branch, task);
      case 'gone':
        if (reviewed.state === 'accepted') return await removeAccepted(branch, task);
        throw noBranch();
      case 'moved':
        await refresh(branch, task);
        return { outcome: 'changed', message: changedMessage, files: [] };
      case 'conflicts':
        return { outcome: 'conflicts', message: conflictMessage(merged.files), files: merged.files };
      case 'would-overwrite':
        return { outcome: 'would-overwrite', message: overwriteMessage(merged.files), files: merged.files };
    }
  }

  async function removeAccepted(branch: TaskBranch, task: TaskWithBranch): Promise<Omit<AcceptResult, 'task'>> {
    await branch.remove();
    await storeBranch(db, task.id, null);
    return { outcome: 'accepted', message: acceptedMessage, files: [] };
  }

  /** The branch has commits that were not stored: somebody has worked in the worktree by hand. */
  async function refresh(branch: TaskBranch, task: TaskWithBranch): Promise<void> {
    const changes = await branch.changes();
    if (!changes) throw noBranch();
    const stored = { ...changes, state: 'open' as const, branch: task.branch, mergeCommit: null, problem: null };
    await storeChanges(db, { taskId: task.id, run: null }, stored);
  }

  return {
    async changes(caller, id) {
      const task = await findTask(caller, id);
      return { changes: await readChanges(db, task.id) };
    },
    async fileDiff(caller, { id, path }) {
      const task = await findTask(caller, id);
      return { path, patch: await readPatch(db, { taskId: task.id, path }) };
    },
    async accept(caller, { id, headCommit }) {
      const task = await findTask(caller, id);
      const changes = await readChanges(db, task.id);
      if (changes?.state === 'accepted' && task.branch === null && changes.headCommit === headCommit) {
        return { outcome: 'accepted', message: acceptedMessage, files: [], task };
      }
      if (task.branch === null || !changes) throw noBranch();
      if (changes.problem !== null) throw new AppError('ILLEGAL_STATE', changes.problem);
      if (changes.headCommit !== headCommit) return { outcome: 'changed', message: changedMessage, files: [], task };
      const fields = await withBranch(caller, task, (branch, of) => accept(branch, of, changes));
      return await withTask(caller, id, fields);
    },
    async discard(caller, id) {
      const task = await findTask(caller, id);
      if (task.branch === null) return task;
      await withBranch(caller, task, async (branch) => {
        await branch.remove();
        await recordDiscarded(db, task.id);
      });
      return await findTask(caller, id);
    },
    async push(caller, id) {
      const task = await findTask(caller, id);
      return await withBranch(caller, task, async (branch, { branch: name }) => {
        await branch.push();
        return { branch: name, message: `The branch “${name}” was pushed. Open a pull request for it at the remote.` };
      });
    },
  };
}

const acceptedMessage = 'The changes are in the branch of the project. The branch of the task was removed.';
const changedMessage =
  'The branch has changed since you have looked at it. Nothing was merged. Look at the changes again.';
const conflictMessage = (files: string[]): string =>
  `The project has changed the same lines as the agent in ${listed(files)}. Nothing was merged. Give the task back to the agent, which can resolve this.`;
const overwriteMessage = (files: string[]): string =>
  `The project has uncommitted changes in ${listed(files)}, which would be lost. Nothing was merged. Commit or undo them, then accept again.`;

function noBranch(): AppError {
  const message =
    'The task has no branch with changes. Run the task first: the agent then works on a branch of its own.';
  return new AppError('ILLEGAL_STATE', message);
}

function busy(): AppError {
  const message =
    'A run of this task has not ended, or its branch is being changed. Wait until that has ended, then try again.';
  return new AppError('ILLEGAL_STATE', message, { retryAfterSeconds: 5 });
}

function unanswered(cause: unknown): AppError {
  const message =
    'git has not answered in time. It may still be at work. Try again in a minute: what is done already is not done twice.';
  return new AppError('UNAVAILABLE', message, { retryAfterSeconds: 10, cause });
}
