/**
 * Keeps one subscription to `projects.onChange` open, in the browser and in the SDK. What is below (`live-subscription.ts`)
 * reconnects by itself and resumes after its last event id. This feed subscribes again, after a back-off, when the server ended the
 * subscription. It also finds out which projects of an event are newer than all earlier ones.
 */

import type { ProjectEvent } from '../contract/events.ts';
import type { Project } from '../contract/project.ts';
import { createVersionTracker } from './version-tracker.ts';

export interface SubscriptionHandlers {
  onEvent: (event: ProjectEvent) => void;
  /** The socket is being opened, for the first time or again. */
  onConnecting: () => void;
  onError: (error: unknown) => void;
  /** The server ended the subscription. */
  onComplete: () => void;
}

/** `connecting`: since the start. `open`: events arrive. `lost`: no events arrive, and the feed tries again. */
export type Link = 'connecting' | 'open' | 'lost';

export interface FeedUpdate {
  event: ProjectEvent;
  /** The projects of the event that are newer than in every earlier event. */
  newer: Project[];
  /** Ids that earlier events had and this snapshot lacks: these projects were deleted while no events arrived. */
  missing: string[];
}

export interface LiveFeedDeps {
  /** Opens `projects.onChange`. */
  subscribe: (handlers: SubscriptionHandlers) => { unsubscribe(): void };
  /** How long to wait before subscribing again, in milliseconds. `failedAttempts` counts from 1. */
  delayMs: (failedAttempts: number) => number;
  /** Whether the same subscription will fail again, so that subscribing again is useless. */
  isPermanent: (error: unknown) => boolean;
  onUpdate: (update: FeedUpdate) => void;
  onLinkChange?: (link: Link) => void;
  /** The feed stopped itself because of this permanent error. */
  onFailed: (error: unknown) => void;
  /** Runs before {@link LiveFeed.restart} subscribes again, for example to close a dead socket. May reject. */
  beforeRestart?: () => Promise<void>;
  /** Calls back after the delay; returns the function that cancels it. */
  schedule?: (delayMs: number, callback: () => void) => () => void;
}

export interface LiveFeed {
  /** Starting a running feed has no effect. */
  start(): void;
  /** Stopping a stopped feed has no effect. */
  stop(): void;
  /** Subscribes again at once if the feed is running: the network has changed, and the socket may be dead. */
  restart(): void;
  /** Handles the answer of another call as if it were an event, so that older events about the project are dropped. */
  accept(project: Project): void;
}

interface Session {
  subscription: { unsubscribe(): void } | null;
  cancelRetry: () => void;
}

const newSession = (): Session => ({ subscription: null, cancelRetry: () => undefined });

/** Creates the feed, stopped. */
export function createLiveFeed(deps: LiveFeedDeps): LiveFeed {
  const { schedule = scheduleTimeout } = deps;
  /** `null` while the feed is stopped. Callbacks of an earlier session are ignored. */
  let running: Session | null = null;
  let versions = createVersionTracker();
  let hasReceivedEvents = false;
  let failedAttempts = 0;

  function receive(event: ProjectEvent): void {
    failedAttempts = 0;
    hasReceivedEvents = true;
    deps.onUpdate({ event, ...versions.receive(event) });
    deps.onLinkChange?.(event.type === 'reset' ? 'lost' : 'open'); // a snapshot follows a reset
  }

  function subscribeAgainLater(session: Session): void {
    if (running !== session) return;
    failedAttempts += 1;
    deps.onLinkChange?.('lost');
    session.cancelRetry = schedule(deps.delayMs(failedAttempts), () => open(session));
  }

  function open(session: Session): void {
    if (running !== session) return;
    session.subscription = deps.subscribe({
      onEvent: (event) => {
        if (running === session) receive(event);
      },
      onConnecting: () => {
        // An opened socket proves nothing: only the next event makes the link open again.
        if (running === session && hasReceivedEvents) deps.onLinkChange?.('lost');
      },
      onError: (error) => {
        if (running !== session) return;
        if (!deps.isPermanent(error)) return subscribeAgainLater(session);
        end();
        deps.onFailed(error);
      },
      onComplete: () => subscribeAgainLater(session),
    });
  }

  function end(): void {
    const session = running;
    running = null;
    session?.cancelRetry();
    session?.subscription?.unsubscribe();
  }

  return {
    start() {
      if (running !== null) return;
      versions = createVersionTracker();
      hasReceivedEvents = false;
      failedAttempts = 0;
      running = newSession();
      deps.onLinkChange?.('connecting');
      open(running);
    },
    stop: end,
    restart() {
      if (running === null) return;
      end();
      const session = newSession();
      running = session;
      deps.onLinkChange?.('lost');
      const reopen = () => open(session);
      (deps.beforeRestart?.() ?? Promise.resolve()).then(reopen, reopen);
    },
    accept(project) {
      if (running !== null) receive({ type: project.status === 'archived' ? 'removed' : 'changed', project });
    },
  };
}

function scheduleTimeout(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
