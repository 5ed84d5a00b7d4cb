/** An HTTP proxy that buffers whole answers, and treats WebSockets as a test says. */

import { createServer, request as send, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

/**
 * - `pass`: WebSockets pass.
 * - `refuse`: the handshake is answered with 400.
 * - `hold`: the handshake passes, and nothing more reaches the client.
 * - a number: WebSockets pass, and each is cut after this many milliseconds.
 */
export type WebSocketMode = 'pass' | 'refuse' | 'hold' | number;

export interface HttpProxy {
  url: string;
  /** For WebSockets that are opened from now on; open ones are cut. */
  setMode(mode: WebSocketMode): void;
  /** How many handshakes arrived. */
  handshakes: () => number;
  close(): void;
}

/** @param options.headers added to each request, as by a browser that is signed in */
export async function startHttpProxy(
  port: number,
  options: { mode: WebSocketMode; headers?: Record<string, string> },
): Promise<HttpProxy> {
  const { headers = {} } = options;
  let { mode } = options;
  let handshakes = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => sockets.add(socket.on('error', () => undefined)); // its other end closes too

  const server = createServer((incoming, outgoing) => {
    const { method, url } = incoming;
    const forwarded = send({
      host: '127.0.0.1',
      port,
      method,
      path: url,
      headers: { ...incoming.headers, ...headers },
    });
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    forwarded.on('response', (answer) => {
      const { 'transfer-encoding': _chunked, ...answerHeaders } = answer.headers;
      buffer(answer).then(
        (body) =>
          outgoing.writeHead(answer.statusCode ?? 502, { ...answerHeaders, 'content-length': body.length }).end(body),
        () => outgoing.destroy(),
      );
    });
    incoming.pipe(forwarded);
  });
  server.on('upgrade', (request: IncomingMessage, inner: Socket) => {
    handshakes += 1;
    keep(inner);
    if (mode === 'refuse') {
      inner.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const outer = connect({ host: '127.0.0.1', port });
    keep(outer);
    const lines = Object.entries({ ...request.headers, ...headers }).map(
      ([name, value]) => `${name}: ${String(value)}`,
    );
    outer.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    inner.pipe(outer);
    if (mode === 'hold')
      outer.once('data', (head: Buffer) => inner.write(head.subarray(0, head.indexOf('\r\n\r\n') + 4)));
    else outer.pipe(inner);
    const end = () => {
      inner.destroy();
      outer.destroy();
    };
    outer.once('close', end);
    inner.once('close', end);
    if (typeof mode === 'number') setTimeout(end, mode);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on TCP
    setMode(next) {
      mode = next;
      cut();
    },
    handshakes: () => handshakes,
    close() {
      cut();
      server.closeAllConnections();
      server.close();
    },
  };
}
