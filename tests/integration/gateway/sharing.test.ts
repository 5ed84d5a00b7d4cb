/** Members at the origin of a project, and what ends for them when their role changes. */

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import type { FilesEvent } from '../../../src/shared/contract/files.ts';
import { createClient, readAppError, type Client } from '../../../src/shared/sdk/client.ts';
import { bearer } from '../../support/api-call.ts';
import { startFakePod, type FakePod } from '../../support/fake-pod.ts';
import { startFileBrowser, type TestFileBrowser } from '../../support/file-browser.ts';
import { startGatewaySystem, type GatewaySystem } from '../../support/gateway-system.ts';
import type { MintedSession } from '../../support/mint-session.ts';

const limitMs = 5_000;

let system: GatewaySystem;
let pod: FakePod;
let owner: Client;
let member: Client;
let memberToken: string;
let memberId: string;
let session: MintedSession;
let projectId: string;
const terminals = new WebSocketServer({ noServer: true });

beforeAll(async () => {
  [system, pod] = await Promise.all([startGatewaySystem(), startFakePod()]);
  pod.upgrade((socket, request) => {
    terminals.handleUpgrade(request, socket, Buffer.alloc(0), (opened) =>
      terminals.emit('connection', opened, request),
    );
  });
  const url = `http://127.0.0.1:${system.server.port}`;
  memberToken = await system.server.mintToken('member');
  owner = createClient({ url, token: await system.server.mintToken('owner') });
  member = createClient({ url, token: memberToken });
  session = await system.signIn('member');
  memberId = (await member.trpc.auth.me.query()).id;
});
afterAll(async () => {
  await Promise.all([owner?.close(), member?.close()]);
  await system?.stop();
  await pod?.stop();
});
beforeEach(async () => {
  pod.answer((_request, response) => response.end('hello'));
  projectId = await system.createProject('owner', pod.address);
});

const shareAs = (role: 'viewer' | 'editor') => owner.members.add({ id: projectId, email: 'member@example.test', role });
const remove = () => owner.members.remove({ id: projectId, userId: memberId });
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: unknown) => readAppError(error)?.code,
  );
const statusOf = async (headers: Record<string, string>) => (await system.ask({ projectId, headers })).status;

async function closed(stream: IncomingMessage | WebSocket): Promise<void> {
  stream.on('error', () => undefined);
  if (stream instanceof WebSocket ? stream.readyState === WebSocket.CLOSED : stream.closed) return;
  await new Promise((resolve) => stream.once('close', resolve));
}

describe('the origin of a shared project', () => {
  it('lets an editor in by ticket, cookie and token, and a viewer by none of them', async () => {
    await shareAs('editor');
    const cookie = await system.enter(session, projectId);
    expect([await statusOf({ cookie }), await statusOf(bearer(memberToken))]).toEqual([200, 200]);

    const other = await system.createProject('owner', pod.address);
    await owner.members.add({ id: other, email: 'member@example.test', role: 'viewer' });
    await expect(system.openProject(session, other)).rejects.toThrow(/You are a viewer/);
    expect((await system.ask({ projectId: other, headers: bearer(memberToken) })).status).toBe(401);
  });

  it('refuses a ticket that was issued before the role was taken away', async () => {
    await shareAs('editor');
    const url = new URL(await system.openProject(session, projectId));
    await remove();
    const { headers } = await system.ask({ projectId, path: url.pathname + url.search });
    const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect(await statusOf({ cookie })).toBe(401);
  });

  const losses = {
    'is removed': remove,
    'becomes a viewer': () => shareAs('viewer'),
    leaves: () => member.members.leave(projectId),
    'loses the project to the trash': () => owner.projects.trash(projectId),
  };
  it.each(Object.entries(losses))(
    'ends the terminal, the events and the cookie of an editor within five seconds when the editor %s',
    async (_, lose) => {
      await shareAs('editor');
      const cookie = await system.enter(session, projectId);
      pod.answer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: first\n\n');
      });
      const events = await system.open({ projectId, path: '/event', headers: { cookie } });
      const origin = system.originOf(projectId);
      const terminal = new WebSocket(`ws://127.0.0.1:${system.gateway.port}/pty/1/connect`, {
        headers: { host: new URL(origin).host, cookie, origin },
      });
      await once(terminal, 'open');
      events.resume();
      const startedAt = performance.now();
      await lose();
      await Promise.all([closed(events), closed(terminal)]);
      expect(performance.now() - startedAt).toBeLessThan(limitMs);
      await expect.poll(() => statusOf({ cookie }), { timeout: limitMs }).toBe(401);
      await expect.poll(() => statusOf(bearer(memberToken)), { timeout: limitMs }).toBe(401);
    },
    15_000,
  );
});

describe('what a member follows through the server', () => {
  let browser: TestFileBrowser;

  it('ends within five seconds when the member is removed: files, tasks, output, logs', async () => {
    const address = `127.${randomInt(64, 128)}.${randomInt(0, 256)}.${randomInt(1, 255)}`;
    projectId = await system.createProject('owner', address);
    const token = system.keys.currentCredentials(projectId).sidecar;
    browser = await startFileBrowser({ host: address, port: 3001, token });
    const task = await owner.tasks.create({ projectId, title: 'Followed' });
    const run = await owner.runs.start({ taskId: task.id, idempotencyKey: 'followed' });
    await shareAs('viewer');

    const ends = new Map<string, string | undefined>();
    const ended = (name: string) => (error: unknown) => void ends.set(name, readAppError(error)?.code);
    const received: FilesEvent[] = [];
    const { trpc } = member;
    trpc.files.onChange.subscribe(
      { id: projectId, folders: [''], files: [] },
      { onData: (event) => void received.push(event), onError: ended('files') },
    );
    trpc.tasks.onChange.subscribe({ projectId }, { onError: ended('tasks') });
    trpc.runs.onOutput.subscribe({ runId: run.id }, { onError: ended('output') });
    trpc.projects.followLogs.subscribe({ id: projectId, container: 'opencode-server' }, { onError: ended('logs') });
    await expect.poll(() => received).toContainEqual({ type: 'watching' });
    writeFileSync(join(browser.root, 'one.txt'), '');
    await expect.poll(() => received.at(-1)?.type).toBe('changed');
    expect(ends.size).toBe(0);

    await remove();
    await expect
      .poll(() => Object.fromEntries(ends), { timeout: limitMs })
      .toEqual({ files: 'NOT_FOUND', tasks: 'NOT_FOUND', output: 'NOT_FOUND', logs: 'NOT_FOUND' });
    const before = received.length;
    writeFileSync(join(browser.root, 'two.txt'), '');
    expect(await codeOf(member.files.list({ id: projectId }))).toBe('NOT_FOUND');
    expect(received.length).toBe(before);
    browser.close();
  }, 15_000);
});
