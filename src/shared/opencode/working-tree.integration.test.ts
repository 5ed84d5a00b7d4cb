/** What git says about a working tree, with the real git in a real folder. The container is a folder here. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { folderAsContainer } from '../../../tests/support/folder-as-container.ts';
import { readWorkingTree } from './working-tree.ts';

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'working-tree-'));
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=P', '-c', 'user.email=p@example.test', ...args], {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

function write(files: Record<string, string | Buffer>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), content);
  }
}

function commit(files: Record<string, string>): void {
  write(files);
  git('add', '--all');
  git('commit', '--quiet', '-m', 'Change');
}

function read(kind: 'list' | 'patch' = 'list', path?: string) {
  const { signal } = new AbortController();
  return readWorkingTree(folderAsContainer(project), { kind, path, waitMs: 60_000, signal });
}

async function listed(): Promise<string[]> {
  const { files } = await read();
  return files.map(({ path, status, additions, deletions }) => `${status} ${path} +${additions} -${deletions}`);
}

it('changed, deleted, staged and untracked files are listed, and nothing in the repository is changed', async () => {
  git('init', '--quiet', '--initial-branch=main');
  commit({ 'a.txt': 'one\ntwo\n', 'b.txt': 'b\n', '.gitignore': 'ignored/\n' });
  write({ 'a.txt': 'one\nthree\nfour\n', 'new/c.txt': 'c\n', 'staged.txt': 's\n', 'ignored/d.txt': 'd\n' });
  write({ ':odd (name)\n.txt': 'x\n', 'image.bin': Buffer.from([0, 1, 2]) });
  rmSync(join(project, 'b.txt'));
  git('add', 'staged.txt');
  const before = git('status', '--porcelain', '-z');
  expect(await read()).toMatchObject({ branch: 'main', isTruncated: false });
  expect((await listed()).toSorted()).toEqual(
    [
      'added :odd (name)\n.txt +1 -0',
      'added image.bin +0 -0',
      'added new/c.txt +1 -0',
      'added staged.txt +1 -0',
      'deleted b.txt +0 -1',
      'modified a.txt +2 -1',
    ].toSorted(),
  );
  expect(git('status', '--porcelain', '-z')).toBe(before);
});

it('patches contain the text of untracked files, and can be asked for by path', async () => {
  git('init', '--quiet');
  commit({ 'a.txt': 'one\n' });
  write({ 'a.txt': 'two\n', 'new.txt': 'fresh\n' });
  const { files } = await read('patch', 'new.txt');
  expect(files).toMatchObject([
    { path: 'new.txt', status: 'added', patch: expect.stringContaining('+fresh') as string },
  ]);
  expect((await read('patch')).files.map(({ patch }) => patch?.match(/^[+-]\w.*/gm))).toEqual([
    ['-one', '+two'],
    ['+fresh'],
  ]);
});

it('before the first commit every file is new, and a repository in the repository is left out', async () => {
  git('init', '--quiet', '--initial-branch=start');
  write({ 'a.txt': 'a\n' });
  git('init', '--quiet', 'inner');
  write({ 'inner/b.txt': 'b\n' });
  expect(await read()).toMatchObject({ branch: 'start' });
  expect(await listed()).toEqual(['added a.txt +1 -0']);
});

it('a folder without a repository has no changes, and gets no repository', async () => {
  write({ 'a.txt': 'a\n' });
  expect(await read()).toEqual({ branch: null, files: [], isTruncated: false });
  expect(existsSync(join(project, '.git'))).toBe(false);
});

it('6,000 untracked files take a few programs: the first 5,000 are listed', async () => {
  git('init', '--quiet');
  commit({ 'a.txt': 'a\n' });
  mkdirSync(join(project, 'many'));
  for (let index = 0; index < 6_000; index += 1) writeFileSync(join(project, 'many', String(index)), '');
  const { files } = await read();
  expect(files).toHaveLength(5_000);
});
