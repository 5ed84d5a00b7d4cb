import { QueryClient } from '@tanstack/react-query';
import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';

import { createTestClock } from '../../../tests/support/test-clock.ts';
import type { SubscriptionHandlers } from '../../shared/sdk/live-feed.ts';
import { createBrowserFeed } from './browser-feed.ts';
import { createConnectionStore } from './connection.ts';
import { createProjectCache } from './project-cache.ts';
import { testProject } from './test-projects.ts';

const clock = createTestClock();
const freshness = { state: 'live', asOf: '2026-01-01T00:00:00.000Z' } as const;

/** A started feed over subscriptions that the test controls. */
function startFeed() {
  const opened: SubscriptionHandlers[] = [];
  const scheduledDelays: number[] = [];
  let disconnects = 0;
  let endedSessions = 0;
  const connection = createConnectionStore();
  const cache = createProjectCache({ queryClient: new QueryClient() });
  const feed = createBrowserFeed({
    subscribe(handlers) {
      opened.push(handlers);
      return { unsubscribe: () => undefined };
    },
    delayMs: () => 400,
    schedule(delayMs) {
      scheduledDelays.push(delayMs);
      return () => undefined;
    },
    disconnect: async () => void disconnects++,
    cache,
    connection,
    clock,
    onSessionEnded: () => void endedSessions++,
  });
  feed.start();
  const server = () => opened.at(-1) ?? expect.unreachable('The feed has not subscribed.');
  const counts = () => ({ opened: opened.length, disconnects, endedSessions, retries: scheduledDelays.length });
  return { feed, server, connection, cache, counts };
}

function refusal(appCode: string): TRPCClientError<never> {
  return TRPCClientError.from({
    error: { code: -32000, message: 'Refused.', data: { appCode, fields: {}, retryAfterSeconds: null } },
  });
}

describe('the feed of a browser tab', () => {
  it('writes a snapshot into the cache and its freshness into the connection', () => {
    const { server, connection, cache } = startFeed();
    server().onEvent({ type: 'snapshot', projects: [testProject(1)], freshness });
    expect(connection.get()).toMatchObject({ link: 'open', freshness, lastEventAtMs: clock.now() });
    expect(cache.newest(testProject(1).id)).toBeDefined();
  });

  it('writes changes and removals into the cache and keeps the freshness', () => {
    const { server, connection, cache } = startFeed();
    server().onEvent({ type: 'snapshot', projects: [testProject(1), testProject(2)], freshness });
    server().onEvent({ type: 'changed', project: testProject(1, { statusVersion: 2, status: 'stopped' }) });
    server().onEvent({ type: 'removed', project: testProject(2, { statusVersion: 2, status: 'archived' }) });
    expect(cache.newest(testProject(1).id)?.status).toBe('stopped');
    expect(cache.newest(testProject(2).id)?.status).toBe('archived');
    expect(connection.get().freshness).toEqual(freshness);
  });

  it('is connecting without a freshness until the first event arrives', () => {
    const { connection } = startFeed();
    expect(connection.get()).toMatchObject({ link: 'connecting', freshness: null, lastEventAtMs: null });
  });

  it('ends the session instead of subscribing again when the session is no longer valid', () => {
    const { server, counts } = startFeed();
    server().onError(refusal('UNAUTHENTICATED'));
    expect(counts()).toMatchObject({ endedSessions: 1, retries: 0 });
  });

  it('subscribes again after every other error', () => {
    const { server, counts } = startFeed();
    server().onError(refusal('INTERNAL'));
    expect(counts()).toMatchObject({ endedSessions: 0, retries: 1 });
  });

  it('closes the socket before it subscribes again on a restart', async () => {
    const { feed, server, connection, counts } = startFeed();
    server().onEvent({ type: 'snapshot', projects: [], freshness });
    feed.restart();
    expect(connection.get().link).toBe('lost');
    await expect.poll(counts).toMatchObject({ opened: 2, disconnects: 1 });
  });
});
