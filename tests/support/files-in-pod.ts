/**
 * Checks of the files of a project through the API, while programs work on the same files. They hold in each runtime. The lab runs
 * them against a real container, and other tests run some of them against the sandbox of `npm start`.
 */

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { ReadableStream } from 'node:stream/web';

import { expect } from 'vitest';

import type { FileEntry, FilesEvent } from '../../src/shared/contract/files.ts';
import type { AppError, Client } from '../../src/shared/sdk/client.ts';

export interface FilesInPod {
  client: Client;
  id: string;
  /** A folder beside that of the project, as an absolute path in the pod. The checks fill it. */
  outside: string;
  /** Runs a shell script in the folder of the project, as the agent and a terminal do. Resolves to what it prints. */
  run(script: string): Promise<string>;
  /** Creates a device file like `/dev/zero` in the folder of the project. Only the administrator of a node can. */
  makeDevice: ((path: string) => void) | null;
}

const bytesOf = async (stream: unknown): Promise<Buffer> => await buffer(stream as ReadableStream<Uint8Array>);
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no error',
    (error: unknown) => (error as AppError).code,
  );
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Browse, read, write with a version, conflict, upload, download, archive, search, move, copy and delete. */
export async function checkDailyWork({
  client: { files },
  id,
  run,
}: Pick<FilesInPod, 'client' | 'id' | 'run'>): Promise<void> {
  await run('mkdir -p work/deep && echo one > work/a.txt && echo Needle > work/deep/b.txt');
  const names = async (path: string) => (await files.list({ id, path })).map(({ name }) => name);
  expect(await names('work')).toEqual(['deep', 'a.txt']);

  const path = 'work/a.txt';
  const { content, version } = await files.read({ id, path });
  expect(content).toBe('one\n');
  const written = await files.write({ id, path, content: 'häuser\n', version });
  expect(await run(`cat ${path}`)).toBe('häuser\n');
  await run(`echo agent > ${path}`);
  expect(await codeOf(files.write({ id, path, content: 'mine', version: written.version }))).toBe('CONFLICT');
  expect(await codeOf(files.write({ id, path, content: 'mine', version: null }))).toBe('CONFLICT');
  expect(await run(`cat ${path}`)).toBe('agent\n');

  const bytes = randomBytes(1_300_000);
  await files.upload({ id, path: 'work/up.bin', content: new Blob([bytes]) });
  expect(await run('sha256sum < work/up.bin')).toContain(createHash('sha256').update(bytes).digest('hex'));
  expect(await codeOf(files.upload({ id, path: 'work/up.bin', content: new Blob(['other']) }))).toBe('CONFLICT');
  expect((await bytesOf(await files.download({ id, path: 'work/up.bin' }))).equals(bytes)).toBe(true);
  const archive = await bytesOf(await files.downloadFolder({ id, path: 'work' }));
  const packed = execFileSync('tar', ['-tzf', '-'], { input: archive, encoding: 'utf8' }).trim().split('\n');
  expect(packed.toSorted()).toEqual(['./', './a.txt', './deep/', './deep/b.txt', './up.bin']);

  expect((await files.search({ id, query: 'needle', mode: 'text' })).matches).toContainEqual({
    path: 'work/deep/b.txt',
    line: 1,
    text: 'Needle',
  });
  expect((await files.search({ id, query: 'deepb', mode: 'name' })).matches).toContainEqual({
    path: 'work/deep/b.txt',
    line: null,
    text: null,
  });
  await files.makeFolder({ id, path: 'work/new' });
  await files.copy({ id, from: 'work/deep/b.txt', to: 'work/new/c.txt' });
  await files.rename({ id, from: 'work/new/c.txt', to: 'work/new/d.txt' });
  expect(await run('cat work/new/d.txt')).toBe('Needle\n');
  await files.delete({ id, path: 'work' });
  expect(await codeOf(files.stat({ id, path: 'work' }))).toBe('NOT_FOUND');
}

/** Links that lead out of the project, entries that are no files, and names that are too long. */
export async function checkRefusals(pod: FilesInPod): Promise<void> {
  const { client, id, outside, run, makeDevice } = pod;
  const { files } = client;
  await fillOutside(pod);
  const targets = ['/etc', outside, '/proc/self/fd', '/proc/self/root', '/proc/1/root', '/'];
  const fileTargets = ['/etc/passwd', `${outside}/secret`, '/proc/self/environ', '/dev/zero', '/dev/stdin'];
  const links = [...targets, ...fileTargets, '/var/run/opencode-access/sidecar'];
  await run(
    ['mkdir ways', 'mkfifo ways/pipe', ...links.map((to, index) => `ln -s ${quoted(to)} ways/link-${index}`)].join(
      '\n',
    ),
  );
  const refusals = ['FORBIDDEN', 'NOT_FOUND'];
  for (const index of links.keys()) {
    const path = `ways/link-${index}`;
    expect(refusals).toContain(await codeOf(files.read({ id, path })));
    expect(refusals).toContain(await codeOf(files.write({ id, path, content: 'mine', version: 'version' })));
    expect(await codeOf(files.upload({ id, path, content: new Blob(['mine']), replace: true }))).toBe('CONFLICT');
    if (index >= targets.length) continue;
    expect(refusals).toContain(await codeOf(files.list({ id, path })));
    expect(refusals).toContain(await codeOf(files.downloadFolder({ id, path })));
    const below = `${path}/${['passwd', 'secret', 'new'][index % 3]}`;
    expect(refusals).toContain(await codeOf(files.read({ id, path: below })));
    expect(refusals).toContain(await codeOf(files.write({ id, path: below, content: 'mine', version: null })));
    expect(refusals).toContain(await codeOf(files.rename({ id, from: 'ways/pipe', to: below })));
    expect(refusals).toContain(await codeOf(files.delete({ id, path: below })));
  }
  makeDevice?.('ways/device');
  for (const path of ['ways/pipe', ...(makeDevice === null ? [] : ['ways/device'])]) {
    expect((await files.stat({ id, path })).kind).toBe('other');
    expect(await codeOf(files.read({ id, path }))).toBe('VALIDATION_FAILED');
    expect(await codeOf(files.download({ id, path }))).toBe('VALIDATION_FAILED');
    expect(await codeOf(files.write({ id, path, content: 'mine', version: 'version' }))).toBe('VALIDATION_FAILED');
  }
  await files.write({ id, path: `ways/${'n'.repeat(255)}`, content: 'long', version: null });
  expect(await run('cat ways/nnn*')).toBe('long');
  const tooLong = { id, path: `ways/${'n'.repeat(256)}`, content: 'long', version: null };
  expect(await codeOf(files.write(tooLong))).toBe('VALIDATION_FAILED');
  // A copy takes links as links, so it takes nothing from outside into the project.
  await run('rm -f ways/device');
  await files.copy({ id, from: 'ways', to: 'ways-2' });
  expect(await run('cd ways-2 && ls | wc -l; find . -type l | wc -l')).toMatch(
    new RegExp(`^\\s*${links.length + 1}\\s+${links.length}\\s*$`),
  );
  await run('rm -rf ways ways-2');
  await expectOutsideUnchanged(pod);
}

/**
 * A program replaces a folder with a link that leads out, without a pause, while the same path is read and written.
 * @param rounds how often each request is sent
 */
export async function checkSwaps(pod: FilesInPod, rounds: number): Promise<void> {
  const { client, id, outside } = pod;
  const { files } = client;
  await fillOutside(pod);
  await pod.run('mkdir swap && echo mine > swap/secret');
  const swaps = runUntilStopped(
    pod,
    `fs.renameSync('swap', 'real'); fs.symlinkSync(${JSON.stringify(outside)}, 'swap');
     fs.unlinkSync('swap'); fs.renameSync('real', 'swap'); fs.writeFileSync('swap/secret', 'mine');`,
  );
  const answers: string[] = [];
  const ask = async (call: Promise<unknown>): Promise<void> => {
    answers.push(
      await call.then(
        (answer) => JSON.stringify(answer ?? null),
        (error: unknown) => (error as AppError).message,
      ),
    );
  };
  const path = 'swap/secret';
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all([
      ask(files.read({ id, path })),
      ask(files.list({ id, path: 'swap' })),
      ask(files.download({ id, path }).then(bytesOf).then(String)),
      ask(files.write({ id, path: `swap/new-${round}`, content: 'new', version: null })),
      ask(files.upload({ id, path: `swap/up-${round}`, content: new Blob(['new']) })),
      ask(files.makeFolder({ id, path: `swap/folder-${round}` })),
      ask(files.copy({ id, from: path, to: `copy-${round}` })),
      ask(files.delete({ id, path })),
    ]);
  }
  await swaps.stop();
  expect(answers.filter((answer) => answer.includes('not yours'))).toEqual([]);
  expect(await pod.run('cat copy-* 2>/dev/null || true')).not.toContain('not yours');
  await expectOutsideUnchanged(pod);
  await pod.run('rm -rf swap copy-*');
}

/** @param count how many files the folder has */
export async function checkManyFiles({ client: { files }, id, run }: FilesInPod, count: number): Promise<void> {
  await run(`mkdir many && cd many && seq ${count} | xargs touch`);
  const entries = await files.list({ id, path: 'many' });
  expect(new Set(entries.map(({ name }: FileEntry) => name)).size).toBe(count);
  const { isTruncated } = await files.search({ id, query: 'many', mode: 'name' });
  expect(isTruncated).toBe(true);
  await files.delete({ id, path: 'many' });
  expect(await run('ls -d many 2>/dev/null || echo gone')).toBe('gone\n');
}

/**
 * A file that grows is read, downloaded and packed as it was at one moment, and nothing waits for its end.
 * @param rounds how often it is read
 */
export async function checkGrowingFile(pod: FilesInPod, rounds: number): Promise<void> {
  const { client, id } = pod;
  const { files } = client;
  await pod.run('mkdir grow && echo begin > grow/log');
  const growth = runUntilStopped(
    pod,
    `if (fs.statSync('grow/log').size < 4_000_000) fs.appendFileSync('grow/log', 'x'.repeat(10_000));`,
  );
  const sizes: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const read = await files.read({ id, path: 'grow/log' }).catch((error: unknown) => error as AppError);
    if ('code' in read) expect(read.code).toBe('CONFLICT');
    else expect(read.content).toMatch(/^begin\nx*$/);
    const bytes = await bytesOf(await files.download({ id, path: 'grow/log' }));
    expect(bytes.toString()).toMatch(/^begin\nx*$/);
    sizes.push(bytes.length);
    const archive = await bytesOf(await files.downloadFolder({ id, path: 'grow' }));
    const unpacked = execFileSync('tar', ['-xzOf', '-', './log'], { input: archive, maxBuffer: 16 * 1024 * 1024 });
    expect(unpacked.subarray(0, 6).toString()).toBe('begin\n');
  }
  await growth.stop();
  expect(sizes).toEqual(sizes.toSorted((one, other) => one - other));
  const { content } = await files.read({ id, path: 'grow/log' });
  expect(`${content.length}`).toBe((await pod.run('wc -c < grow/log')).trim());
  await pod.run('rm -rf grow');
}

/**
 * Programs change files and folders, and the stream of changes names each.
 * @param pod.run the clock of its shell must be that of this machine
 * @returns how many milliseconds after each edit the change was reported
 */
export async function checkEditsAreReported(
  { client: { files }, id, run }: FilesInPod,
  inTerminal: (script: string) => Promise<unknown> = run,
): Promise<number[]> {
  await run('mkdir watched && echo one > watched/open.txt');
  const ended = new AbortController();
  let listening = Promise.withResolvers<void>();
  let isAwaited: (event: FilesEvent) => boolean = ({ type }) => type === 'watching';
  let reportedAtMs = 0;
  files.watch(
    { id, folders: ['watched'], files: ['watched/open.txt'] },
    {
      signal: ended.signal,
      onError: (error) => listening.reject(error),
      onEvent: (event) => {
        if (!isAwaited(event)) return;
        reportedAtMs = Date.now();
        listening.resolve();
      },
    },
  );
  await listening.promise;
  const edits = [
    { by: run, script: 'echo agent > watched/open.txt', kind: 'files', path: 'watched/open.txt' },
    { by: inTerminal, script: 'echo terminal >> watched/open.txt', kind: 'files', path: 'watched/open.txt' },
    {
      by: run,
      script: 'echo > watched/.new && mv watched/.new watched/open.txt',
      kind: 'files',
      path: 'watched/open.txt',
    },
    { by: inTerminal, script: 'mkdir watched/folder', kind: 'folders', path: 'watched' },
    { by: run, script: 'rm watched/open.txt', kind: 'files', path: 'watched/open.txt' },
  ] as const;
  const delaysMs: number[] = [];
  for (const { by, script, kind, path } of edits) {
    listening = Promise.withResolvers();
    isAwaited = (event) => event.type === 'changed' && event[kind].includes(path);
    await by(`date +%s%3N > .edited-at && ${script}`);
    await listening.promise;
    delaysMs.push(reportedAtMs - Number(await run('cat .edited-at')));
  }
  ended.abort();
  await run('rm -rf watched .edited-at');
  return delaysMs;
}

/** Repeats a step of a Node.js program in the folder of the project until it is stopped, and for at most two minutes. */
function runUntilStopped({ client, id, run }: FilesInPod, step: string) {
  const program = `const fs = require('node:fs');
    const endsAt = Date.now() + 120_000;
    const repeat = () => {
      if (fs.existsSync('.stop') || Date.now() > endsAt) return;
      ${step}
      setTimeout(repeat, 1);
    };
    repeat();`;
  const ended = run(`node -e ${quoted(program)}`);
  ended.catch(() => undefined); // `stop` throws it
  return {
    async stop(): Promise<void> {
      await client.files.write({ id, path: '.stop', content: '', version: null });
      await ended;
      await run('rm .stop');
    },
  };
}

const fillOutside = async ({ outside, run }: FilesInPod): Promise<unknown> =>
  run(`mkdir -p ${quoted(outside)} && printf 'not yours' > ${quoted(`${outside}/secret`)}`);

async function expectOutsideUnchanged({ outside, run }: FilesInPod): Promise<void> {
  expect(await run(`cd ${quoted(outside)} && ls -A && cat secret`)).toBe('secret\nnot yours');
}
