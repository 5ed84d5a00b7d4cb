/**
 * Distributes the status stream to the subscribers of this server: one reader, whatever the number of sockets. Two loops
 * call it: the reader of the stream, and the comparison with the database, which delivers what the stream has lost. It
 * never calls Kubernetes, and keeps projects only as recent entries.
 */

import type { Clock } from '../../shared/clock.ts';
import type { Freshness, StreamEntry } from '../../shared/contract/events.ts';
import type { Project, PublishedProject } from '../../shared/contract/project.ts';
import type { StatusReader } from '../../shared/node/status-stream.ts';
import { freshnessOf, shouldPublish, type Comparison, type Heartbeat } from './freshness.ts';
import { createRecentEntries, type StreamedProject } from './recent-entries.ts';
import { createUserRegistry, type ProjectVersion } from './user-registry.ts';

/** What a subscriber receives. The callbacks must return at once and must not throw. */
export interface HubSubscriber {
  onProject(id: string, project: Project): void;
  onFreshness(id: string, freshness: Freshness): void;
  /** Continuity is lost: entries may be missing, so read the database again. */
  onReset(id: string): void;
}

export interface StatusHub {
  /** Registers; the returned function leaves. From now on the subscriber misses nothing, so read the snapshot after. */
  join: (userId: string, subscriber: HubSubscriber) => () => void;
  /** Goes on comparing the user's projects with the database, subscribers or not, until the returned function is called. */
  keep: (userId: string) => () => void;
  /** Id of the newest entry that was delivered. */
  lastId: () => string;
  freshness: () => Freshness;
  heartbeatAgeSeconds: () => number | null;
  /** The user's entries after `id`, or `null` if one of them may be missing: then read a snapshot. */
  entriesAfter(userId: string, id: string): StreamedProject[] | null;
  /**
   * Reports what one subscriber has read from the database: everybody else who may see the projects receives what is new to them.
   * `complete`: these are all projects of the user that are not archived.
   */
  recordSnapshot: (userId: string, projects: PublishedProject[], options: { complete: boolean }) => void;
  /** Reports that a subscriber has resumed: what the stream lost before is delivered by the next comparison. */
  recordResume: (userId: string) => void;
  subscriberCount: () => number;
  /** How often the database was restored, as of the last check. Ids of entries count only for the same number. */
  restores: () => number;
  /** When the database was restored, nothing counts that was delivered before, and everybody reads a snapshot. */
  checkRestored: () => Promise<void>;
  /** Compares with the database once. Deliveries use the id of the newest entry. */
  compareWithDatabase: () => Promise<void>;
  /** Publishes the freshness if it changed only because time passed. */
  checkFreshness: () => void;
  reader: StatusReader;
}

interface StatusHubDeps {
  listVersions(userIds: string[]): Promise<ProjectVersion[]>;
  findProjects(ids: string[]): Promise<PublishedProject[]>;
  /** The watch leader's last observation, as stored in PostgreSQL; `null` if there is no watch leader. */
  readWatchObservation(): Promise<{ reachable: boolean | null; observedAt: string | null } | null>;
  /** How often the database was restored from a backup. */
  countRestores(): Promise<number>;
  /** Rows are older than what was delivered, although nobody has counted a restore. */
  onVersionsFell(): Promise<void>;
  /** Tasks or runs of this project have changed. Must return at once and must not throw. */
  onTasks(projectId: string): void;
  clock: Clock;
  maxRecentEntries: number;
  /** One comparison reads at most this many projects; the next comparison reads the rest. */
  maxRepairs: number;
  /** After a loss the user cannot resume for this long: until every server has compared. */
  noResumeAfterLossMs: number;
}

export function createStatusHub(deps: StatusHubDeps): StatusHub {
  const { clock } = deps;
  const users = createUserRegistry();
  const recent = createRecentEntries({
    maxEntries: deps.maxRecentEntries,
    noResumeAfterLossMs: deps.noResumeAfterLossMs,
    clock,
  });
  let lastId = '0-0';
  let restores: number | null = null;
  /** At the last comparison, the rows that were older than what was delivered, with the delivered version. */
  let fallen = new Map<string, number>();
  let heartbeat: Heartbeat | null = null;
  let comparison: Comparison | null = null;
  const freshness = () => freshnessOf({ heartbeat, comparison }, clock.monotonic());
  let published: Freshness & { atMs: number } = { ...freshness(), atMs: -Infinity };

  function checkFreshness(): void {
    const next = freshness();
    if (!shouldPublish(published, next, clock.monotonic())) return;
    published = { ...next, atMs: clock.monotonic() };
    for (const subscriber of users.subscribers()) subscriber.onFreshness(lastId, next);
  }

  const reader: StatusReader = {
    onEntry(id: string, entry: StreamEntry) {
      lastId = id;
      if (entry.type === 'heartbeat') {
        heartbeat = { receivedAtMs: clock.monotonic(), reachable: entry.reachable, asOf: entry.asOf };
        checkFreshness();
        return;
      }
      if (entry.type === 'tasks') return deps.onTasks(entry.projectId);
      recent.append({ id, project: entry.project });
      users.deliver(id, entry.project);
    },
    onContinuityLost(id) {
      lastId = id;
      // An empty stream does not say what it held before it was wiped, so resuming starts with the first entry.
      recent.restart(id === '0-0' ? null : id);
      for (const subscriber of users.subscribers()) subscriber.onReset(id);
    },
  };

  async function checkRestored(): Promise<void> {
    const before = restores;
    restores = await deps.countRestores();
    if (before === null || before === restores) return;
    users.forgetVersions();
    recent.restart(null);
    for (const subscriber of users.subscribers()) subscriber.onReset(lastId);
  }

  /** A row may be read before a change that is delivered meanwhile. A second comparison rules that out. */
  async function reportFallen(rows: ProjectVersion[]): Promise<void> {
    const before = fallen;
    fallen = users.findFallen(rows);
    if ([...fallen].some(([id, delivered]) => before.get(id) === delivered)) await deps.onVersionsFell();
  }

  async function compareWithDatabase(): Promise<void> {
    await checkRestored();
    recent.pruneLosses();
    // Read before the rows: everything that was written until then is on the screen afterwards.
    const observation = await deps.readWatchObservation();
    const { userIds, complete } = users.beginComparison();
    const rows = userIds.length === 0 ? [] : await deps.listVersions(userIds);
    await reportFallen(rows);
    const undelivered = users.findUndelivered(rows);
    const batch = undelivered.slice(0, deps.maxRepairs);
    const projects = new Map((await deps.findProjects(batch.map(({ id }) => id))).map((each) => [each.id, each]));
    for (const { id, userId, isLoss } of batch) {
      const project = projects.get(id);
      if (!project) continue;
      if (isLoss) recent.recordLoss(userId, lastId);
      users.deliver(lastId, project);
    }
    if (batch.length < undelivered.length) return;
    for (const { user } of batch) user.hasBaseline = true;
    complete();
    if (observation) {
      const { reachable, observedAt } = observation;
      comparison = { comparedAtMs: clock.monotonic(), reachable, asOf: observedAt };
    }
  }

  return {
    reader,
    join: users.join,
    keep: users.keep,
    lastId: () => lastId,
    freshness,
    heartbeatAgeSeconds: () => (heartbeat ? (clock.monotonic() - heartbeat.receivedAtMs) / 1000 : null),
    entriesAfter: (userId, id) => recent.after(userId, id, lastId),
    recordSnapshot(userId, projects, { complete }) {
      const user = users.find(userId);
      if (user && complete) user.hasBaseline = true;
      for (const project of projects) users.deliver(lastId, project);
    },
    recordResume(userId) {
      const user = users.find(userId);
      if (user) user.resumes += 1;
    },
    subscriberCount: () => users.subscribers().length,
    restores: () => restores ?? 0,
    checkRestored,
    compareWithDatabase,
    checkFreshness,
  };
}
