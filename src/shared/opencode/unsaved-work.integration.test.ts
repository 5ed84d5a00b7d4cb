/** What git says about unsaved work, with the real git in real folders. The container is a folder here. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { folderAsContainer } from '../../../tests/support/folder-as-container.ts';
import { readUnsavedWork } from './unsaved-work.ts';

let root: string;
let project: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'unsaved-work-'));
  project = join(root, 'project');
  mkdirSync(project);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function git(args: string[], cwd = project): string {
  const identity = ['-c', 'user.name=P', '-c', 'user.email=p@example.test'];
  return execFileSync('git', [...identity, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function commit(name: string, cwd = project): void {
  writeFileSync(join(cwd, name), name);
  git(['add', '--all'], cwd);
  git(['commit', '--quiet', '-m', name], cwd);
}

/** A repository whose commits are all on its remote. */
function clone(): void {
  git(['init', '--quiet', '--bare', '--initial-branch=main', join(root, 'remote.git')], root);
  git(['init', '--quiet', '--initial-branch=main']);
  commit('first.txt');
  git(['remote', 'add', 'origin', join(root, 'remote.git')]);
  git(['push', '--quiet', '--set-upstream', 'origin', 'main']);
}

const read = async () => {
  const { signal } = new AbortController();
  return (await readUnsavedWork(folderAsContainer(project), { waitMs: 60_000, signal })).repository;
};

const nothing = {
  changedFiles: 0,
  changedFilesOfTasks: 0,
  stashes: 0,
  hasRemote: true,
  detachedCommits: 0,
  branches: [],
  hasMoreBranches: false,
  submodules: 0,
};

it('nothing is unsaved when everything is committed and pushed', async () => {
  clone();
  expect(await read()).toEqual(nothing);
});

it('changes, stashes and commits that no remote has are counted, and ignored files are not', async () => {
  clone();
  writeFileSync(join(project, 'stashed.txt'), 's');
  git(['stash', '--quiet', '--include-untracked']);
  git(['branch', 'same']);
  git(['switch', '--quiet', '--create', 'opencode/one']);
  commit('one.txt');
  commit('two.txt');
  writeFileSync(join(project, '.gitignore'), 'ignored/\n');
  mkdirSync(join(project, 'ignored'));
  writeFileSync(join(project, 'ignored/x'), 'x');
  writeFileSync(join(project, 'new (file)\n.txt'), 'n');
  expect(await read()).toEqual({
    ...nothing,
    changedFiles: 2,
    stashes: 1,
    branches: [{ name: 'opencode/one', commits: 2 }],
  });
});

it('commits of a branch that was pushed under another name are saved', async () => {
  clone();
  commit('second.txt');
  git(['push', '--quiet', 'origin', 'main:other']);
  expect(await read()).toEqual(nothing);
});

it('changes in the worktree of a task and commits that no branch has are counted', async () => {
  clone();
  const tree = join(root, '.worktrees', 'task');
  git(['worktree', 'add', '--quiet', '-b', 'task', tree]);
  writeFileSync(join(tree, 'one.txt'), '1');
  writeFileSync(join(tree, 'first.txt'), '2');
  git(['checkout', '--quiet', '--detach']);
  commit('loose.txt');
  expect(await read()).toEqual({ ...nothing, changedFilesOfTasks: 2, detachedCommits: 1 });
});

it('a repository without a remote, or without a commit, is not taken for saved', async () => {
  git(['init', '--quiet', '--initial-branch=main']);
  expect(await read()).toEqual({ ...nothing, hasRemote: false, detachedCommits: 0 });
  commit('only-here.txt');
  expect(await read()).toEqual({ ...nothing, hasRemote: false, branches: [{ name: 'main', commits: 1 }] });
});

it('a branch whose commits are damaged is named, and its number is not known', async () => {
  clone();
  commit('second.txt');
  const id = git(['rev-parse', 'HEAD']).trim();
  rmSync(join(project, '.git/objects', id.slice(0, 2), id.slice(2)), { force: true });
  git(['symbolic-ref', 'HEAD', 'refs/heads/elsewhere']);
  expect(await read()).toMatchObject({ branches: [{ name: 'main', commits: null }] });
});

it('a damaged repository is an error, and never looks saved', async () => {
  clone();
  writeFileSync(join(project, 'new.txt'), 'n');
  writeFileSync(join(project, '.git/index'), 'damaged');
  await expect(read()).rejects.toThrow();
  writeFileSync(join(project, '.git/config'), '[core\n');
  await expect(read()).rejects.toThrow();
});

it('changes in submodules, and commits of a worktree without a branch, are counted', async () => {
  clone();
  const other = join(root, 'other');
  git(['init', '--quiet', '--initial-branch=main', other], root);
  commit('of-other.txt', other);
  git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', other, 'sub']);
  git(['commit', '--quiet', '-m', 'sub']);
  git(['push', '--quiet', 'origin', 'main']);
  writeFileSync(join(project, 'sub/of-other.txt'), 'changed');
  const tree = join(root, '.worktrees', 'loose');
  git(['worktree', 'add', '--quiet', '--detach', tree]);
  commit('loose.txt', tree);
  expect(await read()).toEqual({ ...nothing, changedFiles: 1, detachedCommits: 1, submodules: 1 });
});

it('a stash without its log counts', async () => {
  clone();
  writeFileSync(join(project, 'first.txt'), 'changed');
  git(['stash', '--quiet']);
  rmSync(join(project, '.git/logs/refs/stash'));
  expect(await read()).toEqual({ ...nothing, stashes: 1 });
});

it('more branches than a person reads are said to be more', async () => {
  clone();
  commit('second.txt');
  for (let index = 0; index < 25; index += 1) git(['branch', `branch-${index}`]);
  const found = await read();
  expect(found?.branches).toHaveLength(20);
  expect(found?.hasMoreBranches).toBe(true);
});

it('without a repository nothing is known', async () => {
  writeFileSync(join(project, 'a.txt'), 'a');
  expect(await read()).toBeNull();
});
