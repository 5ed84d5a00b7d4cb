/** The adapter against pods that answer anything. */

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';

import { afterEach, describe, expect, it } from 'vitest';

import { createOpenCodeClient, type OpenCodeClient } from './opencode-client.ts';
import type { OpenCodeEvent } from './opencode-events.ts';

const address = '127.99.4.4';
let server: Server;
let requests: string[];

async function clientOf(answer: RequestListener): Promise<OpenCodeClient> {
  requests = [];
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  await once(server.listen(3002, address), 'listening');
  return createOpenCodeClient({ address, credential: 'secret', signal: new AbortController().signal });
}

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const json =
  (value: unknown): RequestListener =>
  (_request, response) =>
    void response.end(JSON.stringify(value));
const info = { id: 'msg_1', role: 'assistant', time: { created: 1 } };

describe('fault 49: answers of a hostile pod', () => {
  it.each([
    ['not JSON', (_request, response) => void response.end('<html>')],
    ['another shape', json({ messages: [] })],
    ['a redirect', (_request, response) => void response.writeHead(302, { location: 'http://evil.test/' }).end()],
    ['an error', (_request, response) => void response.writeHead(500).end('x'.repeat(1_000_000))],
  ] satisfies [string, RequestListener][])('are refused when they are %s', async (_, answer) => {
    const client = await clientOf(answer);
    await expect(client.readMessages('ses_1')).rejects.toMatchObject({ name: 'OpenCodeError' });
    await expect(client.readSession('ses_1')).rejects.toMatchObject({ name: 'OpenCodeError' });
  });

  it('are not read beyond a limit, and fewer messages are read then', async () => {
    const client = await clientOf((request, response) => {
      const limit = Number(new URL(request.url ?? '', 'http://pod').searchParams.get('limit'));
      if (limit <= 10) return json([{ info, parts: [] }])(request, response);
      const send = (): void => void (response.destroyed || response.write('x'.repeat(1_000_000), send));
      send();
    });
    expect((await client.readMessages('ses_1')).messages).toHaveLength(1);
    expect(requests.map((url) => url.split('=')[1])).toEqual(['200', '50', '10']);
  });

  it('lose the entries, texts and numbers that cannot be used', async () => {
    const tool = { status: 'completed', input: { a: '\0' }, output: `${'y'.repeat(10_000)}\0` };
    const parts = [
      { id: 'p1', type: 'text', text: 'one\0two\uD800' },
      { id: 'p2', type: 'unknown' },
      { id: '../p3', type: 'text', text: 'three' },
      { id: 'p4', type: 'tool', tool: 'bash', state: tool },
    ];
    const wrong = { ...info, cost: 'free', tokens: { input: -1, output: 1e300, reasoning: 2, cache: null } };
    const client = await clientOf(
      json([null, { info: { id: 1 } }, { info: wrong, parts }, { info: { ...info, cost: 'free' } }]),
    );
    const { messages } = await client.readMessages('ses_1');
    expect(messages).toMatchObject([
      { id: 'msg_1', usage: { inputTokens: 0, outputTokens: 0, reasoningTokens: 2, cost: 0 } },
    ]);
    const [text, call] = messages[0]?.parts ?? [];
    expect(text).toEqual({ id: 'p1', type: 'text', text: 'one two\uFFFD' });
    expect(call).toMatchObject({ id: 'p4', output: expect.stringMatching(/^y{7999}…$/) as string });
  });

  it('do not concern other requests than those of the session and its children', async () => {
    const permission = {
      id: 'per_1',
      sessionID: 'ses_2',
      permission: 'bash',
      patterns: [1, 'ls'],
      metadata: { command: 7 },
    };
    const client = await clientOf((request, response) =>
      json(request.url === '/permission' ? [permission, { id: 'per_2' }] : [])(request, response),
    );
    expect(await client.listRequests()).toEqual([
      {
        sessionId: 'ses_2',
        request: { type: 'permission', id: 'per_1', permission: 'bash', patterns: ['ls'], always: [], detail: null },
      },
    ]);
  });

  it('in a stream of events are left out when they are too long or unreadable', async () => {
    const delta = { sessionID: 's', messageID: 'm', partID: 'p', field: 'text', delta: 'Hello\0' };
    const client = await clientOf((_request, response) => {
      response.write(`data: {"payload":\n\ndata: ${'z'.repeat(2_000_000)}\n\n`);
      response.write(
        `data: ${JSON.stringify({ payload: { type: 'message.part.delta', properties: { ...delta, delta: 1 } } })}\n\n`,
      );
      response.end(`data: ${JSON.stringify({ payload: { type: 'message.part.delta', properties: delta } })}\n\n`);
    });
    const events: OpenCodeEvent[] = [];
    for await (const event of client.events(new AbortController().signal)) events.push(event);
    expect(events).toEqual([{ type: 'delta', sessionId: 's', messageId: 'm', partId: 'p', text: 'Hello ' }]);
  });
});
