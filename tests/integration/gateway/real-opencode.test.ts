/** From the open button to the real OpenCode: gateway, session proxy and OpenCode, without a cluster. */

import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { createGate } from '../../../src/sidecars/access.ts';
import { createSessionProxy } from '../../../src/sidecars/session-proxy/server.ts';
import {
  startGatewaySystem,
  testAccessKeys,
  type GatewayRequest,
  type GatewaySystem,
} from '../../support/gateway-system.ts';
import { hasOpenCode, startOpenCode } from '../../support/opencode.ts';

const address = '127.99.3.2';

describe.runIf(hasOpenCode)('the real OpenCode at the origin of a project', { timeout: 60_000 }, () => {
  let system: GatewaySystem;
  let openCode: Awaited<ReturnType<typeof startOpenCode>>;
  let proxy: Server;
  let projectId: string;
  let ask: (request: Omit<GatewayRequest, 'projectId'>) => ReturnType<GatewaySystem['ask']>;
  let browser: { cookie: string; origin: string };

  beforeAll(async () => {
    system = await startGatewaySystem();
    projectId = await system.createProject('owner', address);
    const { opencode, sidecar } = testAccessKeys.currentCredentials(projectId);
    openCode = await startOpenCode(opencode);
    proxy = createSessionProxy({
      upstream: { host: '127.0.0.1', port: openCode.port },
      password: opencode,
      isAllowed: createGate(sidecar),
    });
    await once(proxy.listen(3002, address), 'listening');
    const cookie = await system.enter(await system.signIn('owner'), projectId);
    browser = { cookie, origin: system.originOf(projectId) };
    ask = (request) => system.ask({ projectId, ...request, headers: { ...browser, ...request.headers } });
  });
  afterAll(async () => {
    await system?.stop();
    proxy?.closeAllConnections();
    proxy?.close();
    await openCode?.stop();
  });

  it('shows its page to the browser, and creates sessions for it', async () => {
    const page = await ask({ path: '/L3dvcmtzcGFjZS9wcm9qZWN0/session', headers: { accept: 'text/html' } });
    expect([page.status, page.text]).toEqual([200, expect.stringMatching(/<script/)]);
    const json = { 'content-type': 'application/json' };
    const created = await ask({ method: 'POST', path: '/session', headers: json, body: '{"title":"By gateway"}' });
    expect(JSON.parse(created.text)).toMatchObject({ title: 'By gateway' });
  });

  it('streams its events, and opens its terminal', async () => {
    const events = await system.open({ projectId, path: '/global/event', headers: browser });
    expect(String((await once(events, 'data'))[0])).toContain('server.connected');
    events.destroy();

    const json = { 'content-type': 'application/json' };
    const { id } = JSON.parse((await ask({ method: 'POST', path: '/pty', headers: json, body: '{}' })).text) as {
      id: string;
    };
    const ticketed = await ask({
      method: 'POST',
      path: `/pty/${id}/connect-token`,
      headers: { 'x-opencode-ticket': '1' },
    });
    const { ticket } = JSON.parse(ticketed.text) as { ticket: string };
    const terminal = new WebSocket(`ws://127.0.0.1:${system.gateway.port}/pty/${id}/connect?ticket=${ticket}`, {
      headers: { ...browser, host: new URL(browser.origin).host },
    });
    let shown = '';
    terminal.on('message', (data: Buffer) => (shown += data.toString()));
    await once(terminal, 'open');
    terminal.send('echo $((40 + 2))\n');
    await expect.poll(() => shown, { timeout: 30_000 }).toContain('42');
    const refused = new WebSocket(`ws://127.0.0.1:${system.gateway.port}/pty/${id}/connect`, {
      headers: { cookie: browser.cookie, host: new URL(browser.origin).host, origin: 'http://evil.example' },
    });
    const [, answer] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(answer.statusCode).toBe(403);
    terminal.terminate();
  });

  it('takes a personal access token as OpenCode’s own SDK sends it', async () => {
    const authorization = `Bearer ${await system.server.mintToken('owner')}`;
    const { status, text } = await system.ask({ projectId, path: '/session', headers: { authorization } });
    expect([status, JSON.parse(text)]).toEqual([
      200,
      expect.arrayContaining([expect.objectContaining({ title: 'By gateway' })]),
    ]);
  });
});
