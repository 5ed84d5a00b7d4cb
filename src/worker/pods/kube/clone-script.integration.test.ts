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

/** Runs the script and returns its termination message. */
async function clone(url: string, env: Record<string, string> = {}): Promise<string> {
  const messagePath = join(folder, 'termination-message');
  const program = spawn('/bin/sh', ['-c', cloneScript], {
    env: {
      PATH: process.env['PATH'],
      HOME: workspace,
      WORKSPACE: workspace,
      TERMINATION_MESSAGE: messagePath,
      CLONE_PROTOCOLS: 'file:http',
      REPO_URL: url,
      ...env,
    },
  });
  const code = await new Promise((resolve) => {
    program.on('close', resolve);
  });
  expect(code).toBe(0);
  return readFileSync(messagePath, 'utf8');
}

/** A repository server that answers each request with this HTTP status; `null`: never. */
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

describe('the clone script', () => {
  it('checks out the branch with its newest commit into an empty workspace', async () => {
    expect(await clone(`file://${origin}`)).toBe('cloned');
    expect(readFileSync(join(workspace, 'src', 'main.ts'), 'utf8')).toBe('export {};');
    expect(git(workspace, 'status', '--porcelain', '--branch')).toBe('## trunk...origin/trunk\n');
    expect(git(workspace, 'log', '--format=%s')).toBe('second\n');
    expect(readdirSync(workspace).toSorted()).toEqual(['.git', '.version', 'README.md', 'src']);
  });

  it('keeps the changes of a user at the next start', async () => {
    await clone(`file://${origin}`);
    writeFileSync(join(workspace, 'README.md'), 'mine');
    expect(await clone(`file://${origin}`)).toBe('kept');
    expect(readFileSync(join(workspace, 'README.md'), 'utf8')).toBe('mine');
  });

  it('does not clone into a workspace that contains files of a user', async () => {
    writeFileSync(join(workspace, 'notes.txt'), 'mine');
    expect(await clone(`file://${origin}`)).toBe('kept');
    expect(readdirSync(workspace)).toEqual(['notes.txt']);
  });

  it('clones into a workspace that contains only files of the file system and of OpenCode', async () => {
    for (const directory of ['lost+found', '.local', '.cache']) mkdirSync(join(workspace, directory));
    expect(await clone(`file://${origin}`)).toBe('cloned');
    expect(existsSync(join(workspace, 'README.md'))).toBe(true);
  });

  it('never overwrites a file that it did not write', async () => {
    writeFileSync(join(workspace, '.version'), 'mine');
    expect(await clone(`file://${origin}`)).toMatch(/^clone-failed: other: .*would be overwritten/s);
    expect(readFileSync(join(workspace, '.version'), 'utf8')).toBe('mine');
    expect(readdirSync(workspace)).toEqual(['.version']);
  });

  it('continues a start that was interrupted during the checkout', async () => {
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

  it('reports not-found when there is no repository at the address', async () => {
    expect(await clone(await serverThat(() => 404))).toMatch(/^clone-failed: not-found: .*not found/s);
    expect(readdirSync(workspace)).toEqual([]);
  });

  it.each([401, 403])('reports denied when the server answers %d', async (status) => {
    expect(await clone(await serverThat(() => status))).toMatch(/^clone-failed: denied: /);
  });

  it('reports unreachable when the server refuses the connection', async () => {
    const url = await serverThat(() => 200);
    for (const close of closing.splice(0)) close();
    expect(await clone(url)).toMatch(/^clone-failed: unreachable: .*unable to access/s);
  });

  it('reports timeout when the server does not answer in time, and leaves the workspace empty', async () => {
    const url = await serverThat(() => null);
    expect(await clone(url, { CLONE_SECONDS: '1' })).toBe('clone-failed: timeout: It did not end within 1 seconds.');
    expect(readdirSync(workspace)).toEqual([]);
  });

  it('never reads local files through a repository URL', async () => {
    expect(await clone(`file://${origin}`, { CLONE_PROTOCOLS: '' })).toMatch(/^clone-failed: other: .*not allowed/s);
  });

  it('reports that the image contains no git', async () => {
    const programs = join(folder, 'bin');
    mkdirSync(programs);
    for (const name of ['head', 'mktemp', 'rm']) symlinkSync(`/usr/bin/${name}`, join(programs, name));
    expect(await clone(`file://${origin}`, { PATH: programs })).toMatch(/^clone-failed: other: There is no git/);
  });
});
