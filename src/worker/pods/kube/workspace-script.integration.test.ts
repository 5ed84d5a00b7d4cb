import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startGitServer } from '../../../../tests/support/git-server.ts';
import { startTlsProxy } from '../../../../tests/support/tls-proxy.ts';
import { workspaceScript } from './workspace-script.ts';

let folder: string;
let workspace: string;
let project: string;
let origin: string;
const closing: (() => void)[] = [];

const git = (cwd: string, ...args: string[]) => execFileSync('git', ['-C', cwd, ...args], { stdio: 'pipe' }).toString();

/** A repository with two commits, which each test copies. */
let template: string;

beforeAll(() => {
  template = mkdtempSync(join(tmpdir(), 'origin-'));
  mkdirSync(join(template, 'src'));
  git(template, 'init', '--quiet', '--initial-branch=trunk');
  writeFileSync(join(template, 'README.md'), 'hello');
  writeFileSync(join(template, 'src', 'main.ts'), 'export {};');
  for (const message of ['first', 'second']) {
    writeFileSync(join(template, '.version'), message);
    git(template, 'add', '.');
    git(template, '-c', 'user.name=Test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '-m', message);
  }
});
afterAll(() => rmSync(template, { recursive: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clone-'));
  workspace = join(folder, 'workspace');
  project = join(workspace, 'project');
  origin = join(folder, 'origin');
  mkdirSync(workspace);
  cpSync(template, origin, { recursive: true });
});

afterEach(() => {
  for (const close of closing.splice(0)) close();
  rmSync(folder, { recursive: true });
});

/** Runs the script and returns its termination message. */
async function prepare(url: string | null, env: Record<string, string> = {}): Promise<string> {
  const messagePath = join(folder, 'termination-message');
  const program = spawn('/bin/sh', ['-c', workspaceScript], {
    env: {
      PATH: process.env['PATH'],
      HOME: workspace,
      WORKSPACE: workspace,
      TERMINATION_MESSAGE: messagePath,
      CLONE_PROTOCOLS: 'file:http',
      ...(url === null ? {} : { REPO_URL: url }),
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
  const { port } = await listening(server);
  return `http://127.0.0.1:${port}/team/app`;
}

async function listening(server: Server): Promise<AddressInfo> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return server.address() as AddressInfo; // it listens on TCP
}

describe('the workspace script', () => {
  it('clones the branch with its newest commit into the project folder, beside the home', async () => {
    expect(await prepare(`file://${origin}`)).toBe('cloned');
    expect(readFileSync(join(project, 'src', 'main.ts'), 'utf8')).toBe('export {};');
    expect(git(project, 'status', '--porcelain', '--branch')).toBe('## trunk...origin/trunk\n');
    expect(git(project, 'log', '--format=%s')).toBe('second\n');
    expect(readdirSync(project).toSorted()).toEqual(['.git', '.version', 'README.md', 'src']);
    expect(readdirSync(workspace).toSorted()).toEqual(['.home', 'project']);
  });

  it('creates a repository with one empty commit when the project has no repository URL', async () => {
    expect(await prepare(null)).toBe('created');
    expect(readdirSync(project)).toEqual(['.git']);
    expect(git(project, 'rev-list', '--count', 'HEAD')).toBe('1\n');
    expect(git(project, 'status', '--porcelain')).toBe('');
  });

  it('writes the address of the pod into its configuration at each start, and follows no link', async () => {
    const own = join(workspace, '.home/.project-manager');
    const file = join(own, 'opencode.json');
    const variables = {
      HOME: join(workspace, '.home'),
      PROJECT_CONFIG: '{"url":"http://this-pod.invalid:3002"}\n',
      PROJECT_RULES: '',
      PROJECT_CONFIG_VERSION: '1',
    };
    await prepare(null, { ...variables, POD_IP: '127.64.0.1' });
    expect(readFileSync(file, 'utf8')).toBe('{"url":"http://127.64.0.1:3002"}\n');
    const target = join(folder, 'elsewhere');
    writeFileSync(target, 'kept');
    symlinkSync(target, `${file}.new`);
    rmSync(file);
    symlinkSync(target, file);
    await prepare(null, variables);
    expect(readFileSync(file, 'utf8')).toBe('{"url":"http://127.0.0.1:3002"}\n');
    expect(readFileSync(target, 'utf8')).toBe('kept');
  });

  it('adds an empty first commit to a repository that has none', async () => {
    const empty = join(folder, 'empty');
    git(folder, 'init', '--quiet', empty);
    expect(await prepare(`file://${empty}`)).toBe('cloned');
    expect(git(project, 'rev-list', '--count', 'HEAD')).toBe('1\n');
  });

  it('keeps the changes of a user at the next start', async () => {
    await prepare(`file://${origin}`);
    writeFileSync(join(project, 'README.md'), 'mine');
    expect(await prepare(`file://${origin}`)).toBe('kept');
    expect(readFileSync(join(project, 'README.md'), 'utf8')).toBe('mine');
  });

  it('does not clone into a project folder that contains files of a user', async () => {
    mkdirSync(join(workspace, '.home'));
    mkdirSync(project);
    writeFileSync(join(project, '.notes'), 'mine');
    expect(await prepare(`file://${origin}`)).toBe('kept');
    expect(readdirSync(project)).toEqual(['.notes']);
  });

  it('writes the configuration of the project for OpenCode, and keeps an older one when there is none', async () => {
    const home = join(workspace, '.home');
    const folderOf = (name: string) => readFileSync(join(home, '.project-manager', name), 'utf8');
    const config = '{"model":"a/b","username":"`$HOME` \\n\'%s"}\n';
    const given = { HOME: home, PROJECT_CONFIG: config, PROJECT_RULES: '', PROJECT_CONFIG_VERSION: '7' };
    await prepare(null, given);
    expect([folderOf('opencode.json'), folderOf('given/opencode.json'), folderOf('rules.md')]).toEqual([
      config,
      config,
      '',
    ]);
    expect(JSON.parse(folderOf('state.json'))).toEqual({ version: 7, isRead: true });
    await prepare(null, { HOME: home });
    expect(folderOf('opencode.json')).toBe(config);
  });

  it('clones onto a new volume that contains only lost+found', async () => {
    mkdirSync(join(workspace, 'lost+found'));
    expect(await prepare(`file://${origin}`)).toBe('cloned');
    expect(readdirSync(workspace).toSorted()).toEqual(['.home', 'lost+found', 'project']);
  });

  it('continues after a start that was interrupted during the clone', async () => {
    mkdirSync(join(workspace, '.cloning', '.git'), { recursive: true });
    expect(await prepare(`file://${origin}`)).toBe('cloned');
    expect(git(project, 'status', '--porcelain')).toBe('');
    expect(readdirSync(workspace).toSorted()).toEqual(['.home', 'project']);
  });

  it('clones at the next start when the clone failed before', async () => {
    expect(await prepare(await serverThat(() => 404))).toMatch(/^clone-failed: not-found: .*not found/s);
    expect(readdirSync(project)).toEqual([]);
    expect(await prepare(`file://${origin}`)).toBe('cloned');
  });

  it.each([401, 403])('reports denied when the server answers %d', async (status) => {
    expect(await prepare(await serverThat(() => status))).toMatch(/^clone-failed: denied: /);
  });

  it.each([
    [429, 'rate-limited'],
    [500, 'server-error'],
    [503, 'server-error'],
    [410, 'not-found'],
    [418, 'refused'],
  ])('tells by the status %d that the server %s', async (status, cause) => {
    expect(await prepare(await serverThat(() => status))).toMatch(new RegExp(`^clone-failed: ${cause}: `));
  });

  it('reports no-repository when a web page is at the address, also behind a redirect to a sign-in page', async () => {
    const server = createServer(({ url = '' }, response) => {
      if (url.startsWith('/sign-in')) {
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>');
      } else if (url.startsWith('/private')) response.writeHead(302, { location: '/sign-in' }).end();
      else response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>hello');
    });
    const { port } = await listening(server);
    const empty = await startGitServer({});
    closing.push(() => void empty.close());
    expect(await prepare(empty.url)).toBe('cloned');
    rmSync(project, { recursive: true });
    for (const path of ['docs', 'private/app.git']) {
      expect(await prepare(`http://127.0.0.1:${port}/${path}`), path).toMatch(/^clone-failed: no-repository: /);
    }
  });

  it('reports untrusted for a certificate of an unknown authority, and clones when that authority is given', async () => {
    const backend = await startGitServer({ 'README.md': 'private' });
    closing.push(() => void backend.close());
    const proxy = await startTlsProxy();
    closing.push(() => void proxy.close());
    proxy.forwardTo(Number(new URL(backend.url).port));
    const url = `${proxy.url}${new URL(backend.url).pathname}`;
    const authority = join(folder, 'ca.crt');
    const env = { CLONE_PROTOCOLS: 'https', CA_FILE: authority };
    expect(await prepare(url, env)).toMatch(/^clone-failed: untrusted: /);
    writeFileSync(authority, proxy.certificate);
    expect(await prepare(url, env)).toBe('cloned');
    expect(readFileSync(join(project, 'README.md'), 'utf8')).toBe('private');
  });

  it('still trusts the authorities of the image when another one is given', async () => {
    const systemBundle = join(folder, 'system.crt');
    const authority = join(folder, 'ca.crt');
    const [one, other] = [await startTlsProxy(), await startTlsProxy()];
    const backend = await startGitServer({ 'README.md': 'public' });
    closing.push(
      () => void one.close(),
      () => void other.close(),
      () => void backend.close(),
    );
    one.forwardTo(Number(new URL(backend.url).port));
    writeFileSync(systemBundle, one.certificate);
    writeFileSync(authority, other.certificate);
    const url = `${one.url}${new URL(backend.url).pathname}`;
    expect(await prepare(url, { CLONE_PROTOCOLS: 'https', CA_FILE: authority, SYSTEM_CA: systemBundle })).toBe(
      'cloned',
    );
  });

  it('reports unreachable when the server refuses the connection', async () => {
    const url = await serverThat(() => 200);
    for (const close of closing.splice(0)) close();
    expect(await prepare(url)).toMatch(/^clone-failed: unreachable: .*unable to access/s);
  });

  it('clones another branch when the default branch of the server does not exist', async () => {
    git(origin, 'symbolic-ref', 'HEAD', 'refs/heads/renamed');
    expect(await prepare(`file://${origin}`)).toBe('cloned');
    expect(git(project, 'status', '--porcelain', '--branch')).toBe('## trunk...origin/trunk\n');
    expect(readFileSync(join(project, 'src', 'main.ts'), 'utf8')).toBe('export {};');
  });

  it('clones submodules and LFS files as references, without asking another server', async () => {
    writeFileSync(join(origin, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    writeFileSync(join(origin, 'large.bin'), 'version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 5\n');
    writeFileSync(join(origin, '.gitmodules'), '[submodule "lib"]\n\tpath = lib\n\turl = ssh://git@example.test/lib\n');
    git(origin, 'add', '.');
    git(origin, 'update-index', '--add', '--cacheinfo', `160000,${git(origin, 'rev-parse', 'HEAD').trim()},lib`);
    git(origin, '-c', 'user.name=Test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '-m', 'references');
    expect(await prepare(`file://${origin}`)).toBe('cloned');
    expect(readdirSync(join(project, 'lib'))).toEqual([]);
    expect(readFileSync(join(project, 'large.bin'), 'utf8')).toContain('oid sha256:aa');
  });

  it('reports no-checkout for a file name that the file system does not accept', async () => {
    const blob = git(origin, 'rev-parse', 'HEAD:README.md').trim();
    const entry = `100644 blob ${blob}\t${'n'.repeat(300)}\n`;
    const tree = execFileSync('git', ['-C', origin, 'mktree'], { input: entry, encoding: 'utf8' }).trim();
    const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
    const commit = git(origin, ...author, 'commit-tree', '-m', 'long', tree).trim();
    git(origin, 'update-ref', 'refs/heads/trunk', commit);
    expect(await prepare(`file://${origin}`)).toMatch(/^clone-failed: no-checkout: /);
    expect(readdirSync(project)).toEqual([]);
  });

  it('reports interrupted when the connection breaks while the repository is received', async () => {
    const large = await startGitServer({ 'large.bin': randomBytes(150_000).toString('base64') });
    const { hostname, port, pathname } = new URL(large.url);
    const proxy = createTcpServer((socket) => {
      const upstream = connect(Number(port), hostname);
      let received = 0;
      socket.on('error', () => undefined).pipe(upstream);
      upstream
        .on('error', () => undefined)
        .on('end', () => socket.end())
        .on('data', (bytes: Buffer) => {
          received += bytes.length;
          if (received < 100_000) socket.write(bytes);
          else for (const each of [socket, upstream]) each.destroy();
        });
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, '127.0.0.1', resolve);
    });
    const { port: proxyPort } = proxy.address() as AddressInfo; // it listens on TCP
    expect(await prepare(`http://127.0.0.1:${proxyPort}${pathname}`)).toMatch(/^clone-failed: interrupted: /);
    proxy.close();
    await large.close();
  });

  it('reports no-memory when the kernel ends git, and says nothing about the server', async () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const words = 'error: index-pack died of signal 9\nfatal: fetch-pack: invalid index-pack output';
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    const script = `#!/bin/sh\nif [ "$1" = clone ]; then printf '%b' '${words}' >&2; exit 128; fi\nexec ${real} "$@"\n`;
    writeFileSync(join(bin, 'git'), script, { mode: 0o755 });
    const message = await prepare(`file://${origin}`, { PATH: `${bin}:${process.env['PATH']}` });
    expect(message).toMatch(/^clone-failed: no-memory: /);
  });

  it('reports timeout when the server does not answer in time, and leaves the project folder empty', async () => {
    const url = await serverThat(() => null);
    expect(await prepare(url, { CLONE_SECONDS: '1' })).toBe('clone-failed: timeout: It did not end within 1 seconds.');
    expect(readdirSync(project)).toEqual([]);
  });

  it('never reads local files through a repository URL', async () => {
    expect(await prepare(`file://${origin}`, { CLONE_PROTOCOLS: '' })).toMatch(/^clone-failed: other: .*not allowed/s);
  });

  it('reports that the image contains no git', async () => {
    const programs = join(folder, 'bin');
    mkdirSync(programs);
    for (const name of ['head', 'mkdir', 'mktemp', 'rm']) symlinkSync(`/usr/bin/${name}`, join(programs, name));
    expect(await prepare(`file://${origin}`, { PATH: programs })).toMatch(/^clone-failed: other: There is no git/);
  });

  describe('on a volume of version 0.1, whose repository and home are the workspace itself', () => {
    beforeEach(() => {
      git(folder, 'clone', '--quiet', origin, join(workspace, 'old'));
      for (const name of readdirSync(join(workspace, 'old')))
        renameSync(join(workspace, 'old', name), join(workspace, name));
      rmSync(join(workspace, 'old'), { recursive: true });
      mkdirSync(join(workspace, '.local', 'share', 'opencode'), { recursive: true });
      writeFileSync(join(workspace, '.local', 'share', 'opencode', 'data'), 'sessions');
      writeFileSync(join(workspace, 'notes with spaces.txt'), 'mine');
      mkdirSync(join(workspace, 'lost+found'));
    });

    it('moves the repository to the project folder and the data of OpenCode to the home', async () => {
      expect(await prepare(`file://${origin}`)).toBe('kept');
      expect(readdirSync(workspace).toSorted()).toEqual(['.home', 'lost+found', 'project']);
      expect(git(project, 'status', '--porcelain')).toBe('?? "notes with spaces.txt"\n');
      expect(readFileSync(join(workspace, '.home', '.local', 'share', 'opencode', 'data'), 'utf8')).toBe('sessions');
    });

    it('leaves a folder with a dot in the repository when the repository tracks it', async () => {
      mkdirSync(join(workspace, '.config'));
      writeFileSync(join(workspace, '.config', 'tracked'), 'x');
      git(workspace, 'add', '.config');
      expect(await prepare(`file://${origin}`)).toBe('kept');
      expect(git(project, 'status', '--porcelain')).toBe('A  .config/tracked\n?? "notes with spaces.txt"\n');
    });

    it('continues a move that was interrupted', async () => {
      mkdirSync(join(workspace, '.moving', 'project'), { recursive: true });
      renameSync(join(workspace, 'README.md'), join(workspace, '.moving', 'project', 'README.md'));
      expect(await prepare(`file://${origin}`)).toBe('kept');
      expect(git(project, 'status', '--porcelain')).toBe('?? "notes with spaces.txt"\n');
    });
  });
});
