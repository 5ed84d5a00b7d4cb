import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

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
    const upstream = createServer();
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

  it('answers 502 with a message while OpenCode does not answer', async () => {
    const server = createServer();
    const port = await listen(server);
    for (const close of closing.splice(0)) close();
    const response = await fetch(`${await proxyTo(port)}/session`, { headers: { authorization } });
    expect(response.status).toBe(502);
    expect(await response.text()).toContain('OpenCode does not answer');
  });
});
