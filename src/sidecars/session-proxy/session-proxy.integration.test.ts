import { once } from 'node:events';
import { request as send, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { readOpenCodeSchema } from '../../../tests/support/opencode-schema.ts';
import { hasOpenCode, startOpenCode } from '../../../tests/support/opencode.ts';
import { openCodeVersion } from '../../shared/contract/check-config.ts';
import pinnedSchema from '../../shared/contract/opencode-schema.json' with { type: 'json' };
import { createGate } from '../access.ts';
import { createSessionProxy } from './server.ts';

const token = 'a-secret-of-this-project';
const authorization = `Bearer ${token}`;

describe.runIf(hasOpenCode)('the session proxy in front of the real OpenCode', { timeout: 60_000 }, () => {
  let openCode: Awaited<ReturnType<typeof startOpenCode>>;

  let proxy: Server;
  let proxyUrl: string;

  beforeAll(async () => {
    openCode = await startOpenCode(token);
    proxy = createSessionProxy({
      upstream: { host: '127.0.0.1', port: openCode.port },
      password: token,
      isAllowed: createGate(token),
      configFolder: openCode.configFolder,
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`; // it listens on TCP
  });
  afterAll(async () => {
    proxy?.closeAllConnections();
    proxy?.close();
    await openCode?.stop();
  });

  it('is needed because OpenCode refuses requests without its password', async () => {
    expect((await fetch(`http://127.0.0.1:${openCode.port}/session`)).status).toBe(401);
  });

  it('forwards health checks, and a session that is created through it is in the list', async () => {
    const headers = { authorization, 'content-type': 'application/json' };
    expect(await (await fetch(`${proxyUrl}/global/health`, { headers })).json()).toMatchObject({ healthy: true });
    const created = (await (
      await fetch(`${proxyUrl}/session`, { method: 'POST', headers, body: JSON.stringify({ title: 'By proxy' }) })
    ).json()) as { id: string };
    const sessions = (await (await fetch(`${proxyUrl}/session`, { headers })).json()) as {
      id: string;
      title: string;
    }[];
    expect(sessions).toContainEqual(expect.objectContaining({ id: created.id, title: 'By proxy' }));
  });

  it('opens a terminal for a page of the project’s origin, and reports the commands in it until they end', async () => {
    const host = 'p-1.localhost:3080';
    const ask = async (method: string, path: string, headers: Record<string, string> = {}) => {
      const sent = send(`${proxyUrl}${path}`, {
        method,
        headers: { authorization, host, origin: `http://${host}`, 'content-type': 'application/json', ...headers },
      });
      sent.end(method === 'POST' ? '{}' : undefined);
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      return { status: answer.statusCode, body: (await json(answer)) as Record<string, string> };
    };
    const { id } = (await ask('POST', '/pty')).body;
    const ticketed = await ask('POST', `/pty/${id}/connect-token`, { 'x-opencode-ticket': '1' });
    expect(ticketed.status).toBe(200);
    const terminal = new WebSocket(
      `${proxyUrl.replace('http', 'ws')}/pty/${id}/connect?ticket=${ticketed.body['ticket']}`,
      {
        headers: { authorization, host, origin: `http://${host}` },
      },
    );
    await once(terminal, 'open');
    // `busySessions` is null until OpenCode has had the time to answer.
    await expect
      .poll(async () => (await ask('GET', '/activity')).body, { timeout: 20_000 })
      .toMatchObject({ busySessions: 0, runningCommands: 0, openTerminals: 1 });

    // A command counts also when nobody watches its terminal.
    terminal.send('sleep 1000\n');
    await expect
      .poll(async () => (await ask('GET', '/activity')).body, { timeout: 20_000 })
      .toMatchObject({ runningCommands: 1 });
    terminal.terminate();
    await expect
      .poll(async () => (await ask('GET', '/activity')).body, { timeout: 20_000 })
      .toMatchObject({ runningCommands: 1, openTerminals: 0 });
    await ask('DELETE', `/pty/${id}`);
    await expect
      .poll(async () => (await ask('GET', '/activity')).body, { timeout: 20_000 })
      .toMatchObject({ runningCommands: 0 });
  });

  it('stands in front of an OpenCode that has the schema which configurations are checked by', async () => {
    const password = `Basic ${Buffer.from(`opencode:${token}`).toString('base64')}`;
    const schema = await readOpenCodeSchema(`http://127.0.0.1:${openCode.port}`, password);
    // If it differs: node tests/support/update-opencode-schema.ts
    expect(schema).toEqual(pinnedSchema);
    const health = await (await fetch(`${proxyUrl}/global/health`, { headers: { authorization } })).json();
    expect(health).toMatchObject({ version: openCodeVersion });
  });

  it('compresses the scripts of the user interface', async () => {
    const page = await (await fetch(`${proxyUrl}/`, { headers: { authorization } })).text();
    const script = /src="([^"]+\.js)"/.exec(page)?.[1] ?? '';
    const compressed = await fetch(new URL(script, proxyUrl), { headers: { authorization } });
    expect(compressed.headers.get('content-encoding')).toBe('gzip');
    const plain = await fetch(new URL(script, proxyUrl), { headers: { authorization, 'accept-encoding': 'identity' } });
    expect(await compressed.text()).toBe(await plain.text());
  });

  it('forwards the events of OpenCode as they arrive', async () => {
    const reading = new AbortController();
    const { body } = await fetch(`${proxyUrl}/event`, { headers: { authorization }, signal: reading.signal });
    const first = await body?.getReader().read();
    expect(new TextDecoder().decode(first?.value)).toContain('server.connected');
    reading.abort();
  });
});
