import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { maxEntriesPerPage } from '../../shared/contract/file-limits.ts';
import type { FileEntry, FileList } from '../../shared/contract/files.ts';
import { createGate } from '../access.ts';
import { createFileBrowser } from './server.ts';
import { createWorkspace } from './workspace.ts';

const token = 'a-secret-of-this-project';
let folder: string;
let root: string;
let url: string;
let close: () => void;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'files-'));
  root = join(folder, 'workspace');
  mkdirSync(join(root, 'src'), { recursive: true });
  mkdirSync(join(folder, 'workspace-of-another'));
  writeFileSync(join(folder, 'workspace-of-another', 'secret'), 'not yours');
  writeFileSync(join(root, 'README.md'), 'häuser\nzeile zwei\n');
  writeFileSync(join(root, 'src', 'picture.png'), Buffer.from([137, 80, 78, 71, 0, 1, 2]));
  writeFileSync(join(root, 'big.txt'), 'x'.repeat(1024 * 1024 + 10));
  symlinkSync('README.md', join(root, 'inside'));
  symlinkSync('/etc/passwd', join(root, 'outside'));
  symlinkSync('../workspace-of-another', join(root, 'neighbour'));
  symlinkSync('loop', join(root, 'loop'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
  const server = createFileBrowser({ workspace: await createWorkspace(root), isAllowed: createGate(token) });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  url = `http://127.0.0.1:${port}`;
  close = () => {
    server.closeAllConnections();
    server.close();
  };
});

afterAll(() => {
  close();
  rmSync(folder, { recursive: true });
});

const request = async (path: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }) => {
  const response = await fetch(`${url}${path}`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const at = (kind: string, path: string) => request(`/${kind}?path=${encodeURIComponent(path)}`);

describe('the file browser', () => {
  it('refuses requests without the secret, and answers health checks of everybody', async () => {
    for (const authorization of ['', 'Bearer wrong', `Digest ${token}`, `Bearer ${token}x`, 'Basic !!!']) {
      expect((await request('/list', authorization === '' ? {} : { authorization })).status).toBe(401);
    }
    expect(await request('/healthz', {})).toEqual({ status: 200, body: { status: 'ok' } });
  });

  it('accepts the secret as the password of Basic authentication', async () => {
    const authorization = `Basic ${Buffer.from(`anybody:${token}`).toString('base64')}`;
    expect((await request('/list', { authorization })).status).toBe(200);
  });

  it('lists a folder with its folders first, each sorted by name, with kinds and sizes', async () => {
    const { body } = await at('list', '/');
    expect(body['nextCursor']).toBeNull();
    expect(body['entries']).toContainEqual(expect.objectContaining({ name: 'README.md', kind: 'file', size: 19 }));
    expect(body['entries']).toContainEqual(expect.objectContaining({ name: 'outside', kind: 'link', size: null }));
    expect((body['entries'] as { name: string }[]).map(({ name }) => name)).toEqual([
      'src',
      'README.md',
      'big.txt',
      'inside',
      'loop',
      'neighbour',
      'outside',
      'pipe',
    ]);
  });

  it('says where a link within the project leads, and nothing about other links', async () => {
    symlinkSync('src', join(root, 'folder'));
    const { body } = await at('list', '');
    const leads = (body['entries'] as FileEntry[]).map(({ name, leadsTo }) => [name, leadsTo]);
    expect(new Map(leads as [string, string | null][])).toEqual(
      new Map([
        ...['src', 'README.md', 'big.txt', 'loop', 'neighbour', 'outside', 'pipe'].map((name) => [name, null] as const),
        ['inside', 'file'],
        ['folder', 'directory'],
      ]),
    );
    rmSync(join(root, 'folder'));
  });

  it('lists a large folder in pages, each entry once', async () => {
    const many = join(root, 'src', 'many');
    mkdirSync(many);
    const names = Array.from({ length: 2 * maxEntriesPerPage + 1 }, (_, index) => `${index}`);
    for (const name of names) writeFileSync(join(many, name), '');
    mkdirSync(join(many, 'zz'));
    const listed: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await request(`/list?path=src/many&cursor=${encodeURIComponent(cursor)}`);
      const { entries, nextCursor } = body as unknown as FileList;
      expect(entries.length).toBeLessThanOrEqual(maxEntriesPerPage);
      listed.push(...entries.map(({ name }) => name));
      cursor = nextCursor;
    }
    expect(listed[0]).toBe('zz');
    expect(listed.slice(1)).toEqual(names.toSorted());
    rmSync(many, { recursive: true });
  });

  it('shows what has changed since the page before', async () => {
    const changing = join(root, 'src', 'changing');
    mkdirSync(changing);
    const names = Array.from({ length: 2 * maxEntriesPerPage }, (_, index) => `f${10_000 + index}`);
    for (const name of names) writeFileSync(join(changing, name), '');
    const page = async (cursor: string) =>
      (await request(`/list?path=src/changing&cursor=${encodeURIComponent(cursor)}`)).body as unknown as FileList;
    const { nextCursor } = await page('');
    const last = names.at(-1) ?? '';
    rmSync(join(changing, last));
    writeFileSync(join(changing, 'new'), '');
    const second = (await page(nextCursor ?? '')).entries.map(({ name }) => name);
    expect(second).toContain('new');
    expect(second).not.toContain(last);
    rmSync(changing, { recursive: true });
  });

  it('describes an entry without following it, and returns the target of a link', async () => {
    expect((await at('stat', 'inside')).body).toMatchObject({ kind: 'link', target: 'README.md' });
    expect((await at('stat', 'src')).body).toMatchObject({ name: 'src', kind: 'directory', target: null });
    expect((await at('stat', 'no/such')).status).toBe(404);
  });

  it('returns text as UTF-8 and binary files as base64', async () => {
    expect((await at('read', 'README.md')).body).toMatchObject({
      content: 'häuser\nzeile zwei\n',
      encoding: 'utf8',
      isBinary: false,
      nextOffset: null,
    });
    const { body } = await at('read', '/src/picture.png');
    expect(body).toMatchObject({ isBinary: true, encoding: 'base64' });
    expect(Buffer.from(String(body['content']), 'base64')).toEqual(Buffer.from([137, 80, 78, 71, 0, 1, 2]));
  });

  it('returns a large file in parts of at most 1 MiB', async () => {
    const first = (await request('/read?path=big.txt')).body;
    expect([String(first['content']).length, first['nextOffset'], first['size']]).toEqual([1048576, 1048576, 1048586]);
    const rest = (await request(`/read?path=big.txt&offset=${String(first['nextOffset'])}`)).body;
    expect([String(rest['content']).length, rest['nextOffset']]).toEqual([10, null]);
    expect((await request('/read?path=big.txt&limit=1048577')).status).toBe(400);
    expect((await request('/read?path=big.txt&offset=-1')).status).toBe(400);
  });

  it('follows a link within the workspace', async () => {
    expect((await at('read', 'inside')).body).toMatchObject({ size: 19 });
  });

  it.each([
    ['read', '../workspace-of-another/secret', 404],
    ['read', '/../../../../../../etc/passwd', 404],
    ['read', 'src/../../workspace-of-another/secret', 404],
    ['read', '..%2f..%2fetc%2fpasswd', 404],
    ['read', 'outside', 403],
    ['list', 'neighbour', 403],
    ['read', 'neighbour/secret', 403],
    ['stat', 'neighbour/secret', 403],
    ['read', 'loop', 400],
    ['read', 'a\0b', 400],
    ['read', 'src', 400],
    ['list', 'README.md', 400],
    ['list', 'x'.repeat(5_000), 400],
  ])('refuses %s %s, which is not readable in the workspace, with a message', async (kind, path, status) => {
    const answer = await at(kind, path);
    expect([answer.status, typeof answer.body['error']]).toEqual([status, 'string']);
    expect(JSON.stringify(answer.body)).not.toContain('not yours');
    expect(JSON.stringify(answer.body)).not.toContain(folder);
  });

  it('refuses a named pipe instead of waiting for a writer', async () => {
    expect((await at('read', 'pipe')).status).toBe(400);
  });

  it('returns nothing from outside when a folder is replaced by a link during the request', async () => {
    writeFileSync(join(root, 'src', 'secret'), 'mine');
    let swaps = 0;
    const answers: string[] = [];
    while (swaps++ < 60) {
      const answer = at('read', 'src/secret');
      renameSync(join(root, 'src'), join(root, 'src-moved'));
      symlinkSync('../workspace-of-another', join(root, 'src'));
      answers.push(JSON.stringify((await answer).body));
      rmSync(join(root, 'src'));
      renameSync(join(root, 'src-moved'), join(root, 'src'));
    }
    expect(answers.filter((answer) => answer.includes('not yours'))).toEqual([]);
  });

  it('refuses methods that a path does not have, and unknown paths', async () => {
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${url}/read?path=README.md`, { method: 'DELETE', headers })).status).toBe(405);
    expect((await fetch(`${url}/nothing`, { headers })).status).toBe(404);
  });
});
