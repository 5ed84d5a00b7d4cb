import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { AppError } from '../contract/errors.ts';
import type { PolledEvent, ProjectEvent, ProjectPoll } from '../contract/events.ts';
import type { LiveSubscriptionDeps } from './live-subscription.ts';
import { subscribeLive } from './live-subscription.ts';

const freshness = { state: 'live', asOf: null } as const;
const snapshot: ProjectEvent = { type: 'snapshot', projects: [], freshness };
const event: ProjectEvent = { type: 'freshness', freshness };

type SocketHandlers = Parameters<LiveSubscriptionDeps['openSocket']>[0];

/** A socket and a server that the test plays. */
function start() {
  const sockets: SocketHandlers[] = [];
  const polls: { lastEventId: string | null; signal: AbortSignal; answer: PromiseWithResolvers<ProjectPoll> }[] = [];
  const calls: unknown[] = [];
  const { unsubscribe } = subscribeLive(
    {
      openSocket(handlers) {
        sockets.push(handlers);
        return { unsubscribe: () => calls.push('unsubscribed') };
      },
      poll(lastEventId, signal) {
        const answer = Promise.withResolvers<ProjectPoll>();
        polls.push({ lastEventId, signal, answer });
        return answer.promise;
      },
      delayMs: (failedAttempts) => 1_000 * failedAttempts,
      onPolling: (isPolling) => calls.push({ isPolling }),
    },
    {
      onEvent: (one) => calls.push(one.type),
      onConnecting: () => calls.push('connecting'),
      onError: (error) => calls.push(error),
      onComplete: () => calls.push('complete'),
    },
  );
  const [socket] = sockets;
  if (!socket) throw new Error('The socket is opened at once.');
  const answer = async (...events: PolledEvent[]) => {
    polls.at(-1)?.answer.resolve({ events });
    await vi.advanceTimersByTimeAsync(0);
  };
  return { socket, polls, calls, answer, unsubscribe };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a subscription whose WebSocket does not pass', () => {
  it('polls after two attempts that failed, or brought nothing for some seconds', async () => {
    const refused = start();
    refused.socket.onConnecting(true);
    expect(refused.polls).toEqual([]);
    refused.socket.onConnecting(true);
    expect(refused.polls).toMatchObject([{ lastEventId: null }]);

    const silent = start();
    await vi.advanceTimersByTimeAsync(4_100);
    expect(silent.polls).toEqual([]);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(silent.polls).toMatchObject([{ lastEventId: null }]);
  });

  it('passes on the events of polls, and asks for those after the last one', async () => {
    const { socket, polls, calls, answer } = start();
    for (let attempt = 0; attempt < 2; attempt += 1) socket.onConnecting(true);
    await answer({ id: '1-0', event: snapshot });
    expect(calls.slice(-2)).toEqual([{ isPolling: true }, 'snapshot']);
    await vi.advanceTimersByTimeAsync(300);
    expect(polls.at(-1)?.lastEventId).toBe('1-0');
    const before = calls.length;
    socket.onConnecting(true); // it is tried all the time
    expect(calls.length).toBe(before);
    await answer({ id: '2-0', event });
    expect(calls.slice(before)).toEqual(['freshness']);
  });

  it('returns to the WebSocket with its first event, and drops what polls still answer', async () => {
    const { socket, polls, calls, answer } = start();
    for (let attempt = 0; attempt < 2; attempt += 1) socket.onConnecting(true);
    await answer({ id: '1-0', event: snapshot });
    await vi.advanceTimersByTimeAsync(300);
    socket.onEvent(snapshot);
    expect(calls.slice(-2)).toEqual([{ isPolling: false }, 'snapshot']);
    expect(polls.at(-1)?.signal.aborted).toBe(true);
    const before = calls.length;
    await answer({ id: '2-0', event });
    await vi.advanceTimersByTimeAsync(60_000);
    expect([calls.length, polls.length]).toEqual([before, 2]);
  });

  it('does not poll when single attempts fail between events', async () => {
    const { socket, polls } = start();
    for (let cut = 0; cut < 20; cut += 1) {
      socket.onEvent(event);
      socket.onConnecting(true);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(polls).toEqual([]);
  });

  it('tries failed polls again after a back-off, and then begins with a snapshot', async () => {
    const { socket, polls, calls } = start();
    for (let attempt = 0; attempt < 2; attempt += 1) socket.onConnecting(true);
    for (let failed = 1; failed <= 3; failed += 1) {
      polls.at(-1)?.answer.reject(new TypeError('fetch failed'));
      await vi.advanceTimersByTimeAsync(1_000 * failed - 10);
      expect(polls.length).toBe(failed);
      await vi.advanceTimersByTimeAsync(20);
      expect(polls.length).toBe(failed + 1);
    }
    expect(polls.at(-1)?.lastEventId).toBeNull();
    expect(calls).not.toContainEqual({ isPolling: true });
  });

  it('asks less and less often while the server can only answer with snapshots', async () => {
    const { socket, polls, answer } = start();
    for (let attempt = 0; attempt < 2; attempt += 1) socket.onConnecting(true);
    for (const pauseMs of [250, 2_000, 3_000]) {
      await answer({ id: '0-0', event: snapshot });
      const before = polls.length;
      await vi.advanceTimersByTimeAsync(pauseMs - 10);
      expect(polls.length).toBe(before);
      await vi.advanceTimersByTimeAsync(20);
      expect(polls.length).toBe(before + 1);
    }
  });

  it('ends with the error of a poll that will fail again, such as the end of the session', async () => {
    const { socket, polls, calls } = start();
    for (let attempt = 0; attempt < 2; attempt += 1) socket.onConnecting(true);
    const ended = new AppError('UNAUTHENTICATED', 'The session has ended.');
    polls[0]?.answer.reject(ended);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(calls.slice(-2)).toEqual(['unsubscribed', ended]);
    expect(polls.length).toBe(1);
  });

  it('stops polling when it is unsubscribed', async () => {
    const { socket, polls, calls, unsubscribe } = start();
    for (let attempt = 0; attempt < 2; attempt += 1) socket.onConnecting(true);
    unsubscribe();
    const before = calls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(polls.map(({ signal }) => signal.aborted)).toEqual([true]);
    expect(calls.length).toBe(before);
  });
});
