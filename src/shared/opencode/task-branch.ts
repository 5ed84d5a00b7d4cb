/**
 * The branch of one task in the pod of its project: a worktree for the agent, the commit of what it has changed, the comparison with
 * the project, merge, removal and push. `branch-script.ts` does the work; this module calls it and reads what it says. Each
 * function can be called again after a crash, and gives the same result.
 */

import { z } from 'zod';

import type { GitFile } from '../contract/files.ts';
import { maxChangedFiles } from '../contract/review.ts';
import {
  BranchError,
  failureOf,
  noBranchesOf,
  problemOf,
  stateProblem,
  unreadable,
  type NoBranches,
} from './branch-problems.ts';
import { branchScript } from './branch-script.ts';
import type { OpenCodeClient } from './opencode-client.ts';
import { OpenCodeError } from './opencode-error.ts';
import { runScript, worktreesBeside, type ScriptResult } from './run-script.ts';

export interface BranchChange extends GitFile {
  isBinary: boolean;
  patch: string | null;
}

export interface BranchChanges {
  baseCommit: string;
  headCommit: string;
  files: BranchChange[];
  fileCount: number;
  isTruncated: boolean;
  uncommitted: number;
}

export type MergeResult =
  | { kind: 'merged'; commit: string }
  | { kind: 'conflicts' | 'would-overwrite'; files: string[] }
  /** The branch has another commit than expected, or does not exist. */
  | { kind: 'moved' | 'gone' };

export interface TaskBranch {
  /** Creates branch and worktree unless they exist. */
  prepare(): Promise<
    { kind: 'ready'; directory: string; baseCommit: string; uncommitted: number } | { kind: 'none'; cause: NoBranches }
  >;
  /** Commits everything in the worktree. @returns why something is not committed, or `null` */
  save(message: string): Promise<string | null>;
  /** Compares the branch with the project; `null` when it does not exist. */
  changes(): Promise<BranchChanges | null>;
  /** Merges into the branch that the project has checked out. Changes nothing when that is not possible. */
  merge(options: { message: string; headCommit: string }): Promise<MergeResult>;
  /** Removes worktree and branch. */
  remove(): Promise<void>;
  push(): Promise<void>;
}

interface BranchOptions {
  client: Pick<OpenCodeClient, 'readWorkingFolder' | 'startCommand' | 'isCommandRunning' | 'readFile'>;
  taskId: string;
  branch: string;
  /** How long the caller waits for git. It works on afterwards, and the next call finds its result. */
  waitMs: number;
  signal: AbortSignal;
}

/** git is ended after this time: a repository that needs longer has a problem that people must look at. */
const limitMs = 120_000;
const busyExitCode = 75;

/** All functions @throws OpenCodeError; BranchError */
export function createTaskBranch({ client, taskId, branch, waitMs, signal }: BranchOptions): TaskBranch {
  async function call(action: string, ...rest: string[]): Promise<ScriptResult & { directory: string }> {
    const project = await client.readWorkingFolder();
    const worktrees = worktreesBeside(project);
    const directory = `${worktrees}/${taskId}`;
    const result = await runScript(client, {
      script: branchScript,
      args: [action, project, directory, branch, ...rest],
      folder: `${worktrees}/.results`,
      limitMs,
      waitMs,
      signal,
    });
    if (result.exitCode === busyExitCode) throw new OpenCodeError('unreachable', result.errors);
    if (result.exitCode !== 0) throw new BranchError(failureOf(action, result));
    return { ...result, directory };
  }

  return {
    async prepare() {
      const { values, directory } = await call('prepare');
      const cause = noBranchesOf(values);
      if (cause) return { kind: 'none', cause };
      const baseCommit = commitOf(values.get('base'));
      if (!values.has('ready') || baseCommit === null) throw unreadable();
      return { kind: 'ready', directory, baseCommit, uncommitted: countOf(values.get('uncommitted')) };
    },
    async save(message) {
      const { values, sections } = await call('save', message);
      return problemOf(values.get('unsaved'), namesOf(sections.get('conflicts')));
    },
    async changes() {
      const result = await call('changes');
      return result.values.has('gone') || noBranchesOf(result.values) ? null : changesOf(result);
    },
    async merge({ message, headCommit }) {
      const { values, sections } = await call('merge', message, headCommit);
      const commit = commitOf(values.get('merged'));
      if (commit !== null) return { kind: 'merged', commit };
      // git writes the tree first.
      const conflicts = sections.get('conflicts');
      if (conflicts) return { kind: 'conflicts', files: namesOf(conflicts).slice(1) };
      const overwritten = sections.get('overwritten');
      if (overwritten) return { kind: 'would-overwrite', files: linesOf(overwritten) };
      if (values.has('moved')) return { kind: 'moved' };
      if (values.has('gone')) return { kind: 'gone' };
      throw new BranchError(stateProblem(values) ?? unreadable().message);
    },
    async remove() {
      const { values } = await call('remove');
      const problem = stateProblem(values);
      if (problem !== null && noBranchesOf(values) === null) throw new BranchError(problem);
    },
    async push() {
      const { values } = await call('push');
      if (values.has('pushed')) return;
      if (values.has('gone')) throw new BranchError('The branch does not exist any more, so there is nothing to push.');
      throw new BranchError(stateProblem(values) ?? unreadable().message);
    },
  };
}

const commitOf = (text: string | undefined): string | null =>
  text !== undefined && /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(text) ? text : null;
const countOf = (text: string | undefined): number => {
  const parsed = z.coerce.number().int().min(0).max(1e9).safeParse(text);
  return parsed.success ? parsed.data : 0;
};

/** A file name may be in any encoding, and PostgreSQL stores no NUL and no half of a surrogate pair. */
function namesOf(section: Buffer | undefined): string[] {
  const text = section?.toString('utf8') ?? '';
  return text.split('\0').filter((name) => name !== '');
}

const linesOf = (section: Buffer): string[] =>
  section
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

const statuses: Readonly<Record<string, GitFile['status']>> = { A: 'added', D: 'deleted' };

/** Joins the lists of names, of numbers and the patch, which git writes in the same order. Each may be cut. */
export function changesOf({ values, sections }: Pick<ScriptResult, 'values' | 'sections'>): BranchChanges {
  const baseCommit = commitOf(values.get('base'));
  const headCommit = commitOf(values.get('head'));
  if (baseCommit === null || headCommit === null) throw unreadable();
  const fields = entriesOf(sections.get('names'));
  const numbers = entriesOf(sections.get('numbers'));
  const patches = patchesOf(sections.get('patch') ?? Buffer.alloc(0)).values();
  const fileCount = countOf(values.get('count'));
  const files: BranchChange[] = [];
  for (let index = 0; index * 2 + 1 < fields.length && index < maxChangedFiles; index += 1) {
    const [status = '', path = ''] = fields.slice(index * 2, index * 2 + 2);
    const [added = '0', deleted = '0'] = (numbers[index] ?? '').split('\t');
    const isBinary = added === '-';
    // git writes a file whose type has changed, such as to a link, as two patches.
    const parts = [patches.next().value, ...(status === 'T' ? [patches.next().value] : [])];
    const patch = parts.includes(undefined) ? null : parts.join('');
    files.push({
      path,
      status: statuses[status] ?? 'modified',
      additions: isBinary ? 0 : countOf(added),
      deletions: isBinary ? 0 : countOf(deleted),
      isBinary,
      patch: isBinary ? null : patch,
    });
  }
  const isTruncated = files.length < fileCount || files.some(({ patch, isBinary }) => patch === null && !isBinary);
  return { baseCommit, headCommit, files, fileCount, isTruncated, uncommitted: countOf(values.get('uncommitted')) };
}

/** Complete entries only: the last one may be cut, and then no NUL follows it. */
function entriesOf(section: Buffer | undefined): string[] {
  return (section?.toString('utf8') ?? '').split('\0').slice(0, -1);
}

/** As long as git may write. A patch of this length may be cut. */
const maxPatchBytes = 2_000_000;

/** The patch of each file. Lines of content begin with a sign, so no content looks like the head of a patch. */
function patchesOf(section: Buffer): string[] {
  const patches = section
    .toString('utf8')
    .replaceAll('\0', '\uFFFD')
    .split(/^(?=diff --git )/m);
  return section.length >= maxPatchBytes ? patches.slice(0, -1) : patches;
}

const maxSlugLength = 40;

/** A name for the branch of a task. It stays when the title changes, because it is stored. */
export function branchName({ id, title }: { id: string; title: string }): string {
  const slug = title
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, maxSlugLength)
    .replaceAll(/^-+|-+$/g, '');
  const short = id.replaceAll('-', '').slice(0, 8);
  return slug === '' ? `task/${short}` : `task/${short}-${slug}`;
}
