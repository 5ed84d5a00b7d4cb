import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { hasOpenCode, startOpenCode } from '../../../tests/support/opencode.ts';
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

const proxyTo = async (port: number): Promise<string> => {
  const proxy = createSessionProxy({
    upstream: { host: '127.0.0.1', port },
    password: token,
    isAllowed: createGate(token),
  });
  return `http://127.0.0.1:${await listen(proxy)}`;
};

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

describe('the session proxy', () => {
  it('passes nothing on without the secret, but says that it lives', async () => {
    const asked: string[] = [];
    const url = await proxyTo(
      await listen(
        createServer((request, response) => {
          asked.push(request.url ?? '');
          response.end();
        }),
      ),
    );
    expect((await fetch(`${url}/session`)).status).toBe(401);
    expect((await fetch(`${url}/healthz/../session`)).status).toBe(401);
    expect((await fetch(`${url}/session`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(asked).toEqual([]);
  });

  it('passes method, path, body and answer through, with the password that OpenCode asks for in place of the secret', async () => {
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

  it('passes a stream of events on as they come, and ends it when the reader goes', async () => {
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
    const gone = new AbortController();
    const { body } = await fetch(`${url}/event`, { headers: { authorization }, signal: gone.signal });
    const reader = body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data: one\n\n');
    gone.abort();
    await ended.promise;
  });

  it('passes WebSockets on, both ways, and closes one side with the other', async () => {
    const upstream = createServer();
    const sockets = new WebSocketServer({ server: upstream });
    sockets.on('connection', (socket, request) => {
      socket.on('message', (data: Buffer) => socket.send(`${request.url} ${data.toString()}`));
    });
    const url = (await proxyTo(await listen(upstream))).replace('http', 'ws');
    const socket = new WebSocket(`${url}/pty/1`, { headers: { authorization } });
    const heard = new Promise((resolve) => {
      socket.on('message', (data: Buffer) => resolve(data.toString()));
    });
    socket.on('open', () => socket.send('ping'));
    expect(await heard).toBe('/pty/1 ping');
    socket.close();
    await vi.waitFor(() => expect(sockets.clients.size).toBe(0), 10_000);

    const stranger = new WebSocket(`${url}/pty/1`);
    expect(
      await new Promise((resolve) => {
        stranger.on('error', (error) => resolve(error.message));
      }),
    ).toContain('401');
  });

  it('says that OpenCode does not answer while it does not', async () => {
    const server = createServer();
    const port = await listen(server);
    for (const close of closing.splice(0)) close();
    const response = await fetch(`${await proxyTo(port)}/session`, { headers: { authorization } });
    expect(response.status).toBe(502);
    expect(await response.text()).toContain('OpenCode does not answer');
  });
});

describe.runIf(hasOpenCode)('the session proxy before the real OpenCode', { timeout: 60_000 }, () => {
  let openCode: Awaited<ReturnType<typeof startOpenCode>>;

  beforeAll(async () => {
    openCode = await startOpenCode(token);
  });
  afterAll(() => openCode?.stop());

  it('OpenCode itself answers nobody without its password', async () => {
    expect((await fetch(`http://127.0.0.1:${openCode.port}/session`)).status).toBe(401);
  });

  it('reaches its health, makes a session and finds it in the list', async () => {
    const url = await proxyTo(openCode.port);
    const headers = { authorization, 'content-type': 'application/json' };
    expect(await (await fetch(`${url}/global/health`, { headers })).json()).toMatchObject({ healthy: true });
    const made = (await (
      await fetch(`${url}/session`, { method: 'POST', headers, body: JSON.stringify({ title: 'By proxy' }) })
    ).json()) as { id: string };
    const sessions = (await (await fetch(`${url}/session`, { headers })).json()) as { id: string; title: string }[];
    expect(sessions).toContainEqual(expect.objectContaining({ id: made.id, title: 'By proxy' }));
  });

  it('hears its events as they come', async () => {
    const url = await proxyTo(openCode.port);
    const gone = new AbortController();
    const { body } = await fetch(`${url}/event`, { headers: { authorization }, signal: gone.signal });
    const first = await body?.getReader().read();
    expect(new TextDecoder().decode(first?.value)).toContain('server.connected');
    gone.abort();
  });
});
