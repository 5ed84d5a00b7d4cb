/** A model provider that a test scripts: it records what arrives, and answers as the test says. */

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface FakeProvider {
  /** The base URL, without a slash at the end. */
  url: string;
  received: { url: string; headers: IncomingHttpHeaders; body: string }[];
  /** Replaces what it answers. */
  answer(listener: (request: IncomingMessage, response: ServerResponse) => void): void;
  stop(): Promise<void>;
}

export async function startFakeProvider(): Promise<FakeProvider> {
  const received: FakeProvider['received'] = [];
  let current: Parameters<FakeProvider['answer']>[0] = (_request, response) => response.end('{}');
  const server = createServer((request, response) => {
    response.on('error', () => undefined); // the reader may disconnect
    void text(request).then(
      (body) => {
        received.push({ url: request.url ?? '', headers: request.headers, body });
        return current(request, response);
      },
      () => undefined, // it has disconnected before its body had arrived
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, // it listens on TCP
    received,
    answer: (listener) => (current = listener),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** A stream of chat completions with these words, and the usage at its end. */
export function sendWords(response: ServerResponse, words: string[], usage: object): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const content of words) response.write(event({ choices: [{ index: 0, delta: { content } }] }));
  response.end(`${event({ choices: [], usage })}data: [DONE]\n\n`);
}

export const event = (fields: object): string => `data: ${JSON.stringify(fields)}\n\n`;
