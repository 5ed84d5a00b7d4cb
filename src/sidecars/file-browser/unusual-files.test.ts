/** Files that people rarely make, and that an agent or a repository brings along. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startFileBrowser, type TestFileBrowser } from '../../../tests/support/file-browser.ts';
import type { FileEntry, FileMatches } from '../../shared/contract/files.ts';
import { createGate } from '../access.ts';
import { packOptions } from './archive.ts';
import { removeScript } from './remove.ts';
import { createFileBrowser } from './server.ts';
import { createWorkspace } from './workspace.ts';

let browser: TestFileBrowser;
beforeEach(async () => {
  browser = await startFileBrowser();
});
afterEach(() => {
  browser.close();
  expect(browser.errors).toEqual([]);
});

const inRoot = (path: string): string => join(browser.root, path);
const statusOf = async (request: string, params: Record<string, string>, body?: string): Promise<number> =>
  (await browser.call(request, params, body)).status;
const secretOutside = () => readFileSync(join(browser.outside, 'secret'), 'utf8');
const namesIn = (path: string) => readdirSync(inRoot(path)).toSorted();
/** What tar unpacks from the archive of a folder, by name. */
async function unpackedNames(path: string): Promise<string[]> {
  const response = await browser.stream(`GET /archive?path=${path}`);
  const archive = Buffer.from(await response.arrayBuffer());
  return execFileSync('tar', ['-tzf', '-'], { input: archive, encoding: 'utf8' }).trim().split('\n').toSorted();
}

describe('names', () => {
  it('differ by case, by the form of their accents, and by dots and spaces at their end', async () => {
    const names = [
      'readme',
      'README',
      'caf\u00e9',
      'cafe\u0301',
      'a',
      'a.',
      'a ',
      'a. ',
      ' a',
      '...',
      '\u202egpj.exe',
      'a\nb',
    ];
    for (const name of names) expect(await statusOf('PUT /content', { path: name }, name)).toBe(200);
    expect(namesIn('')).toEqual(names.toSorted());
    const { body } = await browser.call('GET /list');
    expect((body['entries'] as FileEntry[]).map(({ name }) => name)).toEqual(names.toSorted());
    for (const name of names) expect((await browser.call('GET /read', { path: name })).body['content']).toBe(name);
    // A rename that changes nothing but the case or the form keeps the text.
    expect(await statusOf('POST /rename', { from: 'a', to: 'A' })).toBe(200);
    expect(await statusOf('POST /rename', { from: 'caf\u00e9', to: 'cafe\u0301' })).toBe(409);
    expect(readFileSync(inRoot('A'), 'utf8')).toBe('a');
  });

  it('and texts are found in each form of their accents', async () => {
    writeFileSync(inRoot('re\u0301sume\u0301.txt'), 'de\u0301ja\u0300 vu');
    for (const [query, mode] of [
      ['r\u00e9sum\u00e9', 'name'],
      ['d\u00e9j\u00e0', 'text'],
      ['de\u0301ja\u0300', 'text'],
    ] as const) {
      const { matches } = (await browser.call('GET /search', { query, mode })).body as unknown as FileMatches;
      expect(matches.map(({ path }) => path)).toEqual(['re\u0301sume\u0301.txt']);
    }
  });

  it('that are not UTF-8 are shown, and do not keep their folder from being deleted', async () => {
    mkdirSync(inRoot('old/deep'), { recursive: true });
    writeFileSync(Buffer.concat([Buffer.from(`${inRoot('old/deep')}/stra`), Buffer.from([0xdf, 0x65])]), 'x');
    const { body } = await browser.call('GET /list', { path: 'old/deep' });
    expect(body['entries']).toMatchObject([{ name: 'stra\ufffde', kind: 'other' }]);
    expect(await statusOf('DELETE /entry', { path: 'old' })).toBe(200);
    await expect.poll(() => namesIn(''), { timeout: 10_000 }).toEqual([]);
  });

  it('of an entry that is renamed to itself lose nothing', async () => {
    writeFileSync(inRoot('a'), 'kept');
    mkdirSync(inRoot('folder'));
    for (const path of ['a', 'folder']) expect(await statusOf('POST /rename', { from: path, to: path })).toBe(400);
    expect([namesIn(''), readFileSync(inRoot('a'), 'utf8')]).toEqual([['a', 'folder'], 'kept']);
  });
});

describe('entries', () => {
  it('that are hard links to a file outside are replaced, and the file outside stays', async () => {
    linkSync(join(browser.outside, 'secret'), inRoot('hard'));
    const { version } = (await browser.call('GET /read', { path: 'hard' })).body;
    expect(await statusOf('PUT /content', { path: 'hard', version: String(version) }, 'mine')).toBe(200);
    linkSync(join(browser.outside, 'secret'), inRoot('other'));
    const part = { path: 'other', upload: 'upload-1', offset: '0', total: '4', replace: 'true' };
    expect(await statusOf('PUT /upload', part, 'mine')).toBe(200);
    expect([readFileSync(inRoot('hard'), 'utf8'), readFileSync(inRoot('other'), 'utf8')]).toEqual(['mine', 'mine']);
    expect(secretOutside()).toBe('not yours');
  });

  it.each(['/proc/self/cwd', '/proc/self/root', '/proc/self/fd', '/proc/thread-self/root', '/dev/fd'])(
    'that are links to %s lead nowhere',
    async (target) => {
      symlinkSync(target, inRoot('link'));
      const paths = ['link', `link${browser.outside}`, `link${browser.outside}/secret`, 'link/0', 'link/1'];
      for (const path of paths) {
        for (const request of ['GET /list', 'GET /read', 'GET /content', 'GET /archive']) {
          expect([400, 403, 404]).toContain(await statusOf(request, { path }));
        }
        expect([400, 403, 404]).toContain(await statusOf('PUT /content', { path: `${path}/new` }, 'x'));
      }
      expect(readdirSync(browser.outside)).toEqual(['secret']);
    },
  );

  it('that are sockets are shown, and are neither read nor waited for', async () => {
    const socket = createServer();
    await new Promise<void>((resolve) => {
      socket.listen(inRoot('socket'), resolve);
    });
    expect((await browser.call('GET /stat', { path: 'socket' })).body).toMatchObject({ kind: 'other' });
    for (const request of ['GET /read', 'GET /content']) {
      expect(await statusOf(request, { path: 'socket' })).toBe(400);
    }
    expect(await statusOf('PUT /content', { path: 'socket', version: 'x' }, 'x')).toBe(400);
    await new Promise((resolve) => {
      socket.close(resolve);
    });
  });

  it('of a terabyte without content are shown, read in parts, packed in no time, and not copied', async () => {
    mkdirSync(inRoot('disk'));
    writeFileSync(inRoot('disk/image'), 'begin');
    truncateSync(inRoot('disk/image'), 1024 ** 4);
    expect((await browser.call('GET /stat', { path: 'disk/image' })).body['size']).toBe(1024 ** 4);
    expect((await browser.call('GET /read', { path: 'disk/image', limit: '10' })).body).toMatchObject({
      version: null,
      isBinary: true,
    });
    expect(await statusOf('POST /copy', { from: 'disk', to: 'copy' })).toBe(413);
    expect((await browser.call('GET /search', { query: 'begin', mode: 'text' })).body['matches']).toEqual([]);
    expect(await unpackedNames('disk')).toEqual(['./', './image']);
    expect(namesIn('')).toEqual(['disk']);
  });

  it('that are pipes do not keep a folder from being packed', async () => {
    mkdirSync(inRoot('folder'));
    execFileSync('mkfifo', [inRoot('folder/pipe')]);
    writeFileSync(inRoot('folder/a.txt'), 'a');
    expect(await unpackedNames('folder')).toEqual(['./', './a.txt', './pipe']);
  });

  it.runIf(process.getuid?.() === 0)('that may not be read are left out of an archive, which stays whole', () => {
    const folder = mkdtempSync(join(tmpdir(), 'unreadable-'));
    writeFileSync(join(folder, 'a.txt'), 'a');
    writeFileSync(join(folder, 'b.txt'), 'b', { mode: 0o000 });
    mkdirSync(join(folder, 'closed'), { mode: 0o000 });
    chmodSync(folder, 0o755);
    const tar = spawnSync('tar', packOptions, { cwd: folder, uid: 1000, gid: 1000 });
    expect([0, 1]).toContain(tar.status);
    const packed = execFileSync('tar', ['-tzf', '-'], { input: tar.stdout, encoding: 'utf8' });
    expect(packed).toContain('./a.txt');
    expect(packed).not.toContain('./b.txt');
    rmSync(folder, { recursive: true });
  });

  it('that become a folder while they are open are refused, and are not overwritten', async () => {
    writeFileSync(inRoot('a'), 'text');
    const { version } = (await browser.call('GET /read', { path: 'a' })).body;
    rmSync(inRoot('a'));
    mkdirSync(inRoot('a'));
    writeFileSync(inRoot('a/inside'), 'kept');
    expect(await statusOf('PUT /content', { path: 'a', version: String(version) }, 'mine')).toBe(400);
    expect(readFileSync(inRoot('a/inside'), 'utf8')).toBe('kept');
  });

  it('of git are written and kept as any other, and are never run', async () => {
    mkdirSync(inRoot('.git/hooks'), { recursive: true });
    const hook = `#!/bin/sh\ntouch ${join(browser.outside, 'ran')}\n`;
    expect(await statusOf('PUT /content', { path: '.git/hooks/post-checkout' }, hook)).toBe(200);
    writeFileSync(inRoot('.git/config'), '[core]\n\tfsmonitor = touch ran\n');
    for (const request of ['GET /list', 'GET /archive']) await statusOf(request, { path: '.git' }).catch(() => 0);
    expect(readdirSync(browser.outside)).toEqual(['secret']);
    expect(lstatSync(inRoot('.git/hooks/post-checkout')).mode & 0o111).toBe(0);
  });

  it.runIf(process.getuid?.() === 0)('in folders that are read-only are deleted', () => {
    const folder = mkdtempSync(join(tmpdir(), 'read-only-'));
    mkdirSync(join(folder, 'module/v1'), { recursive: true });
    writeFileSync(join(folder, 'module/v1/go.mod'), '');
    execFileSync('sh', ['-c', 'chown -R 1000 . && chmod -R a-w module'], { cwd: folder });
    spawnSync('sh', ['-c', removeScript, 'sh', 'module'], { cwd: folder, uid: 1000, gid: 1000 });
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  it('in folders of any depth are deleted', async () => {
    let deep = inRoot('deep');
    mkdirSync(deep);
    for (let level = 0; level < 400; level += 1) deep = join(deep, 'd');
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, 'file'), 'x');
    expect(await statusOf('DELETE /entry', { path: 'deep' })).toBe(200);
    await expect.poll(() => namesIn(''), { timeout: 10_000 }).toEqual([]);
  });
});

describe('uploads', () => {
  it('that are cut in the middle of a part leave nothing that is listed, and go on', async () => {
    const params = new URLSearchParams({ path: 'a', upload: 'upload-1', offset: '0', total: '6' });
    const headers = { authorization: `Bearer ${browser.token}`, 'content-length': '6' };
    await new Promise<void>((resolve) => {
      const cut = httpRequest(`${browser.url}/upload?${params.toString()}`, { method: 'PUT', headers });
      cut.on('error', () => undefined).on('close', resolve);
      cut.write('abc', () => cut.destroy());
    });
    expect(existsSync(inRoot('a'))).toBe(false);
    expect((await browser.call('GET /list')).body['entries']).toEqual([]);
    const part = { path: 'a', upload: 'upload-1', total: '6' };
    await browser.call('PUT /upload', { ...part, offset: '0' }, 'abc');
    expect((await browser.call('PUT /upload', { ...part, offset: '3' }, 'def')).body).toEqual({ isComplete: true });
    expect(readFileSync(inRoot('a'), 'utf8')).toBe('abcdef');
  });

  it('of two people to one name give one of them the name, and never mix', async () => {
    const send = async (upload: string, text: string) => {
      const part = { path: 'a', upload, total: '6' };
      await browser.call('PUT /upload', { ...part, offset: '0' }, text.slice(0, 3));
      return browser.call('PUT /upload', { ...part, offset: '3' }, text.slice(3));
    };
    const answers = await Promise.all([send('upload-1', 'aaaaaa'), send('upload-2', 'bbbbbb')]);
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 409]);
    expect(['aaaaaa', 'bbbbbb']).toContain(readFileSync(inRoot('a'), 'utf8'));
    // The parts of the other one may be kept: it can still replace the file.
    const { entries } = (await browser.call('GET /list')).body as { entries: { name: string }[] };
    expect(entries.map(({ name }) => name)).toEqual(['a']);
  });

  it('whose folder is moved while they run end with words, and leave the moved folder as it was', async () => {
    mkdirSync(inRoot('folder'));
    const part = { path: 'folder/a', upload: 'upload-1', total: '6' };
    await browser.call('PUT /upload', { ...part, offset: '0' }, 'abc');
    renameSync(inRoot('folder'), inRoot('moved'));
    expect(await statusOf('PUT /upload', { ...part, offset: '3' }, 'def')).toBe(404);
    const { body } = await browser.call('GET /list', { path: 'moved' });
    expect(body['entries']).toEqual([]);
  });
});

describe('lists', () => {
  it('of large folders take turns, because each holds all names in memory', async () => {
    const release = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const workspace = {
      ...(await createWorkspace(browser.root)),
      async list() {
        running += 1;
        most = Math.max(most, running);
        await release.promise;
        running -= 1;
        return { entries: [], nextCursor: null };
      },
    };
    const server = createFileBrowser({ workspace, isAllowed: createGate(browser.token) });
    let arrived = 0;
    const all = Promise.withResolvers<void>();
    server.on('request', () => {
      arrived += 1;
      if (arrived === 20) all.resolve();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/list`; // it listens on TCP
    const headers = { authorization: `Bearer ${browser.token}` };
    const answers = Promise.all(Array.from({ length: 20 }, () => fetch(url, { headers })));
    await all.promise;
    release.resolve();
    expect((await answers).map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(most).toBeLessThanOrEqual(4);
    server.close();
  });
});
