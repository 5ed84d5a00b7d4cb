/** What git does for the branch of a task, with the real git in real folders. The container is a folder here. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { folderAsContainer } from '../../../tests/support/folder-as-container.ts';
import { BranchError } from './branch-problems.ts';
import { createTaskBranch, type BranchChanges } from './task-branch.ts';

let folder: string;
let project: string;
let tree: string;
const signal = new AbortController().signal;
const branch = 'task/0001-add-a-file';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'branch-'));
  project = join(folder, 'project');
  tree = join(folder, '.worktrees', 'task-1');
  mkdirSync(project);
  git(project, 'init', '--quiet', '--initial-branch=main');
  commit({ 'README.md': 'one\ntwo\nthree\n' });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function git(cwd: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=Person', '-c', 'user.email=person@example.test'];
  return execFileSync('git', [...identity, ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

function write(cwd: string, files: Record<string, string | Buffer>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content);
}

function commit(files: Record<string, string>): void {
  write(project, files);
  git(project, 'add', '--all');
  git(project, 'commit', '--quiet', '-m', 'Change');
}

const task = (name = branch, taskId = 'task-1') =>
  createTaskBranch({ client: folderAsContainer(project), taskId, branch: name, waitMs: 60_000, signal });

async function changesOf(name = branch): Promise<BranchChanges> {
  const changes = await task(name).changes();
  if (!changes) throw new Error('There is no branch.');
  return changes;
}

async function saved(files: Record<string, string | Buffer>): Promise<BranchChanges> {
  await task().prepare();
  write(tree, files);
  expect(await task().save('Add files')).toBeNull();
  return await changesOf();
}

const accept = ({ headCommit }: { headCommit: string }) => task().merge({ message: 'Merge the task', headCommit });

const timeout = 120_000;

describe('the branch of a task', { timeout }, () => {
  it('gets a worktree beside the project, which shows nothing of it and keeps what the person changes', async () => {
    write(project, { 'README.md': 'mine\n', 'new.txt': 'mine\n' });
    const prepared = await task().prepare();
    expect(prepared).toEqual({
      kind: 'ready',
      directory: tree,
      baseCommit: git(project, 'rev-parse', 'HEAD'),
      uncommitted: 2,
    });
    expect(readFileSync(join(tree, 'README.md'), 'utf8')).toBe('one\ntwo\nthree\n');
    expect(git(project, 'status', '--porcelain').split('\n')).toEqual(['M README.md', '?? new.txt']);
    write(tree, { 'kept.txt': 'work' });
    expect(await task().prepare()).toEqual(prepared); // repeated after a crash
    expect(readFileSync(join(tree, 'kept.txt'), 'utf8')).toBe('work');
  });

  it('is prepared again after git was killed in the middle, or its folder was deleted', async () => {
    await task().prepare();
    writeFileSync(join(project, '.git/worktrees/task-1/locked'), 'initializing');
    rmSync(join(tree, 'README.md'));
    expect(await task().prepare()).toMatchObject({ kind: 'ready' });
    expect(existsSync(join(tree, 'README.md'))).toBe(true);
    rmSync(tree, { recursive: true });
    expect(await task().prepare()).toMatchObject({ kind: 'ready' });
    expect(git(tree, 'branch', '--show-current')).toBe(branch);
  });

  it.each([
    { cause: 'no-commit', prepare: () => git(project, 'update-ref', '-d', 'refs/heads/main') },
    { cause: 'no-repository', prepare: () => rmSync(join(project, '.git'), { recursive: true }) },
  ])('does not exist where there is $cause', async ({ cause, prepare }) => {
    prepare();
    expect(await task().prepare()).toEqual({ kind: 'none', cause });
    expect(await task().changes()).toBeNull();
  });

  it('of ten tasks at once does not disturb the others', async () => {
    const ids = Array.from({ length: 10 }, (_, index) => `task-${index}`);
    const of = (id: string) => task(`task/${id}`, id);
    const all = await Promise.all(ids.map((id) => of(id).prepare()));
    expect(all.map(({ kind }) => kind)).toEqual(ids.map(() => 'ready'));
    const two = ids.slice(0, 2);
    for (const id of two) write(join(folder, '.worktrees', id), { [`${id}.txt`]: id });
    expect(await Promise.all(two.map((id) => of(id).save('Work')))).toEqual([null, null]);
    const changed = await Promise.all(two.map((id) => of(id).changes()));
    expect(changed.map((changes) => changes?.files.map(({ path }) => path))).toEqual(two.map((id) => [`${id}.txt`]));
  });
});

describe('the changes of a task', { timeout }, () => {
  it('are compared by file, with hostile names, binary files, deletions and changed types', async () => {
    commit({ 'old.txt': 'old\n', link: 'a file\n' });
    await task().prepare();
    for (const name of ['old.txt', 'link']) rmSync(join(tree, name));
    symlinkSync('README.md', join(tree, 'link'));
    const hostile = 'a "quoted"\n--name\t$(touch x) ü.txt';
    const changes = await saved({
      [hostile]: 'text\n',
      'picture.bin': Buffer.from([0, 1, 2, 255]),
      'README.md': 'one\n',
    });
    expect(changes).toMatchObject({ fileCount: 5, isTruncated: false, baseCommit: git(project, 'rev-parse', 'HEAD') });
    expect(changes.files.map(({ path, status, additions, deletions }) => [path, status, additions, deletions])).toEqual(
      [
        ['README.md', 'modified', 0, 2],
        [hostile, 'added', 1, 0],
        ['link', 'modified', 1, 1],
        ['old.txt', 'deleted', 0, 1],
        ['picture.bin', 'added', 0, 0],
      ],
    );
    const [readme, named, link, old, picture] = changes.files;
    expect(readme?.patch).toContain('-two\n-three\n');
    expect(named?.patch).toContain('+text\n');
    expect(link?.patch).toContain('+README.md');
    expect(old?.patch).toContain('-old\n');
    expect(picture).toMatchObject({ isBinary: true, patch: null });
  });

  it('are bounded: of 5,100 files 5,000 are listed, and the lines of large ones are left out', async () => {
    await task().prepare();
    for (let number = 0; number < 5_100; number += 1) write(tree, { [`file-${number}`]: 'x\n' });
    const changes = await saved({ 'a-large-file': `${'0123456789'.repeat(10)}\n`.repeat(30_000) });
    expect(changes).toMatchObject({ fileCount: 5_101, isTruncated: true });
    expect(changes.files).toHaveLength(5_000);
    expect(changes.files[0]).toMatchObject({ path: 'a-large-file', additions: 30_000, patch: null });
  });

  it('are committed as OpenCode without running a hook, also when the agent has left the branch', async () => {
    for (const hook of [
      'pre-commit',
      'commit-msg',
      'post-commit',
      'post-checkout',
      'pre-push',
      'reference-transaction',
    ]) {
      writeFileSync(join(project, '.git/hooks', hook), `#!/bin/sh\ntouch ${folder}/hook-ran\nexit 1\n`);
      chmodSync(join(project, '.git/hooks', hook), 0o755);
    }
    await task().prepare();
    git(tree, '-c', 'core.hooksPath=/dev/null', 'checkout', '--quiet', '-b', 'another');
    const { headCommit } = await saved({ 'new.txt': 'new\n' });
    expect(git(project, 'log', '-1', '--format=%an: %s', branch)).toBe('OpenCode: Add files');
    expect(git(project, 'rev-parse', branch)).toBe(headCommit);
    expect(await task().save('Again')).toBeNull(); // repeated after a crash
    expect((await changesOf()).headCommit).toBe(headCommit);
    expect(await accept({ headCommit })).toMatchObject({ kind: 'merged' });
    expect(existsSync(join(folder, 'hook-ran'))).toBe(false);
  });

  it('are not committed with conflicts in them', async () => {
    const { headCommit } = await saved({ 'README.md': 'theirs\n' });
    commit({ 'README.md': 'ours\n' });
    expect(() => git(tree, 'merge', 'main')).toThrow();
    expect(await task().save('Merge')).toContain('conflicts in “README.md”');
    expect((await changesOf()).headCommit).toBe(headCommit);
    write(tree, { 'README.md': 'both\n' });
    expect(await task().save('Merge')).toBeNull();
    expect(await accept(await changesOf())).toMatchObject({ kind: 'merged' });
    expect(readFileSync(join(project, 'README.md'), 'utf8')).toBe('both\n');
  });
});

describe('accepting a task', { timeout }, () => {
  it('merges into the branch of the project, keeps what the person has not committed, and can be repeated', async () => {
    const changes = await saved({ 'new.txt': 'new\n' });
    commit({ 'other.txt': 'other\n' });
    write(project, { 'README.md': 'mine\n' });
    const merged = await accept(changes);
    expect(merged).toEqual({ kind: 'merged', commit: git(project, 'rev-parse', 'HEAD') });
    expect(git(project, 'log', '-1', '--format=%s %P').split(' ')).toContain(changes.headCommit);
    expect(await accept(changes)).toEqual(merged);
    expect(git(project, 'status', '--porcelain')).toBe('M README.md');
    expect(existsSync(join(project, 'new.txt'))).toBe(true);
    await task().remove();
    await task().remove();
    expect([existsSync(tree), git(project, 'branch', '--list', 'task/*')]).toEqual([false, '']);
    expect(await accept(changes)).toEqual({ kind: 'gone' });
  });

  it('tells conflicts by file, and leaves the project as it was', async () => {
    const changes = await saved({ 'README.md': 'theirs\n', 'new.txt': 'new\n' });
    commit({ 'README.md': 'ours\n' });
    const before = git(project, 'rev-parse', 'HEAD');
    expect(await accept(changes)).toEqual({ kind: 'conflicts', files: ['README.md'] });
    expect([git(project, 'rev-parse', 'HEAD'), git(project, 'status', '--porcelain')]).toEqual([before, '']);
  });

  it('tells files of the person that it would overwrite, and loses none', async () => {
    const changes = await saved({ 'README.md': 'theirs\n', 'new.txt': 'theirs\n' });
    write(project, { 'README.md': 'mine\n' });
    expect(await accept(changes)).toEqual({ kind: 'would-overwrite', files: ['README.md'] });
    git(project, 'checkout', '--quiet', 'README.md');
    write(project, { 'new.txt': 'mine\n' });
    expect(await accept(changes)).toEqual({ kind: 'would-overwrite', files: ['new.txt'] });
    expect(readFileSync(join(project, 'new.txt'), 'utf8')).toBe('mine\n');
  });

  it('does not merge what the person has not reviewed, nor without a branch', async () => {
    const reviewed = await saved({ 'new.txt': 'new\n' });
    const now = await saved({ 'newer.txt': 'newer\n' });
    expect(await accept(reviewed)).toEqual({ kind: 'moved' });
    git(project, 'checkout', '--quiet', '--detach');
    await expect(accept(now)).rejects.toThrow(/no branch checked out/);
  });
});

it('pushing sends the branch, and tells in words why it cannot', { timeout }, async () => {
  await saved({ 'new.txt': 'new\n' });
  await expect(task().push()).rejects.toThrow(/no remote/);
  git(project, 'remote', 'add', 'origin', 'http://user:s3cret@127.0.0.1:9/x.git');
  const refused = await task()
    .push()
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(BranchError);
  expect(String(refused)).not.toContain('s3cret');
  const remote = join(folder, 'remote.git');
  git(folder, 'init', '--quiet', '--bare', remote);
  git(project, 'remote', 'set-url', 'origin', remote);
  await task().push();
  await task().push();
  expect(git(remote, 'rev-parse', branch)).toBe(git(project, 'rev-parse', branch));
});
