import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { startFakePod } from '../../tests/support/fake-pod.ts';
import { createTestClock } from '../../tests/support/test-clock.ts';
import { createPodProxy } from './pod-proxy.ts';

it('a WebSocket of a silent pod gets a ping in time for proxies that cut after a minute, and continues', async () => {
  const pod = await startFakePod();
  const echo = new WebSocketServer({ noServer: true });
  echo.on('connection', (socket) => {
    socket.send('welcome'); // it may arrive together with the head of the answer
    socket.on('message', (data: Buffer) => socket.send(`echo ${data.toString()}`));
  });
  pod.upgrade((socket, request) => {
    echo.handleUpgrade(request, socket, Buffer.alloc(0), (opened) => echo.emit('connection', opened, request));
  });
  const clock = createTestClock();
  const proxy = createPodProxy({ onUnreachable: () => undefined, maxBodyBytes: 1, clock });
  const server = createServer().listen(0, '127.0.0.1');
  server.on('upgrade', (request, socket, head) =>
    proxy.passUpgrade(request, socket, head, { address: pod.address, credential: 'secret' }),
  );
  await once(server, 'listening');
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/pty/1/connect`);
  const [welcome] = (await once(socket, 'message')) as [Buffer];
  clock.advance(20_000);
  await once(socket, 'ping');
  socket.send('hello');
  const [answer] = (await once(socket, 'message')) as [Buffer];
  expect([welcome.toString(), answer.toString()]).toEqual(['welcome', 'echo hello']);

  socket.terminate();
  proxy.close();
  server.close();
  await pod.stop();
});
