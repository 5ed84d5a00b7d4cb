import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { connectionView } from '../../src/client/api/connection.ts';
import { createApp } from '../../src/client/app.ts';
import type { Project } from '../../src/shared/contract/project.ts';
import { createClient } from '../../src/shared/sdk/client.ts';
import { bearer, createApiCall } from '../support/api-call.ts';
import { startHttpProxy, type HttpProxy, type WebSocketMode } from '../support/http-proxy.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let database: TestDatabase;
let server: TestServer;
const modes: WebSocketMode[] = ['refuse', 'hold', 400, 'pass'];
/** A person with a project for each test. */
const owners = new Map<WebSocketMode, { token: string; id: string }>();
const undo: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
  for (const mode of modes) {
    const token = await server.mintToken(`owner ${mode}`);
    const { data } = await createApiCall(server.url, bearer(token))('projects.create', { body: { name: 'Watched' } });
    owners.set(mode, { token, id: (data as Project).id }); // the schema of the answer
  }
});
afterAll(async () => {
  vi.unstubAllGlobals();
  for (const step of undo) await step();
  await server.stop();
  await database.drop();
});

async function startProxy(mode: WebSocketMode, headers: Record<string, string> = {}): Promise<HttpProxy> {
  const proxy = await startHttpProxy(server.port, { mode, headers });
  undo.push(proxy.close);
  return proxy;
}

/** Watches all projects through the proxy. Returns the newest description of each. */
function watchAll(url: string, token: string): Map<string, string> {
  const client = createClient({ url, token });
  undo.push(() => client.close());
  const newest = new Map<string, string>();
  void (async () => {
    for await (const { id, description } of client.watch()) newest.set(id, description);
  })();
  return newest;
}

/** Changes a project, past the proxy. */
async function describeProject(token: string, id: string, description: string): Promise<void> {
  const { status } = await createApiCall(server.url, bearer(token))('projects.update', { body: { id, description } });
  expect(status).toBe(200);
}

function ownerOf(mode: WebSocketMode): { token: string; id: string } {
  const owner = owners.get(mode);
  if (!owner) throw new Error('Each mode has an owner.');
  return owner;
}

describe.concurrent('fault 42: a proxy between client and server', () => {
  it.each<{ what: string; mode: WebSocketMode; withinMs: number }>([
    { what: 'refuses WebSockets', mode: 'refuse', withinMs: 5_000 },
    { what: 'accepts WebSockets and holds back what the server sends', mode: 'hold', withinMs: 12_000 },
    { what: 'cuts every WebSocket after a while', mode: 400, withinMs: 5_000 },
  ])('that $what: the SDK receives every state', async ({ mode, withinMs }) => {
    const { token, id } = ownerOf(mode);
    const { url } = await startProxy(mode);
    const newest = watchAll(url, token);
    await vi.waitFor(() => expect(newest.get(id)).toBe(''), withinMs);
    for (const description of ['one', 'two', 'three']) {
      await describeProject(token, id, description);
      await vi.waitFor(() => expect(newest.get(id)).toBe(description), 5_000);
    }
  });

  it('that refuses WebSockets: the page is current and says why it polls, until WebSockets pass', async () => {
    const { token, id } = ownerOf('pass');
    const proxy = await startProxy('refuse', bearer(token));
    const { fetch: fetchAbsolute } = globalThis;
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => fetchAbsolute(new URL(url, proxy.url), init));
    const location = { origin: proxy.url, pathname: '/projects', search: '', assign: () => undefined };
    const parts = { location, setTimeout, clearTimeout, fetch, addEventListener: () => undefined };
    const { services } = createApp({ window: parts as unknown as Window & typeof globalThis }); // all that it uses
    const { connection, liveFeed, projectCache } = services;
    const links: string[] = [];
    connection.subscribe(() => links.push(connection.get().link));
    undo.push(() => liveFeed.stop());
    liveFeed.start();
    const isOpen = (isPolling: boolean) => () => expect(connection.get()).toMatchObject({ link: 'open', isPolling });
    await vi.waitFor(isOpen(true), 10_000);
    const live = { ...connection.get(), freshness: { state: 'live', asOf: null } as const };
    const { title, message } = connectionView(live, { formatTime: String });
    expect(title + message).toMatch(/arrive by polling.*does not pass WebSockets/);

    const written = vi.spyOn(projectCache, 'write');
    links.length = 0;
    const before = proxy.handshakes();
    await describeProject(token, id, 'polled');
    const change = expect.objectContaining({ project: expect.objectContaining({ description: 'polled' }) });
    await vi.waitFor(() => expect(written).toHaveBeenCalledWith(change), 5_000);
    await vi.waitFor(() => expect(proxy.handshakes()).toBeGreaterThan(before), 10_000); // it is tried all the time
    expect(links).not.toContain('lost');

    proxy.setMode('pass');
    await vi.waitFor(isOpen(false), 15_000);
  }, 30_000);
});
