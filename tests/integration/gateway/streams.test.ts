/** What flows through the gateway while it is open, and what ends it. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { revokeOwnSession } from '../../../src/shared/node/db/sessions-repository.ts';
import { startFakePod, type FakePod } from '../../support/fake-pod.ts';
import { startGatewaySystem, type GatewaySystem } from '../../support/gateway-system.ts';
import type { MintedSession } from '../../support/mint-session.ts';

let system: GatewaySystem;
let pod: FakePod;
const echo = new WebSocketServer({ noServer: true });
echo.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(`echo ${data.toString()}`)));

beforeAll(async () => {
  [system, pod] = await Promise.all([
    startGatewaySystem({ GATEWAY_MAX_BODY_MIB: '1', GATEWAY_MAX_CONNECTIONS: '8' }),
    startFakePod(),
  ]);
  pod.upgrade((socket, request) => {
    echo.handleUpgrade(request, socket, Buffer.alloc(0), (opened) => echo.emit('connection', opened, request));
  });
});
afterAll(async () => {
  await system?.stop();
  await pod?.stop();
});

interface Visit {
  projectId: string;
  session: MintedSession;
  cookie: string;
}

async function visit(name: string): Promise<Visit> {
  const projectId = await system.createProject(name, pod.address);
  const session = await system.signIn(name);
  return { projectId, session, cookie: await system.enter(session, projectId) };
}

/** A stream of events, of which the test sends each one. */
async function openEvents({ projectId, cookie }: Visit) {
  const asked = Promise.withResolvers<ServerResponse>();
  pod.answer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
    asked.resolve(response);
  });
  const answer = await system.open({ projectId, path: '/event', headers: { cookie } });
  return { answer, podSide: await asked.promise };
}

async function openSocket({ projectId, cookie }: Visit): Promise<WebSocket> {
  const origin = system.originOf(projectId);
  const socket = new WebSocket(`ws://127.0.0.1:${system.gateway.port}/pty/1/connect`, {
    headers: { host: new URL(origin).host, cookie, origin },
  });
  await once(socket, 'open');
  return socket;
}

const nextChunk = async (answer: IncomingMessage): Promise<string> => String((await once(answer, 'data'))[0]);
/** Resolves when it has ended. Streams that the gateway ends fail in the middle. */
const closed = async (stream: IncomingMessage | WebSocket) => {
  stream.on('error', () => undefined);
  if (stream instanceof WebSocket ? stream.readyState === WebSocket.CLOSED : stream.closed) return;
  await new Promise((resolve) => stream.once('close', resolve));
};

describe('a stream through the gateway', () => {
  it('of events arrives as it is sent', async () => {
    const { answer, podSide } = await openEvents(await visit('reader'));
    expect(await nextChunk(answer)).toBe('data: first\n\n');
    podSide.write('data: second\n\n');
    expect(await nextChunk(answer)).toBe('data: second\n\n');
    answer.destroy();
    await once(podSide, 'close');
  });

  it('of a WebSocket passes in both directions, and ends on both sides', async () => {
    const socket = await openSocket(await visit('typist'));
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('echo hello');
    const podSide = [...echo.clients].at(-1);
    socket.close();
    await once(podSide ?? socket, 'close');
  });

  it('ends within five seconds of the sign-out, as does a WebSocket', async () => {
    const visitor = await visit('leaver');
    const [{ answer }, socket] = [await openEvents(visitor), await openSocket(visitor)];
    const other = await openEvents(await visit('stayer'));
    const { id } = visitor.session;
    const row = await system.db('sessions').where({ id }).first<{ userId: string }>('userId');
    const startedAt = performance.now();
    await revokeOwnSession(system.db, { id, userId: row?.userId ?? '' });
    answer.resume();
    await Promise.all([closed(answer), closed(socket)]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(other.answer.closed).toBe(false);
    other.answer.destroy();
  });

  it('ends when the pod is replaced, and when the project is stopped, but not when the pod is unready for a moment', async () => {
    const [replaced, stopped, unready] = [await visit('restarter'), await visit('stopper'), await visit('flaky')];
    const streams = [await openSocket(replaced), await openSocket(stopped), await openSocket(unready)];
    await system.patchProject(unready.projectId, { status: 'initializing' });
    await system.patchProject(replaced.projectId, { podUid: 'another-pod' });
    await system.patchProject(stopped.projectId, { desiredState: 'stopped', status: 'stopping' });
    await Promise.all(streams.slice(0, 2).map(closed));
    expect(streams[2]?.readyState).toBe(WebSocket.OPEN);
    streams[2]?.terminate();
  });

  it('ends when the program in the pod is killed (fault 47), and the next request reaches the one that follows', async () => {
    const visitor = await visit('survivor');
    const { answer, podSide } = await openEvents(visitor);
    const socket = await openSocket(visitor);
    answer.resume();
    podSide.socket?.resetAndDestroy();
    [...echo.clients].at(-1)?.terminate();
    await Promise.all([closed(answer), closed(socket)]);
    pod.answer((_request, response) => response.end('hello'));
    const { projectId, cookie } = visitor;
    expect((await system.ask({ projectId, headers: { cookie } })).text).toBe('hello');
  });

  it('is refused when a person has too many of them', async () => {
    const visitor = await visit('collector');
    const open = [];
    for (let index = 0; index < 8; index += 1) open.push(await openEvents(visitor));
    const { projectId, cookie } = visitor;
    const refused = await system.ask({ projectId, headers: { cookie } });
    expect([refused.status, refused.text]).toEqual([429, expect.stringContaining('too many open connections')]);
    for (const { answer } of open) answer.destroy();
    pod.answer((_request, response) => response.end('hello'));
    await expect.poll(async () => (await system.ask({ projectId, headers: { cookie } })).status).toBe(200);
  });
});

describe('a large body', () => {
  it('is passed on without being kept in memory, at the pace of the reader', async () => {
    const { projectId, cookie } = await visit('downloader');
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const chunks = 256;
    let written = 0;
    pod.answer((_request, response) => {
      const write = () => {
        while (written < chunks) {
          written += 1;
          if (!response.write(chunk)) return response.once('drain', write);
        }
        return response.end();
      };
      write();
    });
    const answer = await system.open({ projectId, path: '/download', headers: { cookie } });
    // Nobody reads yet: the pod can only fill the buffers on the way.
    await expect.poll(() => written, { interval: 200 }).toBeGreaterThan(0);
    const before = process.memoryUsage().rss;
    expect(written).toBeLessThan(chunks / 4);
    let received = 0;
    for await (const part of answer as AsyncIterable<Buffer>) received += part.length;
    expect(received).toBe(chunks * chunk.length);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024);
  }, 60_000);

  it('arrives unchanged beside others, with and without a length', async () => {
    const { projectId, cookie } = await visit('copier');
    const bodies = [1, 2, 3].map((megabytes) => randomBytes(megabytes * 1_000_000));
    pod.answer((request, response) => {
      const body = bodies[Number(request.url?.slice(1))] ?? Buffer.alloc(0);
      if (request.url === '/0') response.setHeader('content-length', body.length);
      for (let at = 0; at < body.length; at += 77_777) response.write(body.subarray(at, at + 77_777));
      response.end();
    });
    const copies = bodies.map(async (_body, index) =>
      buffer(await system.open({ projectId, path: `/${index}`, headers: { cookie } })),
    );
    expect((await Promise.all(copies)).map((copy, index) => copy.equals(bodies[index] ?? Buffer.alloc(0)))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('above the limit is refused with 413, whether or not its length was announced', async () => {
    const { projectId, cookie } = await visit('uploader');
    const origin = system.originOf(projectId);
    let arrived = 0;
    pod.answer((request, response) => {
      request.on('data', (data: Buffer) => (arrived += data.length));
      request.on('end', () => response.end('stored'));
    });
    const upload = (length: number, headers = {}) =>
      system.ask({ projectId, method: 'PUT', headers: { cookie, origin, ...headers }, body: 'x'.repeat(length) });
    expect((await upload(1_048_576)).text).toBe('stored');
    expect((await upload(1_048_577)).status).toBe(413);
    expect(arrived).toBe(1_048_576);
    expect((await upload(3_000_000, { 'transfer-encoding': 'chunked' })).status).toBe(413);
  });
});

it('a gateway that stops ends streams at once, and lets other requests finish', async () => {
  const own = await startGatewaySystem();
  const projectId = await own.createProject('last', pod.address);
  const cookie = await own.enter(await own.signIn('last'), projectId);
  const asked = Promise.withResolvers<ServerResponse>();
  pod.answer((request, response) => {
    if (request.url === '/event') response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    else asked.resolve(response);
  });
  const events = await own.open({ projectId, path: '/event', headers: { cookie } });
  events.resume();
  const slow = own.ask({ projectId, path: '/slow', headers: { cookie } });
  const podSide = await asked.promise;
  const stopping = own.stop();
  await closed(events);
  podSide.end('finished');
  expect(await slow).toMatchObject({ status: 200, text: 'finished' });
  await stopping;
});
