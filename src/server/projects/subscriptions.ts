/**
 * One live subscription in three phases. Backfill: join the hub, then read a snapshot, or the entries after the last event
 * id. Cutover: events that arrived meanwhile wait in the send buffer, and those that the snapshot already has are dropped.
 * Live: pass on each event as fast as the subscriber reads. It ends when its signal aborts, and then leaves the hub.
 */

import { tracked, type TrackedEnvelope } from '@trpc/server';

import { backOffMs } from '../../shared/back-off.ts';
import type { ProjectEvent } from '../../shared/contract/events.ts';
import type { Project, PublishedProject } from '../../shared/contract/project.ts';
import { outageOf } from '../../shared/node/db/outage.ts';
import { projectFor } from '../../shared/node/project-access.ts';
import type { ProjectSubscriptions } from '../services.ts';
import { createSendBuffer, type BufferedEvent } from './send-buffer.ts';
import { projectNotFound } from './service.ts';
import type { StatusHub } from './status-hub.ts';

interface ProjectSubscriptionsDeps {
  hub: StatusHub;
  source: {
    /** All projects that the person owns, or that are shared with the person, without those that are archived. */
    listProjects(userId: string): Promise<PublishedProject[]>;
    /** The project in any state, if the person may see it. */
    findProject(key: { id: string; userId: string }): Promise<PublishedProject | null>;
  };
  /** Resolves after this time, or at once when the signal aborts. Never rejects. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A number from 0 (inclusive) to 1 (exclusive). */
  random: () => number;
}

type Event = TrackedEnvelope<ProjectEvent>;

/** The id of a reset. A client that is cut off before the snapshot must not resume: it would never receive the snapshot. */
const noResumeId = 'reset';

/** An id of the stream says nothing after a restore of the database, so it names the number of restores, unless there was none. */
function trackedEvent(hub: Pick<StatusHub, 'restores'>, id: string, event: ProjectEvent): Event {
  const restores = hub.restores();
  return tracked(restores === 0 ? id : `${id}@${restores}`, event);
}

/** The id in the stream, or `null` if the event was sent before a restore. */
function entryIdOf(hub: Pick<StatusHub, 'restores'>, eventId: string): string | null {
  const [id = '', restores = '0'] = eventId.split('@');
  return restores === String(hub.restores()) ? id : null;
}

const databaseBackOff = { firstMs: 500, longestMs: 5_000 };

export function createProjectSubscriptions(deps: ProjectSubscriptionsDeps): ProjectSubscriptions {
  const { hub } = deps;
  return {
    async *subscribe(caller, { projectId, lastEventId, signal, whenWritable }) {
      const userId = caller.user.id;
      const subscription: Subscription = {
        ...deps,
        userId,
        projectId,
        signal,
        sentVersions: new Map(),
        hasResumed: false,
      };
      const buffer = createSendBuffer({ projectId, signal });
      const leave = hub.join(userId, buffer);
      try {
        const resumedId = lastEventId === null ? null : entryIdOf(hub, lastEventId);
        const missed = resumedId === null ? null : hub.entriesAfter(userId, resumedId);
        if (missed) {
          subscription.hasResumed = true;
          hub.recordResume(userId);
          for (const entry of missed) buffer.onProject(entry.id, entry.project);
          if (projectId !== null) await readProjects(subscription); // the caller must still have access
          yield trackedEvent(hub, resumedId ?? hub.lastId(), { type: 'freshness', freshness: hub.freshness() });
        } else {
          yield* sendSnapshot(subscription);
        }
        while (!signal.aborted) {
          await buffer.waitForEvent();
          await whenWritable(signal);
          const event = signal.aborted ? null : buffer.take();
          if (event) yield* sendEvent(subscription, event);
        }
      } finally {
        leave();
      }
    },
  };
}

interface Subscription extends ProjectSubscriptionsDeps {
  userId: string;
  projectId: string | null;
  signal: AbortSignal;
  /** The version of each project that this subscriber was sent. */
  sentVersions: Map<string, number>;
  /** Then the subscriber may show projects that were sent before. */
  hasResumed: boolean;
}

async function readProjects({ source, userId, projectId }: Subscription): Promise<PublishedProject[]> {
  if (projectId === null) return source.listProjects(userId);
  const project = await source.findProject({ id: projectId, userId });
  if (!project) throw projectNotFound();
  return [project];
}

/** Reads and sends a snapshot. Waits while the database does not answer, because an error would end the subscription. */
async function* sendSnapshot(subscription: Subscription): AsyncGenerator<Event, void> {
  const { hub, userId, projectId, signal, sentVersions, pause, random } = subscription;
  for (let failedAttempts = 0; !signal.aborted;) {
    // The id from before the read: entries after it are sent again or dropped as duplicates.
    const id = hub.lastId();
    try {
      const published = await readProjects(subscription);
      const projects = published.map((project) => projectFor(project, userId));
      for (const project of projects) sentVersions.set(project.id, project.statusVersion);
      hub.recordSnapshot(userId, published, { complete: projectId === null });
      yield trackedEvent(hub, id, { type: 'snapshot', projects: projects.filter(isLive), freshness: hub.freshness() });
      for (const project of projects) if (!isLive(project)) yield trackedEvent(hub, id, { type: 'removed', project });
      return;
    } catch (error) {
      const outage = outageOf(error);
      if (!outage) throw error;
      if (failedAttempts === 0) yield tracked(noResumeId, { type: 'reset', message: outage.message });
      failedAttempts += 1;
      await pause(backOffMs(failedAttempts, { ...databaseBackOff, random }), signal);
    }
  }
}

async function* sendEvent(subscription: Subscription, event: BufferedEvent): AsyncGenerator<Event, void> {
  switch (event.type) {
    case 'reset': {
      const message = 'Some changes may have been missed. Reading all projects again.';
      yield tracked(noResumeId, { type: 'reset', message });
      yield* sendSnapshot(subscription);
      return;
    }
    case 'freshness':
      yield trackedEvent(subscription.hub, event.id, { type: 'freshness', freshness: event.freshness });
      return;
    case 'project': {
      const { project } = event;
      const sent = subscription.sentVersions.get(project.id);
      if ((sent ?? 0) >= project.statusVersion) return;
      if (project.role === 'none' && sent === undefined && !subscription.hasResumed) return;
      subscription.sentVersions.set(project.id, project.statusVersion);
      yield trackedEvent(subscription.hub, event.id, { type: isLive(project) ? 'changed' : 'removed', project });
    }
  }
}

function isLive(project: Project): boolean {
  return project.status !== 'archived';
}
