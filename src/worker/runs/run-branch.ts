/** What a run does with the branch of its task: it prepares the worktree before the agent begins, and saves what the agent has left. */

import type { Workspace } from '../../shared/contract/tasks.ts';
import type { Database } from '../../shared/node/db/database.ts';
import type { RunRecord } from '../../shared/node/db/run-record.ts';
import { findTaskOfBranch, storeBranch, storeChanges } from '../../shared/node/db/task-changes-repository.ts';
import { BranchError } from '../../shared/opencode/branch-problems.ts';
import type { OpenCodeClient } from '../../shared/opencode/opencode-client.ts';
import { branchName, createTaskBranch, type BranchChanges } from '../../shared/opencode/task-branch.ts';

/** Longer than git may wait for its turn and work, so that its answer always arrives. */
const waitMs = 180_000;

interface BranchDeps {
  db: Database;
  client: OpenCodeClient;
  signal: AbortSignal;
}

/**
 * The name of the branch is stored before the branch is created, and creating it again has no effect. So a crash in between does
 * no harm.
 * @throws BranchError; OpenCodeError
 */
export async function prepareWorkspace({ db, client, signal }: BranchDeps, run: RunRecord): Promise<Workspace | null> {
  const task = await findTaskOfBranch(db, run.taskId);
  if (!task) return null;
  const branch = task.branch ?? branchName(task);
  await storeBranch(db, task.id, branch);
  const prepared = await createTaskBranch({ client, taskId: task.id, branch, waitMs, signal }).prepare();
  if (prepared.kind === 'ready') {
    const { directory, baseCommit, uncommitted } = prepared;
    return { kind: 'worktree', branch, directory, baseCommit, uncommitted };
  }
  await storeBranch(db, task.id, null);
  return { kind: 'project', cause: prepared.cause };
}

/** Commits what the agent has left, and stores what the branch changes. A failure of git is stored for people. @throws OpenCodeError */
export async function saveChanges({ db, client, signal }: BranchDeps, run: RunRecord): Promise<void> {
  const task = await findTaskOfBranch(db, run.taskId);
  if (!task || run.workspace?.kind !== 'worktree') return;
  const { branch } = run.workspace;
  const git = createTaskBranch({ client, taskId: task.id, branch, waitMs, signal });
  let problem: string | null = null;
  let changes: BranchChanges | null = null;
  try {
    problem = await git.save(commitMessage(task.title, run));
    changes = await git.changes();
    if (!changes) problem ??= 'The branch of the task does not exist any more. Choose “Run again”.';
  } catch (error) {
    if (!(error instanceof BranchError)) throw error;
    problem = error.message;
  }
  await storeChanges(
    db,
    { taskId: task.id, run },
    {
      state: 'open',
      branch,
      mergeCommit: null,
      problem,
      ...(changes ?? {
        baseCommit: null,
        headCommit: null,
        files: [],
        fileCount: 0,
        isTruncated: false,
        uncommitted: 0,
      }),
    },
  );
}

function commitMessage(title: string, { continuesRunId, prompt }: RunRecord): string {
  const subject = continuesRunId === null ? title : (prompt.split('\n')[0] ?? '');
  const short = subject.length > 72 ? `${subject.slice(0, 71)}…` : subject;
  return short.trim() === '' ? 'Work on the task' : short.trim();
}
