import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ReadableStream } from 'node:stream/web';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startFileBrowser, type TestFileBrowser } from '../../../tests/support/file-browser.ts';
import { maxEditableBytes } from '../../shared/contract/file-limits.ts';
import type { FileContent } from '../../shared/contract/files.ts';

let browser: TestFileBrowser;
beforeEach(async () => {
  browser = await startFileBrowser();
});
afterEach(() => {
  browser.close();
  expect(browser.errors).toEqual([]);
});

const inRoot = (path: string): string => join(browser.root, path);
const read = (path: string) => browser.call('GET /read', { path });
const write = (path: string, text: string | Uint8Array<ArrayBuffer>, version?: unknown) =>
  browser.call('PUT /content', { path, ...(typeof version === 'string' ? { version } : {}) }, text);
const contentOf = (path: string): string => readFileSync(inRoot(path), 'utf8');
/** Every file of the folder and of the one beside it, our own unfinished ones included. */
const allNames = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).toSorted();

describe('writing', () => {
  it('creates a file, and replaces it only with the version that was read', async () => {
    const created = await write('a.txt', 'one');
    expect(created).toMatchObject({ status: 200, body: { size: 3 } });
    expect((await read('a.txt')).body['version']).toBe(created.body['version']);
    expect((await write('a.txt', 'two', created.body['version'])).status).toBe(200);
    expect((await write('a.txt', 'three', created.body['version'])).status).toBe(409);
    expect(contentOf('a.txt')).toBe('two');
    expect(allNames(browser.root)).toEqual(['a.txt']);
  });

  it('creates no file over an existing one, and none that was deleted while it was edited', async () => {
    writeFileSync(inRoot('a.txt'), 'mine');
    expect((await write('a.txt', 'other')).status).toBe(409);
    const { body } = await read('a.txt');
    rmSync(inRoot('a.txt'));
    expect((await write('a.txt', 'other', body['version'])).status).toBe(409);
    expect(existsSync(inRoot('a.txt'))).toBe(false);
  });

  it('gives one of many writers with the same version the file, and all others a conflict', async () => {
    const version = (await write('a.txt', '')).body['version'];
    const answers = await Promise.all(Array.from({ length: 4 }, (_, index) => write('a.txt', `${index}`, version)));
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(3);
    expect(contentOf('a.txt')).toBe(`${answers.findIndex(({ status }) => status === 200)}`);
  });

  it('notices a change that the agent makes in place, also when size and time stay the same', async () => {
    writeFileSync(inRoot('a.txt'), 'one');
    const { body } = await read('a.txt');
    const { mtime } = statSync(inRoot('a.txt'));
    writeFileSync(inRoot('a.txt'), 'two');
    execFileSync('touch', ['-d', mtime.toISOString(), inRoot('a.txt')]);
    expect((await write('a.txt', 'mine', body['version'])).status).toBe(409);
    expect(contentOf('a.txt')).toBe('two');
  });

  it('keeps the permissions of a file, and writes through a link within the project', async () => {
    writeFileSync(inRoot('run.sh'), 'echo', { mode: 0o755 });
    symlinkSync('run.sh', inRoot('link'));
    const { body } = await read('link');
    expect((await write('link', 'echo 2', body['version'])).status).toBe(200);
    expect(contentOf('run.sh')).toBe('echo 2');
    expect(lstatSync(inRoot('link')).isSymbolicLink()).toBe(true);
    expect(statSync(inRoot('run.sh')).mode & 0o777).toBe(0o755);
  });

  it.each(['häuser 漢字 🎉.txt', '-rf', '$(id)', 'a\nb', '"quoted" \\ back', 'CASE', 'case', 'é', 'e\u0301'])(
    'takes the name %j as it is',
    async (name) => {
      expect((await write(name, name)).status).toBe(200);
      expect(readdirSync(browser.root)).toEqual([name]);
      expect((await read(name)).body['content']).toBe(name);
    },
  );

  it('refuses what is no text file of the project, and text that is too large', async () => {
    mkdirSync(inRoot('folder'));
    execFileSync('mkfifo', [inRoot('pipe')]);
    symlinkSync('/dev/null', inRoot('device'));
    symlinkSync('nowhere', inRoot('dangling'));
    symlinkSync('../outside/secret', inRoot('secret'));
    const cases = ['folder', 'pipe', 'device', 'dangling', 'secret', '', '/', 'x'.repeat(300), '../outside/new'];
    const answers = await Promise.all(cases.map(async (path) => (await write(path, 'x', 'version')).status));
    expect(answers).toEqual([400, 400, 403, 404, 403, 400, 400, 400, 404]);
    expect((await write('large.txt', new Uint8Array(maxEditableBytes + 1))).status).toBe(413);
    expect(allNames(browser.outside)).toEqual(['secret']);
    expect(readFileSync(join(browser.outside, 'secret'), 'utf8')).toBe('not yours');
  });

  it('never cuts a character in two between the parts of a text', async () => {
    const text = 'a€😀'.repeat(40);
    writeFileSync(inRoot('a.txt'), text);
    let together = '';
    let offset: number | null = 0;
    while (offset !== null) {
      const { body } = await browser.call('GET /read', { path: 'a.txt', offset: `${offset}`, limit: '7' });
      const part = body as unknown as FileContent;
      together += part.content;
      offset = part.nextOffset;
    }
    expect(together).toBe(text);
  });

  it('calls text that is not UTF-8 binary, so that nobody saves it with other characters', async () => {
    writeFileSync(inRoot('latin1.txt'), Buffer.from('stra\xdfe', 'latin1'));
    expect((await read('latin1.txt')).body).toMatchObject({ isBinary: true, encoding: 'base64' });
  });
});

describe('the tree', () => {
  it('creates folders, renames, copies and deletes', async () => {
    expect((await browser.call('POST /folder', { path: 'src' })).body).toMatchObject({ kind: 'directory' });
    await write('src/a.txt', 'a');
    symlinkSync('a.txt', inRoot('src/link'));
    symlinkSync('/etc/passwd', inRoot('src/outside'));
    expect((await browser.call('POST /copy', { from: 'src', to: 'copy' })).status).toBe(200);
    expect(allNames(inRoot('copy'))).toEqual(['a.txt', 'link', 'outside']);
    expect(readlinkSync(inRoot('copy/outside'))).toBe('/etc/passwd');
    expect((await browser.call('POST /rename', { from: 'copy/a.txt', to: 'b.txt' })).body).toMatchObject({
      name: 'b.txt',
      size: 1,
    });
    expect((await browser.call('POST /rename', { from: 'src', to: 'copy/src' })).status).toBe(200);
    expect((await browser.call('DELETE /entry', { path: 'b.txt' })).status).toBe(200);
    expect(allNames(browser.root)).toEqual(
      ['copy', 'copy/link', 'copy/outside', 'copy/src'].concat(
        ['a.txt', 'link', 'outside'].map((name) => `copy/src/${name}`),
      ),
    );
  });

  it('overwrites nothing', async () => {
    for (const path of ['a', 'b']) await write(path, path);
    for (const path of ['one', 'two']) mkdirSync(inRoot(path));
    symlinkSync('nowhere', inRoot('link'));
    const pairs = [
      ['a', 'b'],
      ['a', 'one'],
      ['a', 'link'],
      ['one', 'two'],
      ['one', 'a'],
    ] as const;
    for (const [from, to] of pairs) {
      for (const request of ['POST /rename', 'POST /copy']) {
        expect((await browser.call(request, { from, to })).status).toBe(409);
      }
    }
    expect((await browser.call('POST /folder', { path: 'a' })).status).toBe(409);
    expect(allNames(browser.root)).toEqual(['a', 'b', 'link', 'one', 'two']);
    expect([contentOf('a'), contentOf('b')]).toEqual(['a', 'b']);
  });

  it('moves and copies no folder into itself, and does nothing to the folder of the project', async () => {
    mkdirSync(inRoot('one'));
    for (const request of ['POST /rename', 'POST /copy']) {
      expect((await browser.call(request, { from: 'one', to: 'one/two' })).status).toBe(400);
      expect((await browser.call(request, { from: '', to: 'two' })).status).toBe(400);
    }
    for (const path of ['', '/', '.', 'one/..']) {
      expect((await browser.call('DELETE /entry', { path })).status).toBe(400);
    }
    expect(allNames(browser.root)).toEqual(['one']);
  });

  it('deletes links, and never what they lead to', async () => {
    mkdirSync(inRoot('folder/deep'), { recursive: true });
    symlinkSync('../outside', inRoot('link'));
    symlinkSync('../../../outside', inRoot('folder/deep/link'));
    await browser.call('DELETE /entry', { path: 'link' });
    await browser.call('DELETE /entry', { path: 'folder' });
    await expect.poll(() => allNames(browser.root)).toEqual([]);
    expect(allNames(browser.outside)).toEqual(['secret']);
  });

  it('reaches nothing outside while folders are replaced by links', async () => {
    mkdirSync(inRoot('dir'));
    writeFileSync(inRoot('dir/secret'), 'mine');
    for (let round = 0; round < 40; round += 1) {
      const version = (await read('dir/secret')).body['version'];
      const answers = Promise.all([
        write('dir/secret', 'changed', version),
        write(`dir/new-${round}`, 'new'),
        browser.call('POST /copy', { from: 'dir/secret', to: `copy-${round}` }),
        browser.call('POST /folder', { path: `dir/folder-${round}` }),
        browser.call('DELETE /entry', { path: 'dir/secret' }),
      ]);
      renameSync(inRoot('dir'), inRoot('moved'));
      symlinkSync('../outside', inRoot('dir'));
      await answers;
      rmSync(inRoot('dir'));
      renameSync(inRoot('moved'), inRoot('dir'));
      writeFileSync(inRoot('dir/secret'), 'mine');
    }
    expect(allNames(browser.outside)).toEqual(['secret']);
    expect(readFileSync(join(browser.outside, 'secret'), 'utf8')).toBe('not yours');
    const copies = allNames(browser.root).filter((name) => name.startsWith('copy-'));
    expect(copies.map(contentOf)).not.toContain('not yours');
  }, 30_000);
});

describe('uploads', () => {
  const part = (path: string, text: string, options: Record<string, string>) =>
    browser.call('PUT /upload', { path, upload: 'upload-1', ...options }, text);

  it('shows a file when its last part has arrived, and not before', async () => {
    expect((await part('a.bin', 'abc', { offset: '0', total: '6' })).body).toEqual({ isComplete: false });
    expect((await browser.call('GET /list')).body['entries']).toEqual([]);
    // A part that is sent again, because its answer was lost, changes nothing.
    await part('a.bin', 'abc', { offset: '0', total: '6' });
    expect((await part('a.bin', 'def', { offset: '3', total: '6' })).body).toEqual({ isComplete: true });
    expect(contentOf('a.bin')).toBe('abcdef');
    expect(allNames(browser.root)).toEqual(['a.bin']);
  });

  it('replaces a file only when the sender says so, and no folder', async () => {
    writeFileSync(inRoot('a'), 'old');
    mkdirSync(inRoot('folder'));
    const whole = { offset: '0', total: '3' };
    expect((await part('a', 'new', whole)).status).toBe(409);
    expect((await part('folder', 'new', { ...whole, replace: 'true' })).status).toBe(409);
    expect(contentOf('a')).toBe('old');
    expect((await part('a', 'new', { ...whole, replace: 'true' })).status).toBe(200);
    expect(contentOf('a')).toBe('new');
  });

  it('refuses parts without their beginning, beyond the end, too large, or with a path as a name', async () => {
    const statuses = [
      await part('a', 'def', { offset: '3', total: '6' }),
      await part('a', 'abcd', { offset: '0', total: '3' }),
      await part('a', '', { offset: '0', total: '1000000000000' }),
      await part('a', 'abc', { offset: '-1', total: '3' }),
      await part('a', 'abc', { offset: '0', total: '3', upload: '../../outside' }),
      await part('../a', 'abc', { offset: '0', total: '3', upload: '../' }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([409, 400, 413, 400, 400, 400]);
    expect(allNames(browser.root)).toEqual([]);
  });

  it('accepts an empty file, and forgets a cancelled upload', async () => {
    expect((await part('empty', '', { offset: '0', total: '0' })).body).toEqual({ isComplete: true });
    await part('a', 'abc', { offset: '0', total: '6' });
    await browser.call('DELETE /upload', { path: 'a', upload: 'upload-1' });
    expect(allNames(browser.root)).toEqual(['empty']);
  });
});

describe('downloads', () => {
  it('streams a file as it is, and a folder as an archive with its links', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
    mkdirSync(inRoot('folder'));
    writeFileSync(inRoot('folder/a.bin'), bytes);
    symlinkSync('../../outside/secret', inRoot('folder/link'));
    const file = await browser.stream('GET /content?path=folder/a.bin');
    expect(Buffer.from(await file.arrayBuffer()).equals(bytes)).toBe(true);
    const archive = Buffer.from(await (await browser.stream('GET /archive?path=folder')).arrayBuffer());
    const unpacked = inRoot('unpacked');
    mkdirSync(unpacked);
    execFileSync('tar', ['-xzf', '-', '-C', unpacked], { input: archive });
    expect(readFileSync(join(unpacked, 'a.bin')).equals(bytes)).toBe(true);
    expect(lstatSync(join(unpacked, 'link')).isSymbolicLink()).toBe(true);
    expect((await browser.stream('GET /archive?path=nothing')).status).toBe(404);
    expect((await browser.stream('GET /content?path=folder/link')).status).toBe(403);
  });

  it('sends a file that grows meanwhile as long as it was', async () => {
    writeFileSync(inRoot('log'), 'x'.repeat(300_000));
    const response = await browser.stream('GET /content?path=log');
    appendFileSync(inRoot('log'), 'y'.repeat(300_000));
    const received = await buffer(Readable.fromWeb(response.body as ReadableStream<Uint8Array>));
    expect(received.toString()).toBe('x'.repeat(300_000));
  });
});

describe('search', () => {
  beforeEach(() => {
    for (const folder of ['src/deep', 'node_modules/pack', '.git']) mkdirSync(inRoot(folder), { recursive: true });
    writeFileSync(inRoot('src/main.ts'), 'const Needle = 1;\nuse(needle)\n');
    writeFileSync(inRoot('src/deep/domain.ts'), 'nothing');
    writeFileSync(inRoot('node_modules/pack/main.ts'), 'needle');
    writeFileSync(inRoot('.git/main'), 'needle');
    writeFileSync(inRoot('picture'), Buffer.from('needle\0'));
    symlinkSync('../outside', inRoot('link'));
    symlinkSync('..', inRoot('src/loop'));
  });

  it('finds names by letters in their order, the best match first, outside of packages', async () => {
    const found = async (query: string) =>
      ((await browser.call('GET /search', { query })).body['matches'] as { path: string }[]).map(({ path }) => path);
    expect(await found('main')).toEqual(['src/main.ts', 'src/deep/domain.ts']);
    expect(await found('sdd')).toEqual(['src/deep/domain.ts']);
    expect(await found('secret')).toEqual([]);
  });

  it('finds text in any case, with its line, and not in binary files or behind links', async () => {
    const { body } = await browser.call('GET /search', { query: 'needle', mode: 'text' });
    expect(body).toEqual({
      matches: [
        { path: 'src/main.ts', line: 1, text: 'const Needle = 1;' },
        { path: 'src/main.ts', line: 2, text: 'use(needle)' },
      ],
      isTruncated: false,
    });
    expect((await browser.call('GET /search', { query: 'not yours', mode: 'text' })).body['matches']).toEqual([]);
  });

  it('says that there may be more when it ends early', async () => {
    for (let index = 0; index < 300; index += 1) writeFileSync(inRoot(`f${index}.txt`), 'needle');
    for (const mode of ['name', 'text']) {
      const { body } = await browser.call('GET /search', { query: mode === 'name' ? 'f' : 'needle', mode });
      expect([(body['matches'] as unknown[]).length, body['isTruncated']]).toEqual([200, true]);
    }
  });
});

describe('the stream of changes', () => {
  it('names the watched folders and files that change, within a second', async () => {
    mkdirSync(inRoot('src'));
    writeFileSync(inRoot('src/a.txt'), 'one');
    const ended = new AbortController();
    const body = JSON.stringify({ folders: ['', 'src'], files: ['src/a.txt', 'later.txt'] });
    const response = await browser.stream('POST /changes', { body, signal: ended.signal });
    const lines = createInterface({ input: Readable.fromWeb(response.body as ReadableStream<Uint8Array>) });
    const iterator = lines[Symbol.asyncIterator]();
    /** The next line that has this path. */
    const until = async (kind: 'folders' | 'files', path: string): Promise<void> => {
      for (;;) {
        const { value } = (await iterator.next()) as { value: string };
        const changes = JSON.parse(value) as Record<'folders' | 'files', string[]>;
        if (changes[kind].includes(path)) return;
      }
    };
    expect(JSON.parse(((await iterator.next()) as { value: string }).value)).toEqual({ folders: [], files: [] });
    const expectWithinASecond = async (change: () => void, kind: 'folders' | 'files', path: string) => {
      const startedAtMs = performance.now();
      change();
      await until(kind, path);
      expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    };
    await expectWithinASecond(() => writeFileSync(inRoot('src/a.txt'), 'two'), 'files', 'src/a.txt');
    await expectWithinASecond(() => writeFileSync(inRoot('later.txt'), ''), 'files', 'later.txt');
    await expectWithinASecond(() => mkdirSync(inRoot('new')), 'folders', '');
    await expectWithinASecond(() => rmSync(inRoot('src/a.txt')), 'folders', 'src');
    ended.abort();
  });

  it('refuses a list that is too long or no list', async () => {
    for (const body of [
      '',
      '[]',
      '{"folders":[1],"files":[]}',
      JSON.stringify({ folders: Array(301).fill(''), files: [] }),
    ]) {
      expect((await browser.stream('POST /changes', { body })).status).toBe(400);
    }
  });
});
