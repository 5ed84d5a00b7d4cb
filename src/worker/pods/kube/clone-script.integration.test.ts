import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { cloneScript } from './clone-script.ts';

let folder: string;
let workspace: string;
let origin: string;
const closing: (() => void)[] = [];

const git = (cwd: string, ...args: string[]) => execFileSync('git', ['-C', cwd, ...args], { stdio: 'pipe' }).toString();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clone-'));
  workspace = join(folder, 'workspace');
  origin = join(folder, 'origin');
  mkdirSync(workspace);
  mkdirSync(join(origin, 'src'), { recursive: true });
  git(origin, 'init', '--quiet', '--initial-branch=trunk');
  writeFileSync(join(origin, 'README.md'), 'hello');
  writeFileSync(join(origin, 'src', 'main.ts'), 'export {};');
  for (const message of ['first', 'second']) {
    writeFileSync(join(origin, '.version'), message);
    git(origin, 'add', '.');
    git(origin, '-c', 'user.name=Test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '-m', message);
  }
});

afterEach(() => {
  for (const close of closing.splice(0)) close();
  rmSync(folder, { recursive: true });
});

/** Its last words, as Kubernetes would keep them. */
async function clone(url: string, env: Record<string, string> = {}): Promise<string> {
  const lastMessage = join(folder, 'last-words');
  const program = spawn('/bin/sh', ['-c', cloneScript], {
    env: {
      PATH: process.env['PATH'],
      HOME: workspace,
      WORKSPACE: workspace,
      LAST_WORDS: lastMessage,
      CLONE_PROTOCOLS: 'file:http',
      REPO_URL: url,
      ...env,
    },
  });
  const code = await new Promise((resolve) => {
    program.on('close', resolve);
  });
  expect(code).toBe(0);
  return readFileSync(lastMessage, 'utf8');
}

/** A server of repositories that answers each request so. */
async function serverThat(answer: (url: string) => number | null): Promise<string> {
  const server = createServer((request, response) => {
    const status = answer(request.url ?? '');
    if (status === null) return;
    if (status === 401) response.setHeader('www-authenticate', 'Basic realm="git"');
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return `http://127.0.0.1:${port}/team/app`;
}

describe('the init container that clones', () => {
  it('puts the files and one commit of the branch into an empty workspace', async () => {
    expect(await clone(`file://${origin}`)).toBe('cloned');
    expect(readFileSync(join(workspace, 'src', 'main.ts'), 'utf8')).toBe('export {};');
    expect(git(workspace, 'status', '--porcelain', '--branch')).toBe('## trunk...origin/trunk\n');
    expect(git(workspace, 'log', '--format=%s')).toBe('second\n');
    expect(readdirSync(workspace).toSorted()).toEqual(['.git', '.version', 'README.md', 'src']);
  });

  it('leaves a second start alone, with what the person has changed', async () => {
    await clone(`file://${origin}`);
    writeFileSync(join(workspace, 'README.md'), 'mine');
    expect(await clone(`file://${origin}`)).toBe('kept');
    expect(readFileSync(join(workspace, 'README.md'), 'utf8')).toBe('mine');
  });

  it('leaves a workspace alone in which somebody has begun without a repository', async () => {
    writeFileSync(join(workspace, 'notes.txt'), 'mine');
    expect(await clone(`file://${origin}`)).toBe('kept');
    expect(readdirSync(workspace)).toEqual(['notes.txt']);
  });

  it('clones beside what a file system and OpenCode keep there', async () => {
    for (const own of ['lost+found', '.local', '.cache']) mkdirSync(join(workspace, own));
    expect(await clone(`file://${origin}`)).toBe('cloned');
    expect(existsSync(join(workspace, 'README.md'))).toBe(true);
  });

  it('overwrites nothing that it did not write', async () => {
    writeFileSync(join(workspace, '.version'), 'mine');
    expect(await clone(`file://${origin}`)).toMatch(/^clone-failed: other: .*would be overwritten/s);
    expect(readFileSync(join(workspace, '.version'), 'utf8')).toBe('mine');
    expect(readdirSync(workspace)).toEqual(['.version']);
  });

  it('goes on where a start was cut off during the checkout', async () => {
    git(folder, 'clone', '--quiet', '--no-checkout', origin, join(workspace, '.cloning'));
    writeFileSync(join(workspace, 'README.md'), 'hel');
    expect(await clone(`file://${origin}`)).toBe('cloned');
    expect(git(workspace, 'status', '--porcelain')).toBe('');
    expect(existsSync(join(workspace, '.cloning'))).toBe(false);
  });

  it('clones a repository without a commit', async () => {
    const empty = join(folder, 'empty');
    git(folder, 'init', '--quiet', empty);
    expect(await clone(`file://${empty}`)).toBe('cloned');
    expect(existsSync(join(workspace, '.git', 'HEAD'))).toBe(true);
  });

  it('says that there is no repository at this address', async () => {
    expect(await clone(await serverThat(() => 404))).toMatch(/^clone-failed: not-found: .*not found/s);
    expect(readdirSync(workspace)).toEqual([]);
  });

  it.each([401, 403])('says that the server asks for a sign-in when it answers %d', async (status) => {
    expect(await clone(await serverThat(() => status))).toMatch(/^clone-failed: denied: /);
  });

  it('says that the server could not be reached', async () => {
    const url = await serverThat(() => 200);
    for (const close of closing.splice(0)) close();
    expect(await clone(url)).toMatch(/^clone-failed: unreachable: .*unable to access/s);
  });

  it('says that it took too long, and goes on', async () => {
    const url = await serverThat(() => null);
    expect(await clone(url, { CLONE_SECONDS: '1' })).toBe('clone-failed: timeout: It did not end within 1 seconds.');
    expect(readdirSync(workspace)).toEqual([]);
  });

  it('reads no local files by way of a repository URL', async () => {
    expect(await clone(`file://${origin}`, { CLONE_PROTOCOLS: '' })).toMatch(/^clone-failed: other: .*not allowed/s);
  });

  it('says that git is missing where the image has none', async () => {
    const programs = join(folder, 'bin');
    mkdirSync(programs);
    for (const name of ['head', 'mktemp', 'rm']) symlinkSync(`/usr/bin/${name}`, join(programs, name));
    expect(await clone(`file://${origin}`, { PATH: programs })).toMatch(/^clone-failed: other: There is no git/);
  });
});
