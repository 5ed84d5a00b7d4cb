import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { createGate } from '../access.ts';
import { createSessionProxy } from './server.ts';

const token = 'a-secret-of-this-project';
const authorization = `Bearer ${token}`;
const closing: (() => void)[] = [];

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port; // it listens on TCP
}

/** Unlike `fetch`, it can set every header, and decompresses nothing. */
async function askRaw(url: URL, request: { path: string; headers: OutgoingHttpHeaders }) {
  const sent = send({ host: url.hostname, port: url.port, ...request }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { headers: answer.headers, body: await buffer(answer) };
}

const proxyTo = async (port: number): Promise<string> => {
  const proxy = createSessionProxy({
    upstream: { host: '127.0.0.1', port },
    password: token,
    isAllowed: createGate(token),
    checkMs: 200,
  });
  return `http://127.0.0.1:${await listen(proxy)}`;
};

/** A proxy before an OpenCode that gives these answers, and 404 to other questions. */
async function startActivity() {
  const answers: Record<string, string> = { '/session/status': '{}', '/pty': '[]' };
  const upstream = createServer((request, response) => {
    response.statusCode = answers[request.url ?? ''] === undefined ? 404 : 200;
    response.end(answers[request.url ?? '']);
  });
  const sockets = new WebSocketServer({ server: upstream });
  const url = await proxyTo(await listen(upstream));
  const read = async () =>
    (await (await fetch(`${url}/activity`, { headers: { authorization } })).json()) as Record<string, unknown>;
  return { url, read, answers, stop: () => sockets.close() };
}

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

describe('the session proxy', () => {
  it('fault 53: answers a request that comes while OpenCode begins to listen, at its start and after it was restarted', async () => {
    /** As OpenCode: what reaches it first is never answered. */
    const start = async (port: number): Promise<Server> => {
      let isFirst = true;
      const opencode = createServer((request, response) => {
        if (request.url === '/stream') response.write('event');
        else if (!isFirst) response.end('answered');
        isFirst = false;
      });
      await once(opencode.listen(port, '127.0.0.1'), 'listening');
      return opencode;
    };
    const stop = async (opencode: Server): Promise<void> => {
      opencode.closeAllConnections();
      await once(opencode.close(), 'close');
    };
    const first = await start(0);
    const { port } = first.address() as AddressInfo;
    const url = await proxyTo(port);
    const ask = async () => {
      const answer = await fetch(`${url}/session`, { headers: { authorization } });
      return [answer.status, await answer.text()];
    };
    expect(await Promise.all([ask(), ask()])).toEqual([
      [200, 'answered'],
      [200, 'answered'],
    ]);
    await stop(first);
    expect(await ask()).toEqual([502, expect.stringContaining('may still be starting')]);
    const second = await start(port);
    expect(await ask()).toEqual([200, 'answered']);

    // It ends under an open stream, and nobody asks before it is there again.
    const stream = await fetch(`${url}/stream`, { headers: { authorization } });
    const broken = stream.text().catch(() => 'broken');
    await stop(second);
    await broken;
    const third = await start(port);
    expect(await ask()).toEqual([200, 'answered']);
    await stop(third);
  });

  it('fault 53: passes a request on to an OpenCode that is too busy for a health check', async () => {
    const opencode = createServer((request, response) => {
      if (request.url !== '/global/health') response.end('answered');
    });
    const url = await proxyTo(await listen(opencode));
    const answer = await fetch(`${url}/session`, { headers: { authorization } });
    expect([answer.status, await answer.text()]).toEqual([200, 'answered']);
  });

  it('forwards nothing without the secret, and answers health checks', async () => {
    const forwarded: string[] = [];
    const url = await proxyTo(
      await listen(
        createServer((request, response) => {
          forwarded.push(request.url ?? '');
          response.end();
        }),
      ),
    );
    expect((await fetch(`${url}/session`)).status).toBe(401);
    expect((await fetch(`${url}/healthz/../session`)).status).toBe(401);
    expect((await fetch(`${url}/session`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(forwarded).toEqual([]);
  });

  it('forwards method, path, body and answer, with the password of OpenCode in place of the secret', async () => {
    let observed: IncomingMessage | undefined;
    const url = await proxyTo(
      await listen(
        createServer((request, response) => {
          observed = request;
          response.writeHead(201, 'Made', { 'x-answer': 'yes', 'set-cookie': ['a=1', 'b=2'] });
          request.pipe(response);
        }),
      ),
    );
    const response = await fetch(`${url}/session?title=a%20b`, {
      method: 'PUT',
      headers: { authorization },
      body: 'hello',
    });
    expect([response.status, await response.text(), response.headers.get('x-answer')]).toEqual([201, 'hello', 'yes']);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect([observed?.method, observed?.url]).toEqual(['PUT', '/session?title=a%20b']);
    expect(observed?.headers.authorization).toBe(`Basic ${Buffer.from(`opencode:${token}`).toString('base64')}`);
  });

  it('forwards events as they arrive, and ends the stream when the reader disconnects', async () => {
    const ended = Promise.withResolvers<void>();
    const url = await proxyTo(
      await listen(
        createServer((_request, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write('data: one\n\n');
          response.on('close', ended.resolve);
        }),
      ),
    );
    const reading = new AbortController();
    const { body } = await fetch(`${url}/event`, { headers: { authorization }, signal: reading.signal });
    const reader = body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data: one\n\n');
    reading.abort();
    await ended.promise;
  });

  it('forwards WebSockets in both directions, and closes one side with the other', async () => {
    const upstream = createServer((_request, response) => void response.end());
    const sockets = new WebSocketServer({ server: upstream });
    sockets.on('connection', (socket, request) => {
      socket.on('message', (data: Buffer) => socket.send(`${request.url} ${data.toString()}`));
    });
    const url = (await proxyTo(await listen(upstream))).replace('http', 'ws');
    const socket = new WebSocket(`${url}/pty/1`, { headers: { authorization } });
    const received = new Promise((resolve) => {
      socket.on('message', (data: Buffer) => resolve(data.toString()));
    });
    socket.on('open', () => socket.send('ping'));
    expect(await received).toBe('/pty/1 ping');
    socket.close();
    await vi.waitFor(() => expect(sockets.clients.size).toBe(0), 10_000);

    const stranger = new WebSocket(`${url}/pty/1`);
    expect(
      await new Promise((resolve) => {
        stranger.on('error', (error) => resolve(error.message));
      }),
    ).toContain('401');
  });

  it('keeps the Host header, which OpenCode compares with the origin', async () => {
    let host: string | undefined;
    const port = await listen(
      createServer((request, response) => {
        host = request.headers.host;
        response.end();
      }),
    );
    const url = new URL(await proxyTo(port));
    await askRaw(url, { path: '/pty/1/connect-token', headers: { authorization, host: 'p-1.localhost:3080' } });
    expect(host).toBe('p-1.localhost:3080');
  });

  it('compresses files of the user interface for readers that accept gzip, and nothing else', async () => {
    const types: Record<string, string> = {
      '/assets/index-1.js': 'text/javascript',
      '/assets/index-1.css?v=1': 'text/css',
      '/abc/session': 'text/html; charset=utf-8',
      '/manifest.json': 'application/json',
      '/icon.svg': 'image/svg+xml',
      '/session': 'application/json',
      '/event': 'text/event-stream',
      '/event.js': 'text/event-stream',
      '/font.woff2': 'font/woff2',
    };
    const text = 'some text '.repeat(1_000);
    const url = new URL(
      await proxyTo(
        await listen(
          createServer((request, response) => {
            response.writeHead(200, { 'content-type': types[request.url ?? ''] ?? '', etag: '"1"', vary: 'origin' });
            response.end(text);
          }),
        ),
      ),
    );
    const encoded = async (path: string, acceptEncoding: string) => {
      const headers = { authorization, 'accept-encoding': acceptEncoding };
      const answer = await askRaw(url, { path, headers });
      const isGzip = answer.headers['content-encoding'] === 'gzip';
      expect((isGzip ? gunzipSync(answer.body) : answer.body).toString()).toBe(text);
      return isGzip;
    };
    const compressed = [];
    for (const path of Object.keys(types)) if (await encoded(path, 'br, gzip')) compressed.push(path);
    expect(compressed).toEqual(Object.keys(types).slice(0, 5));
    for (const accepted of ['', 'br', 'gzip;q=0', 'identity, *;q=0'])
      expect(await encoded('/icon.svg', accepted)).toBe(false);
    for (const accepted of ['GZIP;q=0.5', '*', 'br;q=1, gzip']) expect(await encoded('/icon.svg', accepted)).toBe(true);
    const plain = await askRaw(url, { path: '/icon.svg', headers: { authorization } });
    expect([plain.headers.vary, plain.headers.etag]).toEqual(['origin, accept-encoding', '"1"']);
    const { headers } = await askRaw(url, { path: '/icon.svg', headers: { authorization, 'accept-encoding': 'gzip' } });
    expect([headers.vary, headers.etag]).toEqual(['origin, accept-encoding', 'W/"1"']);
  });

  it('lets browsers keep the files whose name changes with their content, and nothing else', async () => {
    const answers: Record<string, { status?: number; type: string; cacheControl?: string }> = {
      '/assets/index-jmcwmLQ6.js': { type: 'text/javascript' },
      '/assets/inter-x_9-Bq2A.woff2?v=1': { type: 'font/woff2' },
      '/assets/index.js': { type: 'text/javascript' },
      '/assets/missing-jmcwmLQ6.js': { type: 'text/html' }, // OpenCode answers unknown paths with its page
      '/assets/failing-jmcwmLQ6.js': { type: 'text/javascript', status: 500 },
      '/assets/fresh-jmcwmLQ6.js': { type: 'text/javascript', cacheControl: 'no-cache' },
      '/session': { type: 'application/json' },
    };
    const upstream = createServer((request, response) => {
      const { status = 200, type = '', cacheControl } = answers[request.url ?? ''] ?? {};
      if (cacheControl !== undefined) response.setHeader('cache-control', cacheControl);
      response.writeHead(status, { 'content-type': type }).end('content');
    });
    const url = new URL(await proxyTo(await listen(upstream)));
    const read: Record<string, string | undefined> = {};
    for (const path of Object.keys(answers)) {
      const answer = await askRaw(url, { path, headers: { authorization, 'accept-encoding': 'gzip' } });
      read[path] = answer.headers['cache-control'];
    }
    const forAYear = 'private, max-age=31536000, immutable';
    expect(read).toEqual({
      ...Object.fromEntries(Object.keys(answers).map((path) => [path, undefined])),
      '/assets/index-jmcwmLQ6.js': forAYear,
      '/assets/inter-x_9-Bq2A.woff2?v=1': forAYear,
      '/assets/fresh-jmcwmLQ6.js': 'no-cache',
    });
  });

  it('reports busy sessions, open terminals and the last request to callers with the secret', async () => {
    const { url, read, answers, stop } = await startActivity();
    expect((await fetch(`${url}/activity`)).status).toBe(401);
    const none = { busySessions: 0, runningCommands: 0, openTerminals: 0, uses: 0, lastRequestAt: null };
    expect(await read()).toMatchObject(none);

    answers['/session/status'] = '{"ses_1":{"type":"busy"},"ses_2":{"type":"retry"}}';
    const startedAt = new Date().toISOString();
    const terminal = new WebSocket(`${url.replace('http', 'ws')}/pty/1/connect`, { headers: { authorization } });
    await once(terminal, 'open');
    const busy = await read();
    expect(busy).toMatchObject({ busySessions: 2, openTerminals: 1, uses: 0 });
    expect(String(busy['lastRequestAt']) >= startedAt).toBe(true);
    terminal.send('ls');
    await vi.waitFor(async () => expect(await read()).toMatchObject({ uses: 1 }));
    terminal.pong(); // as browsers do by themselves
    terminal.close();
    await vi.waitFor(async () => expect(await read()).toMatchObject({ openTerminals: 0, uses: 1 }));

    answers['/session/status'] = 'not JSON';
    expect(await read()).toMatchObject({ busySessions: null });
    delete answers['/pty'];
    expect(await read()).toMatchObject({ runningCommands: null });
    stop();
  });

  it('counts what people do as uses, and not what an open page asks by itself', async () => {
    const { url, read, stop } = await startActivity();
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`${url}${path}`, { ...init, headers: { authorization } });
    for (const path of ['/global/event', '/session', '/global/health']) await ask(path);
    await fetch(`${url}/session`, { method: 'POST' }); // without the secret
    expect(await read()).toMatchObject({ uses: 0 });
    await ask('/session/ses_1/prompt_async', { method: 'POST', body: '{}' });
    expect(await read()).toMatchObject({ uses: 1 });
    const page = new URL(url);
    await askRaw(page, { path: '/', headers: { authorization, 'sec-fetch-mode': 'navigate' } });
    expect(await read()).toMatchObject({ uses: 2 });
    stop();
  });

  it('asks for sessions and terminals in each folder that was used, until OpenCode refuses the folder', async () => {
    const { url, read, answers, stop } = await startActivity();
    const folder = '?directory=%2Fworkspace%2F.worktrees%2Fa';
    answers[`/session/status${folder}`] = '{"ses_3":{"type":"busy"}}';
    answers[`/pty${folder}`] = '[]';
    const headers = { authorization, 'x-opencode-directory': '/workspace/.worktrees/a' };
    await fetch(`${url}/session/ses_3/prompt_async`, { method: 'POST', headers });
    expect(await read()).toMatchObject({ busySessions: 1, runningCommands: 0 });
    delete answers[`/session/status${folder}`];
    expect(await read()).toMatchObject({ busySessions: null });
    expect(await read()).toMatchObject({ busySessions: 0 });
    stop();
  });

  it('answers 502 with a message while OpenCode does not answer', async () => {
    const server = createServer();
    const port = await listen(server);
    for (const close of closing.splice(0)) close();
    const response = await fetch(`${await proxyTo(port)}/session`, { headers: { authorization } });
    expect(response.status).toBe(502);
    expect(await response.text()).toContain('OpenCode does not answer');
  });
});
