/** The files of a project from the file browser of its pod through the server to clients. No cluster is needed. */

import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { FilesEvent } from '../../../src/shared/contract/files.ts';
import { revokeOwnSession } from '../../../src/shared/node/db/sessions-repository.ts';
import { createClient, type AppError, type Client } from '../../../src/shared/sdk/client.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { startFileBrowser, type TestFileBrowser } from '../../support/file-browser.ts';
import { checkDailyWork, type FilesInPod } from '../../support/files-in-pod.ts';
import { startGatewaySystem, type GatewaySystem } from '../../support/gateway-system.ts';

const text = 'häuser\r\nzwei\r\n';

let system: GatewaySystem;
let owner: Client;
let token: string;
let stranger: Client;
let strangersToken: string;
let browser: TestFileBrowser;
let id: string;
const cleanUps: (() => void | Promise<void>)[] = [];

const newAddress = () => `127.${randomInt(64, 128)}.${randomInt(0, 256)}.${randomInt(1, 255)}`;
const credentialOf = (projectId: string) => system.keys.currentCredentials(projectId).sidecar;

beforeAll(async () => {
  system = await startGatewaySystem();
  const { server } = system;
  [token, strangersToken] = await Promise.all([server.mintToken('owner'), server.mintToken('stranger')]);
  owner = createClient({ url: `http://127.0.0.1:${server.port}`, token });
  stranger = createClient({ url: `http://127.0.0.1:${server.port}`, token: strangersToken });
  const address = newAddress();
  id = await system.createProject('owner', address);
  browser = await startFileBrowser({ host: address, port: 3001, token: credentialOf(id) });
  mkdirSync(join(browser.root, 'src'));
  writeFileSync(join(browser.root, 'src/main.ts'), text);
});
afterAll(async () => {
  await Promise.all([owner.close(), stranger.close()]);
  browser.close();
  await system.stop();
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no error',
    (error: unknown) => (error as AppError).code,
  );

/** A project whose pod answers on the port of the file browser with this listener. */
async function hostileProject(listener: RequestListener): Promise<string> {
  const address = newAddress();
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(3001, address, resolve);
  });
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return system.createProject('owner', address);
}

describe('files of a project', () => {
  it('are listed, read, written, uploaded, packed, moved, searched and deleted while programs change them', async () => {
    const run: FilesInPod['run'] = async (script) =>
      (await promisify(execFile)('sh', ['-c', script], { cwd: browser.root })).stdout;
    await checkDailyWork({ client: owner, id, run });
    const read = await owner.files.read({ id, path: 'src/main.ts' });
    expect(read.content).toBe(text);
    const { version } = await owner.files.write({ id, path: 'src/main.ts', content: 'new', version: read.version });
    expect(await owner.files.read({ id, path: 'src/main.ts' })).toEqual({ content: 'new', version });
  });

  it('can be texts of five mebibytes, and are read whole', async () => {
    const large = '0123456789abcd\n"é"'.repeat(250_000).slice(0, 4_900_000);
    const { version } = await owner.files.write({ id, path: 'large.txt', content: large, version: null });
    const read = await owner.files.read({ id, path: 'large.txt' });
    expect(read.version).toBe(version);
    expect(read.content === large).toBe(true);
    const tooLarge = owner.files.write({ id, path: 'larger.txt', content: 'x'.repeat(6_000_000), version: null });
    expect(await codeOf(tooLarge)).toBe('PAYLOAD_TOO_LARGE');
    const muchTooLarge = owner.files.write({ id, path: 'larger.txt', content: 'x'.repeat(12_000_000), version: null });
    expect(await codeOf(muchTooLarge)).toBe('PAYLOAD_TOO_LARGE');
  });

  it('are uploaded in parts and downloaded as attachments, whatever is in them', async () => {
    const bytes = Buffer.alloc(1_300_000, 'binary\0\xff');
    await owner.files.upload({ id, path: 'a b.html', content: new Blob([bytes]) });
    const again = { id, path: 'a b.html', content: new Blob(['<script>']) };
    expect(await codeOf(owner.files.upload(again))).toBe('CONFLICT');
    const stream = await owner.files.download({ id, path: 'a b.html' });
    expect((await buffer(stream as ReadableStream<Uint8Array>)).equals(bytes)).toBe(true);
    await owner.files.upload({ ...again, replace: true });
    const response = await fetch(`http://127.0.0.1:${system.server.port}/files/${id}/content?path=a+b.html`, {
      headers: bearer(token),
    });
    const shown = ['content-type', 'content-disposition', 'x-content-type-options'].map((name) =>
      response.headers.get(name),
    );
    expect(shown).toEqual(['application/octet-stream', "attachment; filename*=UTF-8''a%20b.html", 'nosniff']);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(await response.text()).toBe('<script>');
    const archive = await buffer((await owner.files.downloadFolder({ id, path: 'src' })) as ReadableStream<Uint8Array>);
    expect([archive[0], archive[1]]).toEqual([0x1f, 0x8b]);
  });

  it('stop to arrive within five seconds after the person has signed out, also by another server', async () => {
    const endless = await hostileProject((_request, response) => response.write('first'));
    const session = await system.signIn('owner');
    const download = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${system.server.port}/files/${endless}/content?path=large`, { headers });
    const [ended, other] = await Promise.all([download({ cookie: session.cookie }), download(bearer(token))]);
    const [reader, otherReader] = [ended, other].map(({ body }) => body?.getReader());
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('first');
    await otherReader?.read();
    const going = otherReader?.read().catch(() => 'ended');
    const row = await system.db('sessions').where({ id: session.id }).first<{ userId: string }>('userId');
    const startedAt = performance.now();
    await revokeOwnSession(system.db, { id: session.id, userId: row?.userId ?? '' });
    await expect(reader?.read()).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await Promise.race([going, Promise.resolve('continues')])).toBe('continues');
    await otherReader?.cancel();
  });

  it('do not exist for a stranger and for nobody, by no call', async () => {
    const path = 'src/main.ts';
    const ofStranger = await Promise.all(
      [
        stranger.files.list({ id }),
        stranger.files.read({ id, path }),
        stranger.files.write({ id, path, content: '', version: null }),
        stranger.files.delete({ id, path }),
        stranger.files.search({ id, query: 'a', mode: 'text' }),
        stranger.files.gitStatus({ id }),
        stranger.files.gitDiff({ id }),
        stranger.files.download({ id, path }),
        stranger.files.downloadFolder({ id, path: '' }),
        stranger.files.upload({ id, path: 'new', content: new Blob(['x']) }),
      ].map(codeOf),
    );
    expect(new Set(ofStranger)).toEqual(new Set(['NOT_FOUND']));
    const watched = Promise.withResolvers<unknown>();
    stranger.files.watch(
      { id },
      { signal: new AbortController().signal, onEvent: watched.resolve, onError: watched.resolve },
    );
    expect(await watched.promise).toMatchObject({ code: 'NOT_FOUND' });
    const address = `http://127.0.0.1:${system.server.port}/files/${id}/content?path=${path}`;
    expect((await fetch(address)).status).toBe(401);
    expect((await fetch(address, { method: 'DELETE', headers: { origin: 'http://evil.test' } })).status).toBe(403);
  });

  it('refuse paths that leave the project, and input that is no path', async () => {
    const call = createApiCall(`http://127.0.0.1:${system.server.port}`, bearer(token));
    const wrong = ['../x', '/etc/passwd', 'a//b', 'a/', 'a/../b', './a', 'a\0b', 'x'.repeat(5_000), '\ud800'];
    for (const path of wrong) {
      expect((await call('files.read', { input: { id, path } })).status, JSON.stringify(path)).toBe(400);
      const query = new URLSearchParams({ path: path.toWellFormed() });
      const download = await fetch(`http://127.0.0.1:${system.server.port}/files/${id}/content?${query.toString()}`, {
        headers: bearer(token),
      });
      expect([400, 404]).toContain(download.status); // half a character becomes another one in an address
    }
  });

  it('say why they cannot be reached while the project does not run', async () => {
    await system.patchProject(id, { desiredState: 'stopped', status: 'stopped', podIp: null, podUid: null });
    expect(await codeOf(owner.files.list({ id }))).toBe('ILLEGAL_STATE');
    await system.patchProject(id, {
      desiredState: 'running',
      status: 'ready',
      podIp: new URL(browser.url).hostname,
      podUid: 'uid',
    });
    expect(await codeOf(owner.files.list({ id }))).toBe('no error');
    const simulated = await system.createProject('owner', '192.0.2.7');
    expect(await codeOf(owner.files.list({ id: simulated }))).toBe('UNSUPPORTED');
    const other = await system.createProject('owner', newAddress()); // nobody listens there
    expect(await codeOf(owner.files.list({ id: other }))).toBe('UNAVAILABLE');
  });
});

describe('the subscription to changes', () => {
  it('tells what changes, also after the pod was replaced, and ends with its signal', async () => {
    const address = newAddress();
    const projectId = await system.createProject('owner', address);
    let pod = await startFileBrowser({ host: address, port: 3001, token: credentialOf(projectId) });
    cleanUps.push(() => pod.close());
    const events: FilesEvent[] = [];
    const ended = new AbortController();
    owner.files.watch(
      { id: projectId, folders: [''] },
      { signal: ended.signal, onEvent: (event) => events.push(event) },
    );
    await expect.poll(() => events).toEqual([{ type: 'watching' }]);
    writeFileSync(join(pod.root, 'new.txt'), '');
    await expect.poll(() => events).toContainEqual({ type: 'changed', folders: [''], files: [] });
    pod.close();
    await expect.poll(() => events.at(-1)?.type, { timeout: 5_000 }).toBe('waiting');
    pod = await startFileBrowser({ host: address, port: 3001, token: credentialOf(projectId) });
    await expect.poll(() => events.at(-1), { timeout: 5_000 }).toEqual({ type: 'watching' });
    ended.abort();
    rmSync(join(pod.root, 'new.txt'), { force: true });
  });
});

describe('a pod that answers what it wants', () => {
  it.each<[string, RequestListener, string]>([
    ['nonsense', (_request, response) => response.end('<html>'), 'UNAVAILABLE'],
    ['another shape', (_request, response) => response.end('{"entries":[{"name":1}]}'), 'UNAVAILABLE'],
    [
      'an old version',
      (_request, response) => response.writeHead(405).end('{"error":"Only GET is supported."}'),
      'UNAVAILABLE',
    ],
    ['a failure', (_request, response) => response.writeHead(500).end('{}'), 'UNAVAILABLE'],
    ['that the secret is wrong', (_request, response) => response.writeHead(401).end('{}'), 'ILLEGAL_STATE'],
    ['endlessly', (_request, response) => void response.write('x'.repeat(9_000_000)), 'UNAVAILABLE'],
    [
      'a refusal of a megabyte',
      (_request, response) => response.writeHead(404).end(`{"error":"${'x'.repeat(1e6)}"}`),
      'UNAVAILABLE',
    ],
    [
      'a redirect',
      (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1/' }).end(),
      'UNAVAILABLE',
    ],
  ])('gets an error in words when it says %s', async (_what, listener, code) => {
    const projectId = await hostileProject(listener);
    expect(await codeOf(owner.files.list({ id: projectId }))).toBe(code);
  });

  it('cannot put more than one short line into an error', async () => {
    const projectId = await hostileProject((_request, response) => {
      response.writeHead(404).end(JSON.stringify({ error: `a\n\u202eb\0${'c'.repeat(1_000)}` }));
    });
    const error = await owner.files.list({ id: projectId }).catch((thrown: unknown) => thrown as AppError);
    expect((error as AppError).message.length).toBeLessThan(310);
    // oxlint-disable-next-line no-control-regex -- these are the characters that must not arrive
    expect((error as AppError).message).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it('cannot keep a stream of changes with lines that never end', async () => {
    let connections = 0;
    const projectId = await hostileProject((_request, response) => {
      connections += 1;
      const more = (): void =>
        void (response.destroyed || response.write('x'.repeat(1_000_000), () => setImmediate(more)));
      more();
    });
    const ended = new AbortController();
    owner.files.watch({ id: projectId }, { signal: ended.signal, onEvent: () => undefined });
    await expect.poll(() => connections, { timeout: 10_000 }).toBeGreaterThan(1); // the first one was ended
    ended.abort();
  });
});
