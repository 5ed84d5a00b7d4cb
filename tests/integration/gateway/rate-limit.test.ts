import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { startGatewaySystem, type GatewaySystem } from '../../support/gateway-system.ts';

let system: GatewaySystem;
let projectId: string;

beforeAll(async () => {
  system = await startGatewaySystem({ GATEWAY_RATE_LIMIT_PER_MINUTE: '60', TRUSTED_PROXIES: '1' });
  projectId = await system.createProject('anna', null);
});
afterAll(() => system.stop());

const from = (address: string) => ({ 'x-forwarded-for': `203.0.113.9, ${address}` });

describe('requests to projects from one address', () => {
  it('are refused with 429 and the time to wait beyond the limit, and other addresses are served', async () => {
    const session = await system.signIn('anna');
    const cookie = await system.enter(session, projectId);
    const ask = (address: string, headers = {}) => system.ask({ projectId, headers: { ...from(address), ...headers } });
    const startedAtMs = performance.now();
    let admitted = 0;
    let answer = await ask('192.0.2.1');
    for (; answer.status === 401; admitted += 1) answer = await ask('192.0.2.1');
    // The limit gives a request back each second, and the requests take some time.
    expect(admitted).toBeGreaterThanOrEqual(60);
    expect(admitted).toBeLessThanOrEqual(61 + (performance.now() - startedAtMs) / 1_000);
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '1']);
    expect((await ask('192.0.2.2', { cookie })).status).toBe(503); // admitted, and the pod is not there yet
  });

  it('include WebSockets', async () => {
    const address = '192.0.2.3';
    let answer = await system.ask({ projectId, headers: from(address) });
    while (answer.status !== 429) answer = await system.ask({ projectId, headers: from(address) });
    const { host } = new URL(system.originOf(projectId));
    const socket = new WebSocket(`ws://127.0.0.1:${system.gateway.port}/`, { headers: { host, ...from(address) } });
    socket.on('error', () => undefined); // it is refused
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(429);
    socket.terminate();
  });
});
