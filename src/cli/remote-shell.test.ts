import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

import { generate } from 'selfsigned';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';

import { createProjectOrigin, hostToFind, refusalOf } from './project-origin.ts';
import { afterReadyLine, createResizer, openShell, type TerminalSize } from './remote-shell.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A project on loopback. @returns its origin, and the lines of what it was asked */
async function serve(
  answer: RequestListener,
  onSocket: (socket: WebSocket) => void = () => undefined,
  certificate?: { key: string; cert: string },
) {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host?.split(':')[0]}`);
    answer(request, response);
  };
  const server = certificate ? createTlsServer(certificate, listener) : createServer(listener);
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', onSocket);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    project: createProjectOrigin({
      origin: `${certificate ? 'https' : 'http'}://p-1.localhost:${port}`,
      token: 'secret',
    }),
    asked,
  };
}

/** Opens terminals, and ends each with the exit code that `exitCode` returns. */
function openCode({ exitCode }: { exitCode: number | null }) {
  let sendEvent: ((event: object) => void) | undefined;
  const answer: RequestListener = (request, response) => {
    if (request.url === '/global/event') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      sendEvent = (event) => void response.write(`data: ${JSON.stringify({ payload: event })}\n\n`);
    } else {
      response.end(JSON.stringify({ id: 'pty_1' }));
    }
  };
  const end = (socket: WebSocket) => {
    socket.send('the last line\r\n');
    socket.close(1000);
    if (exitCode !== null) sendEvent?.({ type: 'pty.exited', properties: { id: 'pty_1', exitCode } });
  };
  return { answer, end };
}

const options = (output = new PassThrough()) => ({
  command: null,
  size: null,
  output,
  signal: AbortSignal.timeout(10_000),
});

describe('a remote shell', () => {
  it('ends with the exit code that OpenCode sends, after all output was written', async () => {
    const { answer, end } = openCode({ exitCode: 9 });
    const { project, asked } = await serve(answer, end);
    const output = new PassThrough();
    const shell = await openShell(project, { ...options(output), size: { rows: 10, cols: 20 } });
    expect(await shell.ended).toEqual({ kind: 'exited', exitCode: 9 });
    await shell.close();
    output.end();
    expect(await text(output)).toBe('the last line\r\n');
    expect(asked).toEqual(
      ['GET /global/event', 'POST /pty', 'PUT /pty/pty_1', 'DELETE /pty/pty_1'].map((call) => `${call} p-1.localhost`),
    );
  });

  it('works over TLS with the certificate of the project', async () => {
    const authorities = getCACertificates();
    cleanups.push(() => setDefaultCACertificates(authorities));
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'p-1.localhost' }], {
      keyType: 'ec',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'p-1.localhost' }] }],
    });
    setDefaultCACertificates([...authorities, cert]);
    const { answer, end } = openCode({ exitCode: 0 });
    const { project } = await serve(answer, end, { key, cert });
    const shell = await openShell(project, options());
    expect(await shell.ended).toEqual({ kind: 'exited', exitCode: 0 });
    await shell.close();
  });

  it('is lost when its WebSocket breaks off', async () => {
    const { project } = await serve(openCode({ exitCode: null }).answer, (socket) => socket.terminate());
    const shell = await openShell(project, options());
    expect(await shell.ended).toEqual({ kind: 'lost' });
    await shell.close();
  });

  it('is lost when no event comes any more, although no connection has ended', async () => {
    const { project } = await serve(openCode({ exitCode: null }).answer);
    const shell = await openShell(project, { ...options(), silenceLimitMs: 50 });
    expect(await shell.ended).toEqual({ kind: 'lost' });
    await shell.close();
  });

  it('passes on the sentence with which the gateway refuses a person', async () => {
    const sentence = 'You may look at this project. Ask its owner for more.';
    const { project, asked } = await serve((_request, response) => response.writeHead(403).end(`${sentence}\n`));
    await expect(openShell(project, options())).rejects.toThrow(sentence);
    expect(asked).toEqual(['GET /global/event p-1.localhost']);
  });

  it('says that nothing answers', async () => {
    const project = createProjectOrigin({ origin: 'http://127.0.0.1:9', token: 'secret' });
    await expect(openShell(project, options())).rejects.toThrow(
      /^Nothing answers at http:\/\/127\.0\.0\.1:9 .*again\.$/,
    );
  });
});

describe('the beginning of a command', () => {
  it.each([{ pieces: ['ready\n', 'out'] }, { pieces: ['re', 'ady', '\r', '\nout'] }, { pieces: ['ready\nout'] }])(
    'is answered once, and not shown: $pieces',
    ({ pieces }) => {
      const events: string[] = [];
      const show = afterReadyLine(
        (shown) => events.push(shown),
        () => events.push('<answer>'),
      );
      for (const piece of [...pieces, 'ready\n']) show(piece);
      expect(events).toEqual(['<answer>', 'out', 'ready\n']);
    },
  );
});

describe('the size of a terminal', () => {
  it('is sent once at a time, and the last one wins', async () => {
    const sent: TerminalSize[] = [];
    const answers: (() => void)[] = [];
    const resize = createResizer((size) => {
      sent.push(size);
      return new Promise<void>((resolve) => answers.push(resolve));
    });
    void resize({ rows: 1, cols: 1 });
    void resize({ rows: 2, cols: 2 });
    const last = resize({ rows: 3, cols: 3 });
    expect(sent).toEqual([{ rows: 1, cols: 1 }]);
    answers.shift()?.();
    await expect
      .poll(() => sent)
      .toEqual([
        { rows: 1, cols: 1 },
        { rows: 3, cols: 3 },
      ]);
    answers.shift()?.();
    await last;
    const next = resize({ rows: 4, cols: 4 });
    answers.shift()?.();
    await next;
    expect(sent).toHaveLength(3);
  });
});

describe('the origin of a project', () => {
  it('is found below localhost without a name server', () => {
    expect(hostToFind('p-1.localhost')).toBe('localhost');
    expect(hostToFind('p-1.projects.example.com')).toBe('p-1.projects.example.com');
  });

  it.each([
    { status: 401, text: 'Open the project first.\n', refusal: 'Open the project first.' },
    { status: 403, text: '', refusal: expect.stringMatching(/does not let you in/) },
    {
      status: 502,
      text: '{"error":"OpenCode does not answer."}',
      refusal: expect.stringMatching(/answered 502.*again/),
    },
    { status: 503, text: 'It starts.\u0007\u001b', refusal: 'It starts.' },
  ])('refuses with a sentence that people can read: $status $text', ({ status, text: answer, refusal }) => {
    expect(refusalOf({ status, text: answer })).toEqual(refusal);
  });
});
