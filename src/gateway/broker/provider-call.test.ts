import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { createProviderCalls, type ProviderCalls, type ProxySettings } from './provider-call.ts';

/** A proxy, and a provider. It answers with the way in which it was asked. */
let server: Server;
let port: number;
const asked: string[] = [];
/** Whether the proxy leaves a request for a connection unanswered. */
let isSilent = false;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end('answered');
  });
  server.on('connect', ({ url, headers }, socket) => {
    asked.push(`CONNECT ${url} ${headers['proxy-authorization'] ?? ''}`.trim());
    if (!isSilent) socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ({ port } = server.address() as AddressInfo); // it listens on TCP
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let calls: ProviderCalls | null = null;
afterEach(() => {
  calls?.close();
  asked.length = 0;
  isSilent = false;
});

async function ask(url: string, proxy: Partial<ProxySettings>, connectMs?: number): Promise<string> {
  calls = createProviderCalls({ https: undefined, http: undefined, without: undefined, ...proxy }, connectMs);
  const options = { headers: {}, bytes: Buffer.from('{}'), signal: AbortSignal.timeout(10_000) };
  return await text(await calls.post(url, options));
}

describe('a call of a provider', () => {
  it('passes the proxy of its protocol, with its name and password', async () => {
    const proxy = { https: `http://me:secret@127.0.0.1:${port}`, http: `http://127.0.0.1:${port}` };
    expect(await ask('http://models.test/v1/chat/completions', proxy)).toBe('answered');
    await expect(ask('https://models.test/v1/messages', proxy)).rejects.toThrow(/502|proxy/i);
    expect(asked).toEqual([
      'POST http://models.test/v1/chat/completions',
      `CONNECT models.test:443 Basic ${btoa('me:secret')}`,
    ]);
  });

  it('is direct to a host that needs no proxy, and to this machine', async () => {
    const http = 'http://127.0.0.1:9'; // nothing listens there
    await ask(`http://127.0.0.1:${port}/own`, { http });
    await ask(`http://localhost:${port}/local`, { http, without: 'elsewhere.test' });
    await expect(ask('http://models.test/', { http })).rejects.toThrow('ECONNREFUSED');
    await expect(ask('http://models.test/', { http, without: '*.other.test,models.test' })).rejects.toThrow(
      'ENOTFOUND',
    );
    expect(asked).toEqual(['POST /own', 'POST /local']);
  });

  it('ends when the proxy does not connect it', async () => {
    isSilent = true;
    const asking = ask('https://models.test/', { https: `http://127.0.0.1:${port}` }, 50);
    await expect(asking).rejects.toThrow('cannot be reached');
  });
});
