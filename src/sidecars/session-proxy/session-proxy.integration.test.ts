import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hasOpenCode, startOpenCode } from '../../../tests/support/opencode.ts';
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

  it('forwards the events of OpenCode as they arrive', async () => {
    const reading = new AbortController();
    const { body } = await fetch(`${proxyUrl}/event`, { headers: { authorization }, signal: reading.signal });
    const first = await body?.getReader().read();
    expect(new TextDecoder().decode(first?.value)).toContain('server.connected');
    reading.abort();
  });
});
