import { QueryClient } from '@tanstack/react-query';
import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';

import { createBackOff } from './back-off.ts';
import { createConnectionStore } from './connection.ts';
import { createLiveFeed, type FeedHandlers } from './live-feed.ts';
import { createProjectCache } from './project-cache.ts';
import { testProject } from './test-projects.ts';

/** A feed over subscriptions that the test drives, with timers that run when it says so. */
function testFeed() {
  const opened: { handlers: FeedHandlers; closed: boolean }[] = [];
  const timers: { delayMs: number; callback: () => void; cancelled: boolean }[] = [];
  const ended: string[] = [];
  const disconnects: string[] = [];
  const connection = createConnectionStore();
  const cache = createProjectCache({ queryClient: new QueryClient() });
  const feed = createLiveFeed({
    subscribe: (handlers) => {
      const entry = { handlers, closed: false };
      opened.push(entry);
      return { unsubscribe: () => void (entry.closed = true) };
    },
    disconnect: async () => void disconnects.push('closed'),
    cache,
    connection,
    backOff: createBackOff({ random: () => 1 }),
    now: () => 1000,
    later: (delayMs, callback) => {
      const timer = { delayMs, callback, cancelled: false };
      timers.push(timer);
      return () => void (timer.cancelled = true);
    },
    onSessionEnded: () => ended.push('ended'),
  });
  const last = () => opened.at(-1)?.handlers ?? expect.unreachable('nothing was subscribed');
  return { feed, opened, timers, ended, disconnects, connection, cache, last };
}

const snapshot = {
  type: 'snapshot',
  projects: [testProject(1)],
  freshness: { state: 'live', asOf: '2026-01-01T00:00:00.000Z' },
} as const;

function refusal(appCode: string): TRPCClientError<never> {
  return TRPCClientError.from({
    error: { code: -32000, message: 'Refused.', data: { appCode, fields: {}, retryAfterSeconds: null } },
  });
}

describe('the live feed', () => {
  it('writes what it hears and says that it is live', () => {
    const { feed, last, connection, cache } = testFeed();
    feed.start();
    last().onEvent({ ...snapshot, projects: [...snapshot.projects] });
    expect(connection.get()).toMatchObject({ link: 'open', freshness: snapshot.freshness, heardAtMs: 1000 });
    expect(cache.newest(testProject(1).id)).toBeDefined();
  });

  it('subscribes once, however often it is started', () => {
    const { feed, opened } = testFeed();
    feed.start();
    feed.start();
    expect(opened).toHaveLength(1);
  });

  it('is not live from the moment when the socket is lost until something is heard again', () => {
    const { feed, last, connection } = testFeed();
    feed.start();
    last().onEvent({ ...snapshot, projects: [] });
    last().onConnecting();
    expect(connection.get().link).toBe('lost');
    last().onEvent({ type: 'freshness', freshness: snapshot.freshness });
    expect(connection.get().link).toBe('open');
  });

  it('is not live after a reset until the snapshot is there', () => {
    const { feed, last, connection } = testFeed();
    feed.start();
    last().onEvent({ ...snapshot, projects: [] });
    last().onEvent({ type: 'reset', message: 'Some events were missed.' });
    expect(connection.get().link).toBe('lost');
    last().onEvent({ ...snapshot, projects: [] });
    expect(connection.get().link).toBe('open');
  });

  it('subscribes anew after a growing delay when the server ends the subscription, again and again', () => {
    const { feed, opened, timers, last } = testFeed();
    feed.start();
    last().onError(refusal('INTERNAL'));
    timers.at(-1)?.callback();
    last().onComplete();
    timers.at(-1)?.callback();
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([400, 800]);
    expect(opened).toHaveLength(3);
  });

  it('asks for sign-in instead of trying again when the session has ended', () => {
    const { feed, timers, ended, last } = testFeed();
    feed.start();
    last().onError(refusal('UNAUTHENTICATED'));
    expect(ended).toEqual(['ended']);
    expect(timers).toEqual([]);
  });

  it('begins anew on a new socket when the network is back, and is live only when that one speaks', async () => {
    const { feed, opened, last, connection, disconnects } = testFeed();
    feed.start();
    last().onEvent({ ...snapshot, projects: [] });
    feed.restart();
    expect(connection.get().link).toBe('lost');
    await expect.poll(() => opened).toHaveLength(2);
    expect(disconnects).toEqual(['closed']);
    expect(opened[0]?.closed).toBe(true);
    last().onEvent({ ...snapshot, projects: [] });
    expect(connection.get().link).toBe('open');
  });

  it('is not begun by the network alone when nobody is signed in', () => {
    const { feed, opened, disconnects } = testFeed();
    feed.restart();
    expect([opened, disconnects]).toEqual([[], []]);
  });

  it('leaves nothing behind when it is stopped', () => {
    const { feed, opened, timers, last, connection } = testFeed();
    feed.start();
    const { onEvent } = last();
    last().onComplete();
    feed.stop();
    expect(opened[0]?.closed).toBe(true);
    expect(timers[0]?.cancelled).toBe(true);
    onEvent({ ...snapshot, projects: [] });
    expect(connection.get().heardAtMs).toBeNull();
  });
});
