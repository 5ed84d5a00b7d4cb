import { describe, expect, it } from 'vitest';

import { projectFixture } from '../../../tests/support/project-fixture.ts';
import type { Project } from '../contract/project.ts';
import { createLiveFeed, type FeedUpdate, type Link, type SubscriptionHandlers } from './live-feed.ts';

const freshness = { state: 'live', asOf: null } as const;
const permanent = new Error('permanent');
const v = (statusVersion: number, more: Partial<Project> = {}) => projectFixture({ id: 'p', statusVersion, ...more });

/** A feed whose subscriptions and timers the test controls. */
function testFeed() {
  const opened: { handlers: SubscriptionHandlers; isClosed: boolean }[] = [];
  const timers: { delayMs: number; callback: () => void; isCancelled: boolean }[] = [];
  const updates: FeedUpdate[] = [];
  const links: Link[] = [];
  const failures: unknown[] = [];
  const restarts: PromiseWithResolvers<void>[] = [];
  const feed = createLiveFeed({
    subscribe(handlers) {
      const entry = { handlers, isClosed: false };
      opened.push(entry);
      return { unsubscribe: () => void (entry.isClosed = true) };
    },
    delayMs: (failedAttempts) => failedAttempts * 100,
    isPermanent: (error) => error === permanent,
    onUpdate: (update) => updates.push(update),
    onLinkChange: (link) => links.push(link),
    onFailed: (error) => failures.push(error),
    beforeRestart() {
      const restart = Promise.withResolvers<void>();
      restarts.push(restart);
      return restart.promise;
    },
    schedule(delayMs, callback) {
      const timer = { delayMs, callback, isCancelled: false };
      timers.push(timer);
      return () => void (timer.isCancelled = true);
    },
  });
  const server = () => opened.at(-1)?.handlers ?? expect.unreachable('The feed has not subscribed.');
  return { feed, server, opened, timers, updates, links, failures, restarts };
}

describe('the live feed', () => {
  it('subscribes once, however often it is started', () => {
    const { feed, opened } = testFeed();
    feed.start();
    feed.start();
    expect(opened).toHaveLength(1);
  });

  it('is connecting until the first event and then open', () => {
    const { feed, server, links } = testFeed();
    feed.start();
    server().onConnecting();
    expect(links).toEqual(['connecting']);
    server().onEvent({ type: 'snapshot', projects: [], freshness });
    expect(links.at(-1)).toBe('open');
  });

  it('is lost from the moment when the socket reconnects until the next event', () => {
    const { feed, server, links } = testFeed();
    feed.start();
    server().onEvent({ type: 'snapshot', projects: [], freshness });
    server().onConnecting();
    expect(links.at(-1)).toBe('lost');
    server().onEvent({ type: 'freshness', freshness });
    expect(links.at(-1)).toBe('open');
  });

  it('is lost after a reset until the snapshot arrives', () => {
    const { feed, server, links } = testFeed();
    feed.start();
    server().onEvent({ type: 'reset', message: 'Some events were missed.' });
    expect(links.at(-1)).toBe('lost');
    server().onEvent({ type: 'snapshot', projects: [], freshness });
    expect(links.at(-1)).toBe('open');
  });

  it('subscribes again after a growing delay while the server ends each subscription', () => {
    const { feed, server, opened, timers, links } = testFeed();
    feed.start();
    server().onError(new Error('transient'));
    timers.at(-1)?.callback();
    server().onComplete();
    timers.at(-1)?.callback();
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([100, 200]);
    expect(opened).toHaveLength(3);
    expect(links.at(-1)).toBe('lost');
  });

  it('starts again with the shortest delay after an event', () => {
    const { feed, server, timers } = testFeed();
    feed.start();
    server().onComplete();
    timers.at(-1)?.callback();
    server().onEvent({ type: 'freshness', freshness });
    server().onComplete();
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([100, 100]);
  });

  it('stops and reports the error when subscribing again is useless', () => {
    const { feed, server, opened, timers, failures } = testFeed();
    feed.start();
    server().onError(permanent);
    expect(failures).toEqual([permanent]);
    expect(timers).toEqual([]);
    feed.start();
    expect(opened).toHaveLength(2);
  });

  it.each(['resolve', 'reject'] as const)('restarts when the preparation has ended with %s', async (outcome) => {
    const { feed, server, opened, links, restarts } = testFeed();
    feed.start();
    server().onEvent({ type: 'snapshot', projects: [], freshness });
    feed.restart();
    expect(links.at(-1)).toBe('lost');
    expect(opened.map(({ isClosed }) => isClosed)).toEqual([true]);
    restarts[0]?.[outcome]();
    await expect.poll(() => opened).toHaveLength(2);
  });

  it('does not subscribe when it was stopped during a restart, and a restart does not start a stopped feed', async () => {
    const { feed, opened, restarts } = testFeed();
    feed.restart();
    expect(opened).toHaveLength(0);
    feed.start();
    feed.restart();
    feed.stop();
    restarts[0]?.resolve();
    await restarts[0]?.promise;
    expect(opened).toHaveLength(1);
  });

  it('ignores events and cancels the retry after it was stopped', () => {
    const { feed, server, opened, timers, updates } = testFeed();
    feed.start();
    const { onEvent, onComplete } = server();
    onComplete();
    feed.stop();
    onEvent({ type: 'changed', project: v(1) });
    expect(opened[0]?.isClosed).toBe(true);
    expect(timers[0]?.isCancelled).toBe(true);
    expect(updates).toEqual([]);
  });

  it('reports only projects that are newer than in every earlier event or accepted answer', () => {
    const { feed, server, updates } = testFeed();
    feed.start();
    server().onEvent({ type: 'snapshot', projects: [v(2)], freshness });
    server().onEvent({ type: 'changed', project: v(2) });
    feed.accept(v(4));
    server().onEvent({ type: 'changed', project: v(3) });
    server().onEvent({ type: 'changed', project: v(5) });
    expect(updates.map(({ newer }) => newer.map(({ statusVersion }) => statusVersion))).toEqual([
      [2],
      [],
      [4],
      [],
      [5],
    ]);
  });

  it('reports the projects that a snapshot lacks, except those that were archived before', () => {
    const { feed, server, updates } = testFeed();
    feed.start();
    server().onEvent({ type: 'snapshot', projects: [v(1), v(1, { id: 'q' }), v(1, { id: 'r' })], freshness });
    server().onEvent({ type: 'removed', project: v(2, { id: 'q', status: 'archived' }) });
    server().onEvent({ type: 'snapshot', projects: [v(1, { id: 'r' })], freshness });
    expect(updates.at(-1)?.missing).toEqual(['p']);
  });
});
