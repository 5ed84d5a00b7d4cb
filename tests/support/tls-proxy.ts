/**
 * A reverse proxy as in production: TLS for browsers, plain HTTP to the server, WebSockets included. It appends the address of
 * the client to X-Forwarded-For. It has a self-signed certificate.
 */

import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import { generate } from 'selfsigned';

export interface TlsProxy {
  /** The origin for browsers. */
  url: string;
  /** The certificate, for programs that have to trust it. */
  certificate: string;
  /** Sets the port of the server on 127.0.0.1. */
  forwardTo(port: number): void;
  /** The statuses of all forwarded WebSocket handshakes. */
  handshakes(): number[];
  close(): Promise<void>;
}

export async function startTlsProxy(): Promise<TlsProxy> {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  const server = createServer({ key: made.private, cert: made.cert });
  const streams = new Set<Duplex>();
  const handshakes: number[] = [];
  let upstreamPort = 0;

  function ask(request: IncomingMessage) {
    const { headers, method, url } = request;
    const chain = [headers['x-forwarded-for'] ?? [], request.socket.remoteAddress ?? ''].flat().join(', ');
    const forwarded: OutgoingHttpHeaders = {
      ...headers,
      'x-forwarded-for': chain,
      'x-forwarded-proto': 'https',
      'x-forwarded-host': headers.host,
    };
    return httpRequest({ host: '127.0.0.1', port: upstreamPort, path: url, method, headers: forwarded });
  }

  server.on('request', (request, response) => {
    const onward = ask(request);
    onward.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.once('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    request.pipe(onward);
  });

  server.on('upgrade', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    streams.add(client);
    client.once('close', () => streams.delete(client));
    client.on('error', () => client.destroy());
    const onward = ask(request);
    const headLines = ({ rawHeaders }: IncomingMessage) =>
      rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
    onward.once('upgrade', (answer, upstream) => {
      handshakes.push(101);
      client.write(`HTTP/1.1 101 Switching Protocols\r\n${headLines(answer)}\r\n`);
      upstream.on('error', () => client.destroy());
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    onward.once('response', (answer) => {
      handshakes.push(answer.statusCode ?? 0);
      client.write(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${headLines(answer)}\r\n`);
      answer.pipe(client);
    });
    onward.once('error', () => client.destroy());
    onward.end();
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `https://localhost:${port}`,
    certificate: made.cert,
    forwardTo(newPort) {
      upstreamPort = newPort;
    },
    handshakes: () => [...handshakes],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const stream of streams) stream.destroy();
      }),
  };
}
