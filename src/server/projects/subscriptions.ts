/**
 * One live subscription: register with the hub, then read the snapshot, then pass on what is newer. It ends when its
 * signal aborts, and leaves nothing behind.
 */

import { tracked, type TrackedEnvelope } from '@trpc/server';

import type { ProjectEvent } from '../../shared/contract/events.ts';
import type { Project } from '../../shared/contract/project.ts';
import { outageOf } from '../../shared/node/db/outage.ts';
import type { ProjectSubscriptions } from '../services.ts';
import { createSendBuffer, type BufferedEvent } from './send-buffer.ts';
import { projectNotFound } from './service.ts';
import type { StatusHub } from './status-hub.ts';

export interface ProjectSubscriptionsDeps {
  hub: StatusHub;
  source: {
    /** Everything of the owner that is not archived. */
    listProjects(ownerId: string): Promise<Project[]>;
    /** The owner's project in whatever state. */
    findProject(key: { id: string; ownerId: string }): Promise<Project | null>;
  };
  /** Resolves after so many milliseconds, or at once when the signal aborts. Never rejects. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

type Event = TrackedEnvelope<ProjectEvent>;

export function createProjectSubscriptions({ hub, source, pause }: ProjectSubscriptionsDeps): ProjectSubscriptions {
  return {
    async *subscribe(caller, { projectId, lastEventId, signal, whenWritable }) {
      const ownerId = caller.user.id;
      const buffer = createSendBuffer({ projectId, signal });
      /** The version of each project that this subscriber has been sent. */
      const held = new Map<string, number>();
      const leave = hub.join(ownerId, buffer);

      async function readProjects(): Promise<Project[]> {
        if (projectId === null) return source.listProjects(ownerId);
        const project = await source.findProject({ id: projectId, ownerId });
        if (!project) throw projectNotFound();
        return [project];
      }

      async function* snapshot(): AsyncGenerator<Event, void> {
        for (let attempt = 0; !signal.aborted; attempt += 1) {
          const id = hub.lastId(); // from before the read: what comes after it is sent again or deduplicated
          try {
            const projects = await readProjects();
            for (const project of projects) held.set(project.id, project.statusVersion);
            hub.noteSnapshot(ownerId, projects, { complete: projectId === null });
            const [live, archived] = [projects.filter(isLive), projects.filter((project) => !isLive(project))];
            yield tracked(id, { type: 'snapshot', projects: live, freshness: hub.freshness() });
            for (const project of archived) yield tracked(id, { type: 'removed', project });
            return;
          } catch (error) {
            const outage = outageOf(error);
            if (!outage) throw error;
            // The socket is fine, so it stays open: an error would end the subscription for good.
            if (attempt === 0) yield tracked(id, { type: 'reset', message: outage.message });
            await pause(Math.min(500 * 2 ** attempt, 5_000), signal);
          }
        }
      }

      async function* pass(event: BufferedEvent): AsyncGenerator<Event, void> {
        switch (event.type) {
          case 'gap': {
            const message = 'Some changes may have been missed. Reading everything anew.';
            yield tracked(event.id, { type: 'reset', message });
            yield* snapshot();
            return;
          }
          case 'freshness':
            yield tracked(event.id, { type: 'freshness', freshness: event.freshness });
            return;
          case 'project': {
            const { project } = event;
            if ((held.get(project.id) ?? 0) >= project.statusVersion) return;
            held.set(project.id, project.statusVersion);
            yield tracked(event.id, { type: isLive(project) ? 'changed' : 'removed', project });
          }
        }
      }

      try {
        const missed = lastEventId === null ? null : hub.entriesAfter(ownerId, lastEventId);
        if (missed) {
          for (const entry of missed) buffer.onProject(entry.id, entry.project);
          if (projectId !== null) await readProjects(); // it must still be the caller's
          yield tracked(lastEventId ?? hub.lastId(), { type: 'freshness', freshness: hub.freshness() });
        } else {
          yield* snapshot();
        }
        while (!signal.aborted) {
          await buffer.arrival();
          await whenWritable(signal);
          const event = signal.aborted ? null : buffer.take();
          if (event) yield* pass(event);
        }
      } finally {
        leave();
      }
    },
  };
}

function isLive(project: Project): boolean {
  return project.status !== 'archived';
}
