/**
 * Live status without a WebSocket: one request waits for the next events of a subscription. Clients use it while no
 * WebSocket passes between them and the server.
 */

import type { Clock } from '../../shared/clock.ts';
import { AppError } from '../../shared/contract/errors.ts';
import type { PolledEvent } from '../../shared/contract/events.ts';
import type { Credential } from '../auth/identity.ts';
import { gatherMs, keepUserMs, maxPollMs } from '../limits.ts';
import type { ProjectPolls, ProjectSubscriptions, SessionCaller } from '../services.ts';
import type { StatusHub } from './status-hub.ts';

interface ProjectPollsDeps {
  hub: Pick<StatusHub, 'keep'>;
  subscriptions: ProjectSubscriptions;
  /** How many polls of one user may wait at the same time. */
  maxPerUser: number;
  /** Ends all polls: the server stops. */
  stopping: AbortSignal;
  clock: Clock;
}

export interface OpenPolls extends ProjectPolls {
  /** Ends the polls of this credential, which was revoked. */
  endCredential: (credential: Pick<Credential, 'kind' | 'id'>) => void;
}

interface OpenPoll {
  credential: Credential | null;
  end: AbortController;
}

const signedOut = () => new AppError('UNAUTHENTICATED', 'The session has ended. Sign in again.');

export function createProjectPolls(deps: ProjectPollsDeps): OpenPolls {
  const { subscriptions, maxPerUser, stopping } = deps;
  const openByUser = new Map<string, Set<OpenPoll>>();
  const keepUser = createUserKeeper(deps.hub);

  function open({ user, credential }: SessionCaller): OpenPoll {
    const polls = openByUser.get(user.id) ?? new Set();
    if (polls.size >= maxPerUser) {
      throw new AppError('RATE_LIMITED', 'Too many of your pages wait for changes. Close some of them.', {
        retryAfterSeconds: 10,
      });
    }
    const poll = { credential, end: new AbortController() };
    openByUser.set(user.id, polls.add(poll));
    return poll;
  }

  function close(userId: string, poll: OpenPoll): void {
    const polls = openByUser.get(userId);
    polls?.delete(poll);
    if (polls?.size === 0) openByUser.delete(userId);
  }

  return {
    async poll(caller, { projectId, lastEventId, signal }) {
      if (stopping.aborted) {
        throw new AppError('UNAVAILABLE', 'The server is stopping. Ask again.', { retryAfterSeconds: 1 });
      }
      const { user, credential } = caller;
      const leftMs = credential?.expiresAt ? credential.expiresAt.getTime() - deps.clock.now() : Infinity;
      const poll = open(caller);
      keepUser(user.id);
      const isOver = new AbortController();
      let timer = setTimeout(() => isOver.abort(), Math.max(0, Math.min(maxPollMs, leftMs)));
      const signals = AbortSignal.any([signal, stopping, poll.end.signal, isOver.signal]);
      const events: PolledEvent[] = [];
      try {
        const options = { projectId, lastEventId, signal: signals, whenWritable: () => Promise.resolve() };
        for await (const [id, event] of subscriptions.subscribe(caller, options)) {
          if (event.type === 'reset' && events.length === 0) throw outage(event.message);
          events.push({ id, event });
          // A resumed subscription begins with the freshness, and a snapshot follows a reset.
          const isFirst = events.length === 1 && event.type === 'freshness';
          if (isFirst || event.type === 'reset') continue;
          clearTimeout(timer);
          timer = setTimeout(() => isOver.abort(), gatherMs);
        }
      } finally {
        clearTimeout(timer);
        close(user.id, poll);
        keepUser(user.id);
      }
      if (poll.end.signal.aborted) throw signedOut();
      return { events };
    },
    endCredential({ kind, id }) {
      for (const polls of openByUser.values()) {
        for (const { credential, end } of polls) {
          if (credential?.kind === kind && credential.id === id) end.abort();
        }
      }
    },
  };
}

/** The database does not answer: a subscription waits for it, but the client of a poll wants to know. */
function outage(message: string): AppError {
  return new AppError('UNAVAILABLE', message, { retryAfterSeconds: 2 });
}

/**
 * Keeps a user in the hub until the next poll. The comparison with the database then still knows which versions were
 * delivered, and notices what the stream lost between two polls.
 */
function createUserKeeper(hub: Pick<StatusHub, 'keep'>): (userId: string) => void {
  const kept = new Map<string, NodeJS.Timeout>();
  return (userId) => {
    const timer = kept.get(userId);
    if (timer) return void timer.refresh();
    const release = hub.keep(userId);
    const forget = () => {
      kept.delete(userId);
      release();
    };
    kept.set(userId, setTimeout(forget, keepUserMs).unref());
  };
}
